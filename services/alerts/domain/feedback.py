"""What one ticket says to `feedback.v1` (问题解决及时率), and which events decide it.

Like a line it belongs to the due day of what is judged: the promise if a reply was accepted in time,
else the reply due. Whether it was confirmed or closed changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from services.alerts.domain.ticket import (
    NOTHING_TOLD,
    Opening,
    Reply,
    Solution,
    TicketFacts,
    TicketPart,
)
from shared.events.envelope import Cause
from shared.kernel.clock import due_day


class TicketOutcome(NamedTuple):
    """When a ticket counts, and whether it was solved by then (工单结果)."""

    due_day: date
    solved: bool


def ticket_outcome(facts: TicketFacts) -> TicketOutcome | None:
    """What the ticket counts for; None while its opening has not arrived (工单结果)."""
    due = ticket_due(facts)
    if due is None:
        return None
    solution = _standing_solution(facts)
    return TicketOutcome(due_day(due), solution is not None and solution.at <= due)


def ticket_due(facts: TicketFacts) -> datetime | None:
    """The deadline that is judged: the promise kept in force by a timely reply (判定时限)."""
    if facts.opening is None:
        return None
    reply = _timely_reply(facts, facts.opening)
    return _reply_due(facts, facts.opening) if reply is None else reply.promised_at


def ticket_decided_by(facts: TicketFacts) -> list[Cause]:
    """The events that decide a counted ticket, its opening first (证据)."""
    return [part.cause for part in sorted(_deciding(facts), key=_by_version)]


def ticket_caused_by(then: TicketFacts | None, now: TicketFacts) -> list[Cause]:
    """The events known now and not then which can decide the ticket (重述原因)."""
    known = {part.cause for part in _parts(then or NOTHING_TOLD)}
    return [cause for cause in ticket_decided_by(now) if cause not in known]


def _reply_due(facts: TicketFacts, opening: Opening) -> datetime:
    return opening.reply_due if facts.move is None else facts.move.reply_due


def _timely_reply(facts: TicketFacts, opening: Opening) -> Reply | None:
    reply = facts.reply
    return reply if reply is not None and reply.at <= _reply_due(facts, opening) else None


def _standing_solution(facts: TicketFacts) -> Solution | None:
    solution, reopening = facts.solution, facts.reopening
    if solution is None or (reopening is not None and reopening.version > solution.version):
        return None
    return solution


def _deciding(facts: TicketFacts) -> Iterator[TicketPart]:
    """A late reply decides nothing, nor does a reopening that was solved again."""
    if facts.opening is None:
        return
    yield facts.opening
    if facts.move is not None:
        yield facts.move
    reply = _timely_reply(facts, facts.opening)
    if reply is not None:
        yield reply
    if facts.solution is not None:
        yield facts.solution
    if facts.reopening is not None and _standing_solution(facts) is None:
        yield facts.reopening


def _parts(facts: TicketFacts) -> Iterator[TicketPart]:
    for part in (facts.opening, facts.reply, facts.move, facts.solution, facts.reopening):
        if part is not None:
            yield part


def _by_version(part: TicketPart) -> int:
    return part.version
