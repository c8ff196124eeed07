"""Supervision (督办): it begins at the territorial bureau and climbs the ladder, one rung a hop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from services.feedback.domain.counting import counted
from services.feedback.domain.evolving import evolve
from services.feedback.domain.ladder import rung_above
from services.feedback.domain.telling import SYSTEM, happened, naming
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from shared.events.feedback import (
    ESCALATED,
    SUPERVISION_BEGAN,
    Escalated,
    Rung,
    SupervisionBegan,
)
from shared.kernel.decider import Decided


def supervision_begins(
    ticket: Ticket, at: datetime, world: World, day: date | None = None
) -> Decided:
    """The first rung takes it up; `day` is named where a deadline that passed begins it."""
    rung = ticket.ladder[0]
    fact = SupervisionBegan(
        **naming(ticket, SYSTEM, at),
        level=rung.level,
        bureau=rung.bureau,
        deadlines=[counted("level_due", at, world, day)],
    )
    return happened(SUPERVISION_BEGAN, fact, f"{ticket.ticket_id}-supervision-began")


def next_rung(ticket: Ticket) -> Rung | None:
    """Where it would go from here; None at the province and while nobody supervises."""
    return None if ticket.level is None else rung_above(ticket.ladder, ticket.level)


def escalates(
    ticket: Ticket, to: Rung, at: datetime, world: World, day: date | None = None
) -> Decided:
    """One rung up (上报一级). A ticket stands on each rung once, so the rung names the fact."""
    assert ticket.level is not None
    fact = Escalated(
        **naming(ticket, SYSTEM, at),
        from_level=ticket.level,
        to_level=to.level,
        bureau=to.bureau,
        deadlines=[counted("level_due", at, world, day)],
    )
    return happened(ESCALATED, fact, f"{ticket.ticket_id}-escalated-{to.level}")


def straight_to_the_province(ticket: Ticket, at: datetime, world: World) -> Iterator[Decided]:
    """A prominent problem passes every level, but waits at none (突出问题)."""
    hop = supervision_begins(ticket, at, world)
    while True:
        yield hop
        ticket = evolve(ticket, hop.type, hop.fact)
        rung = next_rung(ticket)
        if rung is None:
            return
        hop = escalates(ticket, rung, at, world)
