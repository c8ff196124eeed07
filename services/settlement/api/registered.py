"""What must be registered before money moves (登记核对): the bus may lag, so it is asked twice."""

from __future__ import annotations

from services.settlement.projections.agreed import Batch, find_batch
from services.settlement.projections.registers import is_distributor, is_enterprise, is_hospital
from shared.kernel.errors import Refusal
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room


async def hospital_registered(room: Room, hospital_id: str) -> None:
    """422 for a hospital that nobody has registered."""
    if await is_hospital(room.pool, hospital_id):
        return
    if room.catch_up is not None:
        await room.catch_up()
        if await is_hospital(room.pool, hospital_id):
            return
    raise refusal_problem(
        Refusal(
            "unknown_hospital",
            f"医疗机构 {hospital_id} 未登记",
            f"unknown hospital {hospital_id}",
            pointer="/hospital_id",
        )
    )


async def distributor_registered(room: Room, payee_id: str) -> None:
    """422 for a payee that nobody has registered as a distributor."""
    if await is_distributor(room.pool, payee_id):
        return
    if room.catch_up is not None:
        await room.catch_up()
        if await is_distributor(room.pool, payee_id):
            return
    raise refusal_problem(
        Refusal(
            "unknown_distributor",
            f"配送企业 {payee_id} 未登记",
            f"unknown distributor {payee_id}",
            pointer="/payee_id",
        )
    )


async def enterprise_registered(room: Room, payee_id: str) -> None:
    """422 for a payee that nobody has registered."""
    if await is_enterprise(room.pool, payee_id):
        return
    if room.catch_up is not None:
        await room.catch_up()
        if await is_enterprise(room.pool, payee_id):
            return
    raise refusal_problem(
        Refusal(
            "unknown_organisation",
            f"企业 {payee_id} 未登记",
            f"unknown organisation {payee_id}",
            pointer="/payee_id",
        )
    )


async def registered_batch(room: Room, batch_id: str) -> Batch:
    """The batch; 422 for one that nobody has registered."""
    batch = await find_batch(room.pool, batch_id)
    if batch is None and room.catch_up is not None:
        await room.catch_up()
        batch = await find_batch(room.pool, batch_id)
    if batch is None:
        raise refusal_problem(
            Refusal(
                "unknown_batch",
                f"批次 {batch_id} 未登记",
                f"unknown batch {batch_id}",
                pointer="/batch_id",
            )
        )
    return batch
