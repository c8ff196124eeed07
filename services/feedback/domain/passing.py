"""What happens by itself when a deadline passes (时限届满), dated at the deadline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from services.feedback.domain.supervising import escalates, next_rung, supervision_begins
from services.feedback.domain.telling import SYSTEM, happened, naming
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from shared.events import feedback as facts
from shared.kernel.clock import due_day
from shared.kernel.decider import Decided

SILENCE = "silence"
"""Who confirms where the hospital says nothing (逾期视为确认)."""


def due(ticket: Ticket) -> datetime | None:
    """The earliest deadline whose passing is recorded (最早时限)."""
    running = ticket.running
    if ticket.province_was_overdue and "level_due" in running:
        running = {name: one for name, one in running.items() if name != "level_due"}
    return min((one.due_at for one in running.values()), default=None)


def wake(ticket: Ticket, at: datetime, world: World) -> Sequence[Decided]:
    """Everything that passes at this instant, in the order in which one brings about the other."""
    return [*_overdue(ticket, at, world), *_level_passes(ticket, at, world), *_silence(ticket, at)]


def _overdue(ticket: Ticket, at: datetime, world: World) -> Iterator[Decided]:
    """Neither a reply nor a solution in time: recorded, and supervision begins if it has not."""
    naming_it = naming(ticket, SYSTEM, at)
    if _passes(ticket, "reply_due", at):
        late = facts.ReplyOverdue(**naming_it, reply_due=at)
        yield happened(facts.REPLY_OVERDUE, late, f"{ticket.ticket_id}-reply-overdue")
    elif _passes(ticket, "promised", at):
        broken = facts.PromiseBroken(**naming_it, promised_at=at)
        yield happened(facts.PROMISE_BROKEN, broken, f"{ticket.ticket_id}-promise-broken")
    else:
        return
    if not ticket.supervised:
        yield supervision_begins(ticket, at, world, due_day(at))


def _level_passes(ticket: Ticket, at: datetime, world: World) -> Iterator[Decided]:
    if not _passes(ticket, "level_due", at):
        return
    rung = next_rung(ticket)
    if rung is not None:
        yield escalates(ticket, rung, at, world, due_day(at))
    elif not ticket.province_was_overdue:
        fact = facts.ProvinceOverdue(**naming(ticket, SYSTEM, at))
        yield happened(facts.PROVINCE_OVERDUE, fact, f"{ticket.ticket_id}-province-overdue")


def _silence(ticket: Ticket, at: datetime) -> Iterator[Decided]:
    if _passes(ticket, "confirm_due", at):
        fact = facts.Confirmed(**naming(ticket, SILENCE, at))
        yield happened(facts.CONFIRMED, fact, f"{ticket.ticket_id}-confirmed-by-silence")


def _passes(ticket: Ticket, name: str, at: datetime) -> bool:
    running = ticket.running.get(name)
    return running is not None and running.due_at <= at
