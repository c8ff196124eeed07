"""One ticket told by hand in March 2026, a month without holidays: the 2nd is a Monday.

Opened on Monday 2nd 10:00, a reply is due at 24:00 of Wednesday 4th; `day(5)` is 5 March, 00:00.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.ticket_days import Calendar, shipped
from tests.oracle.ticket_deadlines import Deadline
from tests.oracle.tickets import Ticket, Verdict
from tests.oracle.uscc import make_uscc
from tests.oracle.wire import parse_time

COUNTY, CITY, PROVINCIAL = "H36010200001", "H36010000001", "H36000000001"
D, M, OTHER = make_uscc(1), make_uscc(2), make_uscc(3)
SECOND = timedelta(seconds=1)
CALENDAR = shipped()


def day(number: int, hour: int = 0, month: int = 3) -> datetime:
    """An hour of a day of 2026."""
    return parse_time(f"2026-{month:02d}-{number:02d}T{hour:02d}:00:00+08:00")


OPENED = day(2, 10)
REPLY_DUE = day(5)


def opened(
    hospital: str = COUNTY,
    at: datetime = OPENED,
    prominent: bool = False,
    calendar: Calendar = CALENDAR,
) -> Ticket:
    """A ticket against D and M."""
    return Ticket(calendar, hospital, [D, M], at, f"hospital:{hospital}", prominent)


class Tale:
    """A ticket and its usual speakers; every call is one POST, and must be answered 200."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        self.ticket = ticket or opened()

    def reply(self, at: datetime, promised_at: datetime, actor: str = f"distributor:{D}") -> Tale:
        return self._do(at, "reply", actor, promised_at=promised_at)

    def solved(self, at: datetime) -> Tale:
        return self._do(at, "solved", f"distributor:{D}")

    def confirm(self, at: datetime) -> Tale:
        return self._do(at, "confirm", f"hospital:{self.ticket.hospital_id}")

    def reopen(self, at: datetime) -> Tale:
        return self._do(at, "reopen", f"hospital:{self.ticket.hospital_id}")

    def supervise(self, at: datetime, actor: str = "bureau:360000") -> Tale:
        return self._do(at, "supervise", actor)

    def close(self, at: datetime, actor: str = "bureau:360000") -> Tale:
        return self._do(at, "close", actor)

    def at(self, now: datetime) -> Ticket:
        """The ticket as it stands then."""
        self.ticket.advance(now)
        return self.ticket

    def refused(self, at: datetime, kind: str, actor: str, **said: Any) -> tuple[int, str | None]:
        """Status and code of an act that must not change the ticket."""
        before = deepcopy(self.at(at))
        verdict = self.ticket.act(at, kind, actor, **said)
        assert self.ticket == before, "a refusal changes nothing"
        return verdict.status, verdict.code

    def _do(self, at: datetime, kind: str, actor: str, **said: Any) -> Tale:
        assert self.ticket.act(at, kind, actor, **said) == Verdict(200)
        return self


def passed(ticket: Ticket) -> list[tuple[str, datetime]]:
    """What happened after the opening, and when."""
    return [(step.type, step.at) for step in ticket.history[1:]]


def hops(ticket: Ticket) -> list[tuple[str | None, str | None, datetime]]:
    """Each step of supervision: from, to, when."""
    steps = [s for s in ticket.history if s.type in ("supervision_began", "escalated")]
    return [(step.came, step.went, step.at) for step in steps]


def states(ticket: Ticket, name: str) -> list[tuple[datetime, datetime, str]]:
    """The deadlines of one name: from, due, state."""
    return [(d.start, d.due_at, d.state) for d in ticket.deadlines if d.name == name]


def only(ticket: Ticket, name: str) -> Deadline:
    """The one deadline of this name."""
    [found] = [d for d in ticket.deadlines if d.name == name]
    return found
