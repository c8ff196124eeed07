"""Deadlines with their proof (时限计算): from which day, by which calendar, over which days."""

from __future__ import annotations

from datetime import date, datetime

from services.feedback.domain.world import World
from services.feedback.policy import TicketTerms
from shared.events.feedback import Deadline, DeadlineName
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import day_end, local_day


def counted(name: DeadlineName, start: datetime, world: World, day: date | None = None) -> Deadline:
    """The deadline that begins at an instant: 24:00 of so many working days after its day.

    `day` is named where a deadline that passed at 24:00 begins it: that is the day which ends.
    """
    day = local_day(start) if day is None else day
    return deadline(name, start, day, world.calendar, workdays(name, world.terms))


def deadline(
    name: DeadlineName, start: datetime, day: date, calendar: WorkCalendar, n: int
) -> Deadline:
    """24:00 of the n-th working day after a day, with every day on the way and why it counts."""
    days = calendar.explain(day, n)
    last = days[-1].date
    return Deadline(
        name=name,
        start=start,
        due_at=day_end(last),
        calendar_version=calendar.version,
        provisional=calendar.is_provisional(day, last),
        days=days,
    )


def workdays(name: DeadlineName, terms: TicketTerms) -> int:
    """How many working days a deadline counts (工作日数)."""
    match name:
        case "reply_due":
            return terms.reply_workdays
        case "promise_limit":
            return terms.promise_workdays
        case "confirm_due":
            return terms.confirm_workdays
        case "level_due":
            return terms.level_workdays
    raise ValueError(f"{name} counts no days")
