"""Tickets over HTTP (反馈工单接口)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from services.feedback.api.bodies import TicketBody, read_said
from services.feedback.api.looking import shown, ticket_now
from services.feedback.api.opening import open_ticket
from services.feedback.api.views import ticket_document
from services.feedback.domain.ticket import decode
from services.feedback.projections.tickets import TicketFilter, list_states
from shared.kernel.codes import is_hospital_id, is_path_id
from shared.kernel.errors import Problem
from shared.runtime.actors import CurrentActor, forbidden
from shared.runtime.fields import Division, HospitalId, Uscc
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/feedback/v1", tags=["tickets 反馈工单"])
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]

State = Literal["open", "promised", "solved", "confirmed", "closed"]
Level = Literal["county", "city", "province"]


@router.post(
    "/tickets",
    status_code=201,
    responses={
        200: {"description": "同一工单已提交过"},
        409: {"description": "编号已用于不同内容"},
    },
    openapi_extra=documented(TicketBody),
)
async def post_ticket(
    actor: CurrentActor, room: FeedbackRoom, answer: Response, request: Request
) -> dict[str, Any]:
    """医疗机构提交反馈; 同一编号、同一内容再次提交答复原工单."""
    if actor.role != "hospital":
        raise _not_its_own()
    said = await read_said(request)
    named = said.get("hospital_id")
    # 403 goes before 422, so whose ticket it is gets looked at before the rest is.
    if is_hospital_id(named) and named != actor.organisation:
        raise _not_its_own()
    ticket, is_new = await open_ticket(
        room, actor, read_as(TicketBody, said, spanning="ticket_id"), said
    )
    answer.status_code = 201 if is_new else 200
    return await shown(room, actor, ticket)


def _not_its_own() -> Problem:
    return forbidden("只有医疗机构可以提交自己的反馈", "a hospital opens its own tickets only")


@router.get("/tickets/{ticket_id}")
async def get_ticket(ticket_id: str, actor: CurrentActor, room: FeedbackRoom) -> dict[str, Any]:
    """一张工单及其处理记录; 列有订单的, 附平台记录的到货情况."""
    ticket = (await ticket_now(room, actor, ticket_id)).ticket
    return await shown(room, actor, ticket)


@router.get("/tickets")
async def get_tickets(
    actor: CurrentActor,
    room: FeedbackRoom,
    state: State | None = None,
    level: Level | None = None,
    bureau: Division | None = None,
    hospital_id: HospitalId | None = None,
    addressee: Uscc | None = None,
    supervised: bool | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """工单列表, 按编号排列."""
    behind = read_cursor(after, str)[0] if after is not None else ""
    if behind and not is_path_id(behind):
        raise bad_cursor()
    wanted = TicketFilter(
        state=state,
        level=level,
        bureau=bureau,
        hospital_id=hospital_id,
        addressee=addressee,
        supervised=supervised,
    )
    states = await list_states(room.pool, actor, wanted, after=behind, limit=limit)
    items = [ticket_document(decode(state)) for state in states]
    return page(items, limit, cursor(items[-1]["ticket_id"]) if items else None)
