"""Accruals over HTTP (应付计提接口)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.settlement.api.parties import Party
from services.settlement.projections.accruals import AccrualFilter, Key, list_accruals
from shared.kernel.clock import local_text
from shared.kernel.quantity import format_quantity
from shared.runtime.fields import HospitalId, Uscc
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1", tags=["settlement 结算"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


Month = Annotated[str, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="月份, yyyy-MM")]


@router.get("/accruals")
async def get_accruals(
    actor: Party,
    room: SettlementRoom,
    hospital_id: HospitalId | None = None,
    payee_id: Uscc | None = None,
    month: Month | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """应付计提: 每一条主供验收明细, 计提且只计提一次."""
    wanted = AccrualFilter(hospital_id=hospital_id, payee_id=payee_id, month=month)
    rows = await list_accruals(room.pool, actor, wanted, after=_behind(after), limit=limit)
    items = [_item(row) for row in rows]
    last = rows[-1] if rows else None
    return page(
        items,
        limit,
        cursor(last["order_id"], last["receipt_id"], last["order_line_id"]) if last else None,
    )


def _behind(after: str | None) -> Key:
    """The key that a cursor names; no id holds a NUL, which the database would choke on."""
    if after is None:
        return ("", "", "")
    order_id, receipt_id, line_id = read_cursor(after, str, str, str)
    if "\0" in order_id + receipt_id + line_id:
        raise bad_cursor()
    return (order_id, receipt_id, line_id)


def _item(row: Any) -> dict[str, Any]:
    return {
        "order_id": row["order_id"],
        "receipt_id": row["receipt_id"],
        "order_line_id": row["order_line_id"],
        "hospital_id": row["hospital_id"],
        "payee_id": row["payee_id"],
        "product_id": row["product_id"],
        "quantity": format_quantity(row["quantity"]),
        "unit_price": format_quantity(row["unit_price"]),
        "amount_fen": int(row["amount_fen"]),
        "month": row["month"],
        "at": local_text(row["at"]),
    }
