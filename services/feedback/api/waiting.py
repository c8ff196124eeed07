"""What waits for me (待办工单): each party's own list, the most urgent first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.feedback.api.looking import all_shown
from services.feedback.api.views import ticket_document
from services.feedback.domain.ticket import Ticket, decode
from services.feedback.projections.waiting import list_waiting
from shared.kernel.clock import parse_instant, utc_text
from shared.runtime.actors import CurrentActor, forbidden
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/feedback/v1", tags=["tickets 反馈工单"])
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]


@router.get("/waiting")
async def get_waiting(
    actor: CurrentActor, room: FeedbackRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """等待本单位处理的工单, 按最近时限排列: 企业待回复或解决, 医疗机构待确认, 医保部门督办中."""
    if actor.role not in ("hospital", "distributor", "manufacturer", "bureau"):
        raise forbidden("没有工单等待该角色处理", "no ticket waits for this role")
    behind = _behind(after)
    rows = await list_waiting(room.pool, actor, after=behind, limit=limit)
    tickets = [decode(row["state"]) for row in rows]
    # Who is asked to confirm reads here what has arrived; the others need not be told.
    is_asked = actor.role == "hospital"
    told = await all_shown(room, actor, tickets) if is_asked else map(ticket_document, tickets)
    items = [
        {"waits_for": waits_for(actor.role, ticket), **document}
        for ticket, document in zip(tickets, told, strict=True)
    ]
    last = cursor(utc_text(rows[-1]["due"]), rows[-1]["stream"]) if rows else None
    return page(items, limit, last)


def _behind(after: str | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    due, stream = read_cursor(after, str, str)
    try:
        return parse_instant(due), stream
    except (ValueError, OverflowError):
        raise bad_cursor() from None


def waits_for(role: str, ticket: Ticket) -> str:
    """What this party is to do: reply, solve, confirm, or supervise (待回复、待解决、待确认、督办)."""
    if role == "bureau":
        return "supervision"
    if role == "hospital":
        return "confirmation"
    return "solution" if ticket.state == "promised" else "reply"
