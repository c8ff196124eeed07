"""Statements over HTTP (对账单接口): lists and one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from services.settlement.api.accruals import Month
from services.settlement.api.parties import Party
from services.settlement.api.statements.access import seen
from services.settlement.api.statements.sheets import lines_sheet, list_sheet
from services.settlement.api.statements.views import decoded, statement_document, statement_now
from services.settlement.policy import statement_terms
from services.settlement.projections.statement_lines import lines_of
from services.settlement.projections.statements import StatementFilter, list_statements
from services.settlement.sets.drafting import list_drafts
from shared.kernel.clock import local_text
from shared.runtime.actors import CurrentActor
from shared.runtime.downloads import Format
from shared.runtime.fields import HospitalId, Uscc
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1", tags=["statements 对账单"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
StateName = Literal[
    "draft", "hospital_confirmed", "confirmed", "approved", "paying", "paid", "carried_forward"
]
Overdue = Annotated[bool | None, Query(description="true: 只列逾期未办; false: 只列未逾期")]


@router.get("/statements", summary="对账单")
async def get_statements(
    actor: Party,
    room: SettlementRoom,
    request: Request,
    month: Month | None = None,
    hospital_id: HospitalId | None = None,
    payee_id: Uscc | None = None,
    state: StateName | None = None,
    overdue: Overdue = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = "json",
) -> Any:
    """本机构可见的对账单及其明细, 按编号排列; 也可下载为表格 (不含明细)."""
    wanted = StatementFilter(
        month=month, hospital_id=hospital_id, payee_id=payee_id, state=state, overdue=overdue
    )
    [behind] = read_cursor(after, str) if after is not None else [""]
    now = await room.now()
    rows = await list_statements(room.pool, actor, wanted, now=now, after=behind, limit=limit)
    ids = [row["statement_id"] for row in rows]
    lines = await lines_of(room.pool, ids)
    terms = statement_terms(room.policy)
    items = [
        statement_document(decoded(row["stream_state"]), lines[row["statement_id"]], terms)
        for row in rows
    ]
    document = page(items, limit, cursor(ids[-1]) if ids else None)
    return document if format == "json" else list_sheet(document, request, format)


@router.get("/statements/{statement_id}", summary="一份对账单")
async def get_statement(
    statement_id: str,
    actor: CurrentActor,
    room: SettlementRoom,
    request: Request,
    format: Format = "json",
) -> Any:
    """对账单的明细、金额、支付、办理记录与时限; 明细也可下载为表格."""
    await seen(room, actor, statement_id)
    document = await statement_now(room, statement_id)
    return document if format == "json" else lines_sheet(document, request, format)


@router.get("/drafts", summary="对账单生成进度")
async def get_drafts(_actor: Party, room: SettlementRoom) -> dict[str, Any]:
    """各月对账单何时生成、已生成多少份、还有多少家医疗机构待生成, 最近的在前; 全省合计."""
    items = [
        {
            "month": row["month"],
            "at": local_text(row["at"]),
            "state": "done" if row["is_done"] else "running",
            "statements": row["statements"],
            "hospitals_left": row["hospitals"],
        }
        for row in await list_drafts(room.pool)
    ]
    return {"items": items, "next": None}
