"""Who may see and who may report what a hospital pays (付款权限): 404 goes before 403, 422 and 409."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from services.settlement.policy import hospital_pays_pools
from services.settlement.projections.hospital_payments import find_payment
from shared.kernel.codes import covers, division_of, is_hospital_id, is_path_id, pool_of
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found
from shared.runtime.room import Room
from shared.runtime.said import Said


def may_see(actor: Actor, hospital_id: str) -> bool:
    """Whether this caller may see what a hospital owes: a distributor what is owed to it (可见)."""
    if not is_hospital_id(hospital_id):
        return False
    if actor.sees_everything or actor.role == "distributor":
        return True
    match actor.role:
        case "hospital":
            return actor.organisation == hospital_id
        case "bureau":
            return covers(actor.organisation, division_of(hospital_id))
        case "finance":
            # A pool is a city's: a county has none of its own.
            return actor.organisation.endswith("00") and covers(
                actor.organisation, division_of(hospital_id)
            )
    return False


def seen(actor: Actor, hospital_id: str) -> None:
    """404 for whoever may not see this hospital's debts."""
    if not may_see(actor, hospital_id):
        raise not_found(
            "没有这一医疗机构的货款, 或您无权查看", "no such debts, or not yours to see"
        )


def payee_of(actor: Actor, asked: str | None) -> str | None:
    """The payee that a list is about: a distributor's is itself, whatever it asks for (收款方)."""
    return actor.organisation if actor.role == "distributor" else asked


async def reporter(actor: CurrentActor) -> Actor:
    """A dependency: a hospital or a finance office; 403 for everybody else (付款登记方)."""
    if actor.role not in ("hospital", "finance"):
        raise forbidden(
            "付款由医疗机构或统筹区财务经办机构登记", "for hospitals and the finance of their pool"
        )
    return actor


Reporter = Annotated[Actor, Depends(reporter)]


def of_the_reporter(actor: Actor, said: Said) -> None:
    """404 for another's hospital, before whatever else is wrong with the words."""
    hospital_id = said.get("hospital_id")
    if is_hospital_id(hospital_id):
        seen(actor, hospital_id)


async def payment_seen(room: Room, actor: Actor, payment_id: str) -> Any:
    """The payment, if there is one and this caller may see it; else 404."""
    row = await find_payment(room.pool, actor, payment_id) if is_path_id(payment_id) else None
    if row is None:
        raise not_found("没有这笔付款, 或您无权查看", "no such payment, or not yours to see")
    return row


def hospital_pays(room: Room, hospital_id: str) -> bool:
    """Whether this hospital pays by itself; else the fund does (结算模式)."""
    return pool_of(hospital_id) in hospital_pays_pools(room.policy)


def mode_refused(hospital_id: str) -> Problem:
    """409: the fund pays for this hospital (医保基金直接结算)."""
    return Problem(
        409,
        "fund_pays",
        f"医疗机构 {hospital_id} 所在统筹区由医保基金直接结算, 不登记医疗机构付款",
        f"the fund pays for {hospital_id}: hospitals of its pool report no payments",
    )
