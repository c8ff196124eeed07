"""Who may see and who may act on a retained surplus (结余留用权限): 404 goes before 403."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from shared.kernel.codes import covers, division_of, is_hospital_id, pool_of
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found


def may_see(actor: Actor, hospital_id: str) -> bool:
    """Whether this caller may see a hospital's surplus: its own, its area's, its pool's (可见)."""
    if actor.sees_everything:
        return True
    if not is_hospital_id(hospital_id):
        return False
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
    """404 for whoever may not see this hospital's surplus."""
    if not may_see(actor, hospital_id):
        raise not_found("没有这一结余留用, 或您无权查看", "no such surplus, or not yours to see")


def of_the_pool(actor: Actor, hospital_id: str | None) -> None:
    """The bureau of the hospital's pool, or the province; without a hospital a pool's bureau."""
    if hospital_id is not None:
        seen(actor, hospital_id)
    if actor.role == "bureau" and (
        actor.is_province
        or (hospital_id is None and actor.organisation.endswith("00"))
        or (hospital_id is not None and pool_of(hospital_id) == actor.organisation)
    ):
        return
    raise forbidden(
        "只有统筹区医保部门可以登记和测算结余留用", "for the bureau of the pool and the province"
    )


async def reader(actor: CurrentActor) -> Actor:
    """A dependency, so that 403 goes before any fault of the query: enterprises retain nothing."""
    if actor.role in ("distributor", "manufacturer"):
        raise forbidden("企业不参与结余留用", "enterprises have no part in retained surplus")
    return actor


Reader = Annotated[Actor, Depends(reader)]
