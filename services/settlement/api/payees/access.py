"""Who may see accounts, payments and payment files, and who sees numbers whole (账号权限)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from services.settlement.api.ledger.access import area_of
from services.settlement.projections.payees import ENDING, find_account
from services.settlement.projections.payment_files import PaymentFile, find_file
from shared.kernel.codes import is_path_id, is_uscc
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found
from shared.runtime.room import Room


async def onlooker(actor: CurrentActor) -> Actor:
    """A dependency: finance of a pool, who looks after the province, a distributor; else 403."""
    is_finance = actor.role == "finance" and area_of(actor) is not None
    if is_finance or actor.sees_everything or actor.role == "distributor":
        return actor
    raise forbidden(
        "收款账户只供财务经办机构、省级部门和企业本身查看", "for finance, the province, the payee"
    )


Onlooker = Annotated[Actor, Depends(onlooker)]


async def cashier(actor: CurrentActor) -> Actor:
    """A dependency: bureaus and finance; files are no payee's and no hospital's to see (403)."""
    if area_of(actor) is None:
        raise forbidden("支付文件只供医保部门和财务经办机构查看", "for bureaus and finance")
    return actor


Cashier = Annotated[Actor, Depends(cashier)]


def keeper(actor: Actor) -> None:
    """403 unless it is the province's finance, who keeps the accounts (省级财务经办机构)."""
    if actor.role != "finance" or not actor.organisation.endswith("0000"):
        raise forbidden("收款账户由省级财务经办机构维护", "for finance of the province")


async def account_seen(room: Room, actor: Actor, payee_id: str) -> Any:
    """The row of a payee's account; 404 where there is none for this caller."""
    own = actor.role != "distributor" or actor.organisation == payee_id
    row = await find_account(room.pool, payee_id) if own and is_uscc(payee_id) else None
    if row is None:
        raise not_found(
            "没有登记该企业的收款账户, 或您无权查看", "no such account, or not yours to see"
        )
    return row


async def file_seen(room: Room, actor: Actor, file_id: str) -> PaymentFile:
    """A payment file; 404 where there is none for this caller."""
    area = area_of(actor)
    file = None
    if area is not None and is_path_id(file_id):
        file = await find_file(room.pool, area, file_id)
    if file is None:
        raise not_found("没有这一支付文件, 或您无权查看", "no such file, or not yours to see")
    return file


def number_for(actor: Actor, payee_id: str, number: str | None) -> str | None:
    """An account's number: whole for finance and for the payee, else its last characters."""
    if number is None or actor.role == "finance":
        return number
    if actor.role == "distributor" and actor.organisation == payee_id:
        return number
    return f"****{number[-ENDING:]}"
