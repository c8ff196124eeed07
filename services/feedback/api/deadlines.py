"""The deadlines of a ticket over HTTP (工单时限接口): each with its proof."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.feedback.api.explaining import deadline_document
from services.feedback.api.looking import ticket_now
from services.feedback.domain.reciting import recited
from services.feedback.projections.tickets import told_of
from shared.runtime.actors import CurrentActor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/feedback/v1", tags=["tickets 反馈工单"])
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]


@router.get("/tickets/{ticket_id}/deadlines")
async def get_deadlines(ticket_id: str, actor: CurrentActor, room: FeedbackRoom) -> dict[str, Any]:
    """已经起算的各项时限: 起点、日历版本、逐日计数及其理由 (中英文)."""
    looked = await ticket_now(room, actor, ticket_id)
    told = [*await told_of(room.pool, ticket_id), *looked.passed]
    return {"items": [deadline_document(item) for item in recited(told, looked.now)]}
