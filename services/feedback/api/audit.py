"""The auditor's findings over HTTP (核查结果接口): asked for, it looks anew."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.feedback.projections.audit import find_unstepped
from shared.kernel.clock import local_text, parse_instant, utc_text
from shared.runtime.actors import CurrentActor, forbidden
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/feedback/v1", tags=["tickets 反馈工单"])
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]


@router.get("/audit")
async def get_audit(
    actor: CurrentActor, room: FeedbackRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """到期而无处理记录的工单 (应为空): 只依据已登记的事实独立核查, 按工单编号排列."""
    if not (actor.is_province or actor.role in ("regulator", "ops")):
        raise forbidden(
            "只有省级医保、监管和运维可以查看核查结果", "for province, regulator and ops"
        )
    behind = _behind(after)
    found = await find_unstepped(room.pool, await room.now(), after=behind, limit=limit)
    items = [
        {"ticket_id": one.ticket_id, "deadline": one.deadline, "due_at": local_text(one.due_at)}
        for one in found
    ]
    last = found[-1] if found else None
    return page(items, limit, last and cursor(last.ticket_id, last.deadline, utc_text(last.due_at)))


def _behind(after: str | None) -> tuple[str, str, datetime] | None:
    if after is None:
        return None
    ticket_id, deadline, due = read_cursor(after, str, str, str)
    try:
        return ticket_id, deadline, parse_instant(due)
    except (ValueError, OverflowError):
        raise bad_cursor() from None
