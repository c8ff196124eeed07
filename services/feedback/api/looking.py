"""A ticket as it stands now (查看工单): also between a deadline and the clockwork that records it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.feedback.api.measured import measured
from services.feedback.api.views import may_see, ticket_document
from services.feedback.api.world import NOBODY
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import Ticket, decode
from services.feedback.domain.world import World
from services.feedback.policy import ticket_terms
from services.feedback.projections.tickets import find_state
from shared.events.feedback import TicketFact
from shared.kernel.codes import is_path_id
from shared.runtime.actors import Actor, not_found
from shared.runtime.room import Room


class Looked(NamedTuple):
    """A ticket, the instant it was looked at, and what has passed since its last recorded fact."""

    ticket: Ticket
    now: datetime
    passed: list[tuple[str, TicketFact]]


async def ticket_now(room: Room, actor: Actor, ticket_id: str) -> Looked:
    """The ticket, if there is one and this caller may see it; else 404."""
    state = await find_state(room.pool, ticket_id) if is_path_id(ticket_id) else None
    ticket = None if state is None else decode(state)
    if ticket is None or not may_see(actor, ticket):
        raise not_found("工单不存在, 或您无权查看", "no such ticket, or not yours to see")
    now = await room.now()
    world = World(NOBODY, await room.calendars.now(room.pool), ticket_terms(room.policy))
    ticket, passed = TICKETS.until(ticket, now, world)
    return Looked(ticket, now, [(one.type, one.fact) for one in passed])


async def shown(room: Room, actor: Actor, ticket: Ticket) -> dict[str, Any]:
    """The ticket for this reader, with what has arrived of the orders it names (到货情况)."""
    [document] = await all_shown(room, actor, [ticket])
    return document


async def all_shown(room: Room, actor: Actor, tickets: Sequence[Ticket]) -> list[dict[str, Any]]:
    """The same for a page of tickets."""
    arrived = await measured(room.pool, tickets, actor)
    return [
        {**ticket_document(ticket), "deliveries": deliveries}
        for ticket, deliveries in zip(tickets, arrived, strict=True)
    ]
