"""Disputes over HTTP (争议接口): raised by a side, resolved by the bureau of the pool."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from services.settlement.api.judged import problem_of, state_of
from services.settlement.api.parties import Party
from services.settlement.api.statements.access import is_of_pool, is_party, seen
from services.settlement.api.statements.contesting import contest
from services.settlement.api.statements.pending import no_draft_pending
from services.settlement.domain.disputing import DisputeStream, resolve, stream_of
from services.settlement.projections.disputes import find_dispute, list_disputes
from shared.kernel.clock import local_text
from shared.kernel.codes import is_path_id
from shared.kernel.errors import Refusal
from shared.runtime.actors import CurrentActor, forbidden, not_found
from shared.runtime.bodies import json_object
from shared.runtime.deciding import Held, decide_together
from shared.runtime.fields import Body, Text, Words
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["statements 对账单"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
StateName = Annotated[
    Literal["open", "resolved"] | None, Query(description="open 未处理, resolved 已处理")
]


class DisputeBody(Body):
    """Which lines are contested, and why (争议)."""

    line_ids: Annotated[list[Words], Field(min_length=1, max_length=10_000)]
    reason: Text


class ResolutionBody(Body):
    """What becomes of contested lines (争议处理): settle lets them come again, withdraw does not."""

    outcome: Literal["settle", "withdraw"]


@router.post(
    "/statements/{statement_id}/dispute",
    status_code=201,
    summary="提出争议",
    openapi_extra=documented(DisputeBody),
)
async def post_dispute(
    statement_id: str, actor: CurrentActor, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """双方确认之前可对明细提出争议: 所列明细退出合计, 其余照常办理."""
    row = await seen(room, actor, statement_id)
    if not is_party(actor):
        raise forbidden("只有医疗机构和企业可以提出争议", "for the statement's parties")
    body = read_as(DisputeBody, await json_object(request))
    dispute = await contest(room, row, body.line_ids, body.reason, str(actor))
    return _document(dispute, None)


@router.post(
    "/disputes/{dispute_id}/resolve", summary="处理争议", openapi_extra=documented(ResolutionBody)
)
async def post_resolve(
    dispute_id: str, actor: CurrentActor, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """统筹区处理争议: settle 使明细重新匹配并进入下一期, withdraw 不再结算; 同样的处理再报不变."""
    row = await _seen(room, actor, dispute_id)
    if not is_of_pool(actor, "bureau", row["hospital_id"]):
        raise forbidden("只有统筹区医保部门可以处理争议", "for the bureau of the pool")
    body = read_as(ResolutionBody, await json_object(request))
    stream = stream_of(dispute_id)

    async def work(hold: Held) -> None:
        state = hold.batch.state_of(stream)
        assert isinstance(state, DisputeStream)
        decided = resolve(state, body.outcome, str(actor), hold.now)
        if decided:
            await no_draft_pending(room, hold)
        for one in decided:
            hold.batch.record(stream, one)

    try:
        await decide_together(room, [stream], work)
    except Refusal as refusal:
        raise problem_of(refusal) from None
    state = await state_of(room, stream)
    assert isinstance(state, DisputeStream)
    return _document(state.opened, state.resolved.outcome if state.resolved else None)


@router.get("/disputes", summary="争议")
async def get_disputes(
    actor: Party,
    room: SettlementRoom,
    state: StateName = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """本机构可见的争议, 按编号排列."""
    [behind] = read_cursor(after, str) if after is not None else [""]
    rows = await list_disputes(room.pool, actor, state, after=behind, limit=limit)
    items = [_row_document(row) for row in rows]
    return page(items, limit, cursor(items[-1]["dispute_id"]) if items else None)


async def _seen(room: Room, actor: CurrentActor, dispute_id: str) -> Any:
    is_one = is_path_id(dispute_id)
    row = await find_dispute(room.pool, actor, dispute_id) if is_one else None
    if row is None:
        raise not_found("没有这一争议, 或您无权查看", "no such dispute, or not yours to see")
    return row


def _document(dispute: Any, outcome: str | None) -> dict[str, Any]:
    return {
        "dispute_id": dispute.dispute_id,
        "statement_id": dispute.statement_id,
        "line_ids": list(dispute.line_ids),
        "reason": dispute.reason,
        "state": "open" if outcome is None else "resolved",
        "outcome": outcome,
        "opened_at": local_text(dispute.at),
        "opened_by": dispute.by,
    }


def _row_document(row: Any) -> dict[str, Any]:
    return {
        "dispute_id": row["dispute_id"],
        "statement_id": row["statement_id"],
        "line_ids": list(row["line_ids"]),
        "reason": row["reason"],
        "state": "open" if row["outcome"] is None else "resolved",
        "outcome": row["outcome"],
        "opened_at": local_text(row["opened_at"]),
        "opened_by": row["opened_by"],
    }
