"""The deadlines of a ticket, all at 24:00 but the promised instant itself.

Readings
- A deadline that would move before now keeps its due, and with it the days it was counted by.
- Where a loaded year leaves the due where it was, the old count and the new one prove the same:
  either may be shown, each with its version.
- Only a running deadline moves; one that is stopped while a year is loaded runs again as it was.
- A promised instant is not counted, so it has no days and is never provisional.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle.calendar import end_of
from tests.oracle.ticket_days import Calendar, CountedDay


@dataclass
class Deadline:
    """One item of `.../deadlines`; `start` is its `from`, `day` the day it is counted from."""

    name: str
    start: datetime
    due_at: datetime
    day: date | None = None
    count: int = 0
    state: str = "running"
    provisional: bool = False
    version: str = ""
    days: list[CountedDay] = field(default_factory=list)
    older: list[tuple[str, list[CountedDay]]] = field(default_factory=list)

    def stop(self) -> None:
        """`met` and `passed` are final: only what is still running stops."""
        if self.state == "running":
            self.state = "stopped"

    def meet(self) -> None:
        """What was asked for has come; a passed deadline stays passed."""
        if self.state in ("running", "stopped"):
            self.state = "met"

    def run_again(self) -> None:
        """A reopen gives back what `solved` had stopped."""
        if self.state == "stopped":
            self.state = "running"

    def move(self, calendar: Calendar, now: datetime) -> None:
        """A year was loaded."""
        if self.state != "running" or self.day is None:
            return
        new = counted(self.name, self.start, self.day, self.count, calendar)
        if new.due_at < now:
            return
        stays = (new.due_at, new.provisional) == (self.due_at, self.provisional)
        self.older = [*self.older, (self.version, self.days)] if stays else []
        self.due_at, self.provisional = new.due_at, new.provisional
        self.version, self.days = new.version, new.days


def counted(name: str, start: datetime, day: date, count: int, calendar: Calendar) -> Deadline:
    """24:00 of the count-th working day after a day, with the proof."""
    days = calendar.days(day, count)
    return Deadline(
        name=name,
        start=start,
        due_at=end_of(days[-1].day),
        day=day,
        count=count,
        provisional=calendar.provisional(days),
        version=calendar.version,
        days=days,
    )
