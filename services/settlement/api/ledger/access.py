"""Who may look into the ledger (账本权限): hospitals see none of it, enterprises their own accounts.

What a caller may not see is 404, told before any fault of the query.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from shared.kernel.codes import division_of, is_division, is_hospital_id, subtree_prefix
from shared.kernel.entries import owner_of
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found


def area_of(actor: Actor) -> str | None:
    """What the divisions that this caller looks after begin with; None where it sees no entry."""
    if actor.sees_everything:
        return ""
    organisation = actor.organisation
    match actor.role:
        case "bureau":
            return subtree_prefix(organisation)
        case "finance" if organisation.endswith("0000"):
            return ""
        case "finance" if organisation.endswith("00"):
            # A pool is a city's, its counties included.
            return organisation[:4]
    return None


async def reader(actor: CurrentActor) -> str:
    """A dependency: the area whose entries this caller may read (可见范围)."""
    area = area_of(actor)
    if area is None:
        raise not_found("账本不存在, 或您无权查看", "no ledger that is yours to see")
    return area


Area = Annotated[str, Depends(reader)]


async def account_area(account: str, actor: CurrentActor) -> str:
    """A dependency: the area whose entries are summed up for this caller; 404 for another's account.

    A hospital's or a pool's account belongs to one area as a whole; of an enterprise's account a
    bureau or a finance office sees what its own area posted there.
    """
    owner, area = owner_of(account), area_of(actor)
    if owner is not None:
        if is_hospital_id(owner) or is_division(owner):
            place = division_of(owner) if is_hospital_id(owner) else owner
            if area is not None and place.startswith(area):
                return ""
        elif area is not None:
            return area
        elif actor.role == "distributor" and actor.organisation == owner:
            return ""
    raise not_found("没有这一科目, 或您无权查看", "no such account, or not yours to see")


AccountArea = Annotated[str, Depends(account_area)]


def finance_only(actor: Actor) -> None:
    """403 unless it is a finance office that asks (经办财务)."""
    if actor.role != "finance":
        raise forbidden("只有财务经办机构可以记账", "for finance offices")


def of_its_pool(actor: Actor, division: str) -> None:
    """404 for what another pool pays (非本统筹区)."""
    area = area_of(actor)
    if area is None or not division.startswith(area):
        raise not_found("未找到, 或不属于本统筹区", "not found, or of another pool")
