"""Payments over HTTP (支付查询接口): what was ordered, where it goes, what the bank said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from services.settlement.api.payees.views import payment_document
from services.settlement.projections.payments import PaymentFilter, list_payments
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.fields import Division, Uscc
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1/payments", tags=["payments 支付"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
StateName = Annotated[
    Literal["paying", "paid", "failed"] | None,
    Query(description="paying 支付中, paid 已支付, failed 支付失败"),
]


async def concerned(actor: CurrentActor) -> Actor:
    """A dependency: bureaus, finance and the payee; hospitals read their statements (403)."""
    if actor.role in ("hospital", "manufacturer"):
        raise forbidden("支付只供医保部门、财务和收款企业查看", "for bureaus, finance, the payee")
    return actor


@router.get("", summary="支付")
async def get_payments(
    actor: Annotated[Actor, Depends(concerned)],
    room: SettlementRoom,
    state: StateName = None,
    pool: Division | None = None,
    payee_id: Uscc | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """本机构可见的支付及其去向, 按编号排列; 企业只见付给自己的."""
    [behind] = read_cursor(after, str) if after is not None else [""]
    wanted = PaymentFilter(state, pool, payee_id)
    rows = await list_payments(room.pool, actor, wanted, after=behind, limit=limit)
    items = [payment_document(row, actor) for row in rows]
    return page(items, limit, cursor(items[-1]["payment_id"]) if items else None)
