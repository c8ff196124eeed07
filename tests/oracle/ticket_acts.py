"""What may be done with tickets and when: drawn as wishes, worked out as the tickets then stand.

A wish says "a second before the next deadline" or "the latest promise allowed"; so that every
boundary is met often, whatever the weekdays of the time at which a history is played.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from tests.oracle.calendar import LUNAR, end_of, local_day
from tests.oracle.ticket_deadlines import Deadline, counted
from tests.oracle.ticket_parties import PROVINCE, bureau_of, division
from tests.oracle.tickets import PROMISE, Ticket

SECOND = timedelta(seconds=1)
KINDS = ("reply", "solved", "confirm", "reopen", "supervise", "close")


@dataclass(frozen=True)
class Wait:
    """How far time goes before something is done: by so much, or to an instant that matters."""

    until: str
    amount: int = 0


@dataclass(frozen=True)
class Act:
    """What is done then, by whom, and for a reply with which promise.

    The kind `fitting` is whatever the ticket's state asks for next: so that tickets grow old.
    """

    kind: str
    who: str = "rightful"
    promise: str = "noon"


waits = st.one_of(
    st.just(Wait("now")),
    st.builds(Wait, st.just("hours"), st.integers(1, 30)),
    st.builds(Wait, st.just("due"), st.sampled_from([-1, 0, 0, 1])),
    st.builds(Wait, st.just("due"), st.sampled_from([-1, 0, 0, 1])),
    st.builds(Wait, st.just("midnight"), st.sampled_from([-1, 0, 1])),
    st.builds(Wait, st.just("days"), st.integers(1, 6)),
)

acts = st.builds(
    Act,
    kind=st.sampled_from(("fitting",) * 10 + KINDS),
    who=st.sampled_from(("rightful",) * 12 + ("other", "stranger", "below")),
    promise=st.sampled_from(
        ("noon", "soon", "soon", "midnight", "limit", "behind", "missing", "now", "past")
    ),
)


def fitting(act: Act, ticket: Ticket) -> Act:
    """The act, with its kind: a ticket is mostly replied to, solved, and reopened."""
    if act.kind != "fitting":
        return act
    quick = act.promise in ("soon", "missing")
    kinds = {
        "open": "solved" if quick else "reply",
        "promised": "solved",
        "solved": "confirm" if act.promise == "limit" else "reopen",
    }
    return replace(act, kind=kinds.get(ticket.state, "supervise"))


def instant(wait: Wait, now: datetime, tickets: Iterable[Ticket]) -> datetime:
    """The wish as an instant, never before now."""
    if wait.until == "hours":
        return now + timedelta(hours=wait.amount)
    if wait.until == "days":
        return now + timedelta(days=wait.amount)
    if wait.until == "midnight":
        return max(now, end_of(local_day(now)) + wait.amount * SECOND)
    dues = [d.due_at for ticket in tickets for d in running(ticket) if d.due_at > now]
    if wait.until == "due" and dues:
        return max(now, min(dues) + wait.amount * SECOND)
    return now


def running(ticket: Ticket) -> list[Deadline]:
    """The deadlines that may still pass."""
    return [d for d in ticket.deadlines if d.state == "running"]


def actor(act: Act, ticket: Ticket) -> str:
    """Who does it: whoever may, another party of the ticket, one below, or somebody else."""
    first, last = f"distributor:{ticket.addressees[0]}", f"manufacturer:{ticket.addressees[-1]}"
    hospital = f"hospital:{ticket.hospital_id}"
    if act.who == "stranger":
        return "hospital:H36073500002" if act.kind in ("confirm", "reopen") else "bureau:360735"
    if act.who == "below":
        return f"bureau:{division(ticket.hospital_id)}"
    if act.kind in ("reply", "solved"):
        return hospital if act.who == "other" else (first if act.promise != "soon" else last)
    if act.kind in ("confirm", "reopen"):
        return first if act.who == "other" else hospital
    if act.who == "other":
        return f"bureau:{bureau_of(division(ticket.hospital_id), 'city')}"
    return PROVINCE if act.promise == "soon" else f"bureau:{ticket.bureau}"


def promised(act: Act, ticket: Ticket, at: datetime) -> datetime | None:
    """The instant that a reply promises; None leaves it out."""
    limit = counted("promise_limit", at, local_day(at), PROMISE, ticket.calendar).due_at
    return {
        "noon": end_of(local_day(at)) + timedelta(hours=12),
        "soon": at + timedelta(hours=2),
        "midnight": end_of(local_day(at)),
        "limit": limit,
        "behind": limit + SECOND,
        "missing": None,
        "now": at,
        "past": at - timedelta(days=1),
    }[act.promise]


# ── years to load ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Notice:
    """A year as somebody may announce it; `shift` 0 is the year that is running."""

    shift: int
    holidays: tuple[int, ...]
    worked: tuple[int, ...]


ordinals = st.lists(st.integers(1, 365), max_size=40, unique=True).map(tuple)
notices = st.builds(Notice, st.sampled_from([0, 0, 1]), ordinals, ordinals)


def year_of(notice: Notice, now: datetime) -> int:
    """Which year it is about; only years whose feasts are known."""
    return min(local_day(now).year + notice.shift, max(LUNAR))


def days_of(notice: Notice, year: int, around: date) -> list[dict[str, str]]:
    """The body's days: those around a day are named more often, for there the deadlines are.

    Also days that have gone by: a notice may come late, and what has passed must stay so.
    """
    kinds: dict[date, str] = {}
    for number in notice.holidays:
        kinds[_near(number, around) if number % 2 else _of_year(number, year)] = "holiday"
    for number in notice.worked:
        day = _near(number, around) if number % 2 else _of_year(number, year)
        if day.weekday() >= 5:
            kinds[day] = "workday"
    return [
        {"date": day.isoformat(), "kind": kind, "name": "调休", "notice": ""}
        for day, kind in sorted(kinds.items())
        if day.year == year
    ]


def _near(number: int, around: date) -> date:
    return around + timedelta(days=number // 2 % 20 - 6)


def _of_year(number: int, year: int) -> date:
    return date(year, 1, 1) + timedelta(days=number - 1)
