"""Running deadlines that a change of the calendar moves (时限重算)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import cast

from services.feedback.domain.counting import deadline, workdays
from services.feedback.domain.telling import SYSTEM, happened, naming
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from shared.events.feedback import DEADLINE_MOVED, DeadlineMoved, DeadlineName
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import utc_text
from shared.kernel.decider import Decided


def moved_deadlines(
    ticket: Ticket, before: WorkCalendar, world: World, now: datetime
) -> Iterator[Decided]:
    """One fact a deadline that counts otherwise now, be it only that it is no longer provisional.

    One that would move before now keeps its old due: nobody is made late by a notice.
    """
    for key, running in ticket.running.items():
        # At the province a level due that follows the recorded one passes without a word.
        if running.day is None or running.due_at <= now:
            continue
        name = cast(DeadlineName, key)
        n = workdays(name, world.terms)
        new = deadline(name, running.start, running.day, world.calendar, n)
        stays = new.due_at == running.due_at and new.provisional == running.provisional
        if new.due_at < now or (stays and before.explain(running.day, n) == new.days):
            continue
        fact = DeadlineMoved(
            **naming(ticket, SYSTEM, now), name=name, before=running.due_at, deadlines=[new]
        )
        moved = f"{ticket.ticket_id}-{name}-moved-{world.calendar.version}-{utc_text(now)}"
        yield happened(DEADLINE_MOVED, fact, moved)
