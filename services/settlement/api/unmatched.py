"""Receipt lines that cannot be settled yet over HTTP (未匹配明细接口)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.settlement.api.accruals import SettlementRoom
from services.settlement.api.parties import Party
from services.settlement.projections.receipts import Key, UnmatchedFilter, list_unmatched
from shared.kernel.quantity import format_quantity
from shared.runtime.fields import HospitalId, Uscc
from shared.runtime.pages import After, Limit, cursor, page, read_cursor

router = APIRouter(prefix="/settlement/v1", tags=["settlement 结算"])


@router.get("/unmatched")
async def get_unmatched(
    actor: Party,
    room: SettlementRoom,
    hospital_id: HospitalId | None = None,
    payee_id: Uscc | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """未匹配明细: 验收、发票、中选价三单不符, 暂不能结算的主供验收明细及原因."""
    wanted = UnmatchedFilter(hospital_id=hospital_id, payee_id=payee_id)
    rows = await list_unmatched(room.pool, actor, wanted, after=_behind(after), limit=limit)
    last = rows[-1] if rows else None
    return page(
        [_item(row) for row in rows],
        limit,
        cursor(last["hospital_id"], last["order_id"], last["receipt_id"], last["order_line_id"])
        if last
        else None,
    )


def _behind(after: str | None) -> Key:
    """The key that a cursor names (分页游标)."""
    if after is None:
        return ("", "", "", "")
    hospital_id, order_id, receipt_id, line_id = read_cursor(after, str, str, str, str)
    return (hospital_id, order_id, receipt_id, line_id)


def _item(row: Any) -> dict[str, Any]:
    return {
        "order_id": row["order_id"],
        "order_line_id": row["order_line_id"],
        "receipt_id": row["receipt_id"],
        "quantity": format_quantity(row["accepted"]),
        "reason": row["outcome"],
    }
