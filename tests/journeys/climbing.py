"""A ticket that nobody answers, over a holiday with make-up days: the dates are counted by hand.

2026: the Spring Festival is 15 to 23 February, with work on Saturday the 14th and Saturday the 28th;
the National Day is 1 to 7 October, with work on Saturday the 10th. A night between is a 24:00.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.journeys.goods import HOSPITAL, Json
from tests.journeys.ticketing import LADDER, Tickets, instant

JUST_BEFORE = timedelta(microseconds=1)
LEVELS = tuple(level for level, _ in LADDER)


@dataclass(frozen=True, slots=True)
class Case:
    """When it is opened, the 24:00s at which something must happen, and the days until each."""

    name: str
    opened: str
    nights: tuple[str, ...]
    """Supervision begins; the city; the province; the province's own due passes."""
    days: tuple[str, ...]
    """Of the reply due and of each level due: h a holiday, e a weekend, w a workday, m made up."""
    holiday: str

    def nights_at(self) -> list[datetime]:
        return [instant(f"{day}T00:00:00+08:00") for day in self.nights]

    def day_lists(self) -> list[list[Json]]:
        """Each deadline's days, one after the other; a level counts from the day behind the last."""
        reasons = {"h": self.holiday, "e": "weekend", "w": "workday", "m": "make-up workday"}
        day = instant(self.opened).date() + timedelta(days=1)
        found = []
        for marks in self.days:
            found.append([])
            for mark in marks:
                reason = {"counted": mark in "wm", "reason": reasons[mark]}
                found[-1].append({"date": date.isoformat(day), **reason})
                day += timedelta(days=1)
        return found


CASES = (
    Case(
        "spring-festival",
        "2026-02-12T16:30:00+08:00",
        ("2026-02-15", "2026-02-27", "2026-03-03", "2026-03-06"),
        ("wm", "hhhhhhhhhwww", "wmew", "www"),
        "春节",
    ),
    Case(
        "national-day",
        "2026-09-30T10:00:00+08:00",
        ("2026-10-10", "2026-10-14", "2026-10-17", "2026-10-22"),
        ("hhhhhhhww", "meww", "www", "eewww"),
        "国庆节",
    ),
)


@dataclass(slots=True)
class Climb:
    """What was seen on the way: of a ticket with a measure at every level, and of one with none."""

    case: Case
    tickets: Tickets
    measured: str
    left_alone: str
    before: list[Json] = field(default_factory=list)
    """The first ticket a microsecond before each night."""
    after: list[Json] = field(default_factory=list)
    """And when the clock has reached it."""
    waited: list[dict[str, str]] = field(default_factory=list)
    """Whose lists show it: at first, and after each night."""

    def history(self) -> list[tuple[str, datetime, str | None, str | None, str]]:
        """What must stand in the history of the ticket that is left alone."""
        supervision, city, province, overdue = self.case.nights_at()
        return [
            ("opened", instant(self.case.opened), None, None, HOSPITAL),
            ("reply_overdue", supervision, None, None, "system"),
            ("supervision_began", supervision, None, "county", "system"),
            ("escalated", city, "county", "city", "system"),
            ("escalated", province, "city", "province", "system"),
            ("province_overdue", overdue, None, None, "system"),
        ]


def climb(case: Case, tickets: Tickets) -> Climb:
    """From the opening to the morning after the province's own due, night by night."""
    move = tickets.market.sandbox.move
    seen = Climb(case, tickets, tickets.open("T1"), tickets.open("T2", category="other"))
    seen.waited.append(tickets.waiting(seen.measured))
    for number, night in enumerate(case.nights_at()):
        move((night - JUST_BEFORE).isoformat())
        seen.before.append(tickets.view(seen.measured))
        move(night.isoformat())
        seen.after.append(tickets.view(seen.measured))
        seen.waited.append(tickets.waiting(seen.measured))
        move((night + timedelta(hours=10)).isoformat())
        _, bureau = LADDER[min(number, 2)]
        tickets.measure(bureau, seen.measured)
    return seen
