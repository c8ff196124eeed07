"""Opening a ticket (提交反馈): the words become an event, the desk decides, the ticket is read back."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.feedback.api.bodies import TicketBody
from services.feedback.commands import OpenTicket
from services.feedback.domain.ticket import Ticket, decode
from services.feedback.projections.tickets import find_state, stream_of, words_of_opening
from shared.events.feedback import TICKET_OPENED
from shared.kernel.canonical import canonical
from shared.kernel.decider import Sent
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor
from shared.runtime.judging import Verdict
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room
from shared.runtime.said import Said, as_sent

CONFLICT: Final = "conflicting_duplicate"


async def open_ticket(
    room: Room, actor: Actor, said: TicketBody, words: Said
) -> tuple[Ticket, bool]:
    """The ticket, and whether it is new; a Problem where it is refused. Durable when it returns."""
    verdict = await _judged(room, _sent(actor, said, words, await room.now()))
    refusal = verdict.refusal
    if refusal is not None and refusal.code != CONFLICT:
        raise refusal_problem(refusal)
    async with room.pool.acquire() as connection:
        state = await find_state(connection, said.ticket_id)
        first = await words_of_opening(connection, said.ticket_id)
    assert state is not None
    # Said again it carries a later time, so the words are compared, not the events' hashes.
    is_new = verdict.status == "accepted"
    if not is_new and canonical(first) != canonical(words):
        raise _conflict()
    return decode(state), is_new


async def _judged(room: Room, sent: Sent) -> Verdict:
    """The desk's verdict; what is unknown is asked for a second time when the bus has caught up."""
    assert room.desk is not None
    [verdict] = await room.desk.submit([sent])
    if verdict.refusal is None or not verdict.refusal.retryable or room.catch_up is None:
        return verdict
    await room.catch_up()
    [verdict] = await room.desk.submit([sent])
    return verdict


def _conflict() -> Problem:
    return Problem(
        409,
        CONFLICT,
        "该工单编号已用于不同的内容; 请换用新的编号",
        "this ticket id was used for other content; use a new one",
    )


def _sent(actor: Actor, said: TicketBody, words: Said, now: datetime) -> Sent:
    command = OpenTicket(
        ticket_id=said.ticket_id,
        hospital_id=said.hospital_id,
        product_id=said.product_id,
        addressees=tuple(said.addressees),
        category=said.category,
        description=said.description,
        order_ids=tuple(said.order_ids or ()),
        prominent=said.prominent,
        by=str(actor),
    )
    event_id = f"{said.ticket_id}-opened"
    return as_sent(actor, stream_of(said.ticket_id), event_id, TICKET_OPENED, command, words, now)
