"""Acts on a ticket (工单处理): who may, what was said, then the desk; the first fault in order counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from fastapi import Request

from services.feedback.api.bodies import read_said
from services.feedback.api.looking import ticket_now
from services.feedback.commands import Act
from services.feedback.domain.rules import may_act
from services.feedback.domain.ticket import Ticket, decode
from services.feedback.projections.tickets import find_state, stream_of
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Acting, forbidden
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room
from shared.runtime.said import Said, as_sent

_STATUS: Final = {"forbidden": 403, "not_found": 404, "wrong_state": 409, "already_replied": 409}


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of act (操作): the event it becomes, how its command is read, who answers for it."""

    kind: type[Act]
    event_type: str
    read: Callable[[Said, str], Act]
    needs_person: bool = False


async def act(room: Room, acting: Acting, ticket_id: str, asked: Asked, request: Request) -> Ticket:
    """The ticket behind the act; a Problem where it is refused. Durable when it returns.

    The desk decides, behind the locks. The look before it only puts the faults in their order:
    who may not act is told so before the words are even read.
    """
    actor = acting.actor
    ticket = (await ticket_now(room, actor, ticket_id)).ticket
    if not may_act(ticket, asked.kind, actor.role, actor.organisation):
        raise forbidden("该机构不能对此工单进行此操作", "this is not yours to do with this ticket")
    if asked.needs_person:
        acting.person()
    said = await read_said(request)
    try:
        command = asked.read(said, str(actor))
    except Refusal as refusal:
        raise refusal_problem(refusal) from None
    assert room.desk is not None
    # Its id is ours, for none was sent: a client that repeats itself uses an Idempotency-Key.
    event_id = f"{ticket_id}-{uuid4().hex}"
    words = {**said, "ticket_id": ticket_id, "by": str(actor)}
    now = await room.now()
    sent = as_sent(actor, stream_of(ticket_id), event_id, asked.event_type, command, words, now)
    [verdict] = await room.desk.submit([sent])
    if verdict.refusal is not None:
        raise _problem(verdict.refusal)
    state = await find_state(room.pool, ticket_id)
    assert state is not None
    return decode(state)


def _problem(refusal: Refusal) -> Problem:
    status = _STATUS.get(refusal.code)
    if status is None:
        return refusal_problem(refusal)
    return Problem(status, refusal.code, refusal.detail_zh, refusal.detail_en)
