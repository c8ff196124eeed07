"""What becomes of a complaint (工单处理): who replies, solves, confirms or keeps silent, and when.

Each course is one way that a ticket can go. Nobody looks at a ticket before acting: bureaus count
working days as everybody does, so they know when one has reached them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from random import Random

from jicai.province.behaviour import PROMPT, STEADY, happens
from jicai.province.complaining import Complaint
from jicai.province.days import at, in_office, working_days_after
from jicai.province.facts import Act, Json

REPLY_DAYS, PROMISE_DAYS, LEVEL_DAYS = 2, 5, 3
"""The working days of the policy (A4.3, A4.4, A4.6)."""
OVERPROMISES = 0.15
"""Replies that promise too late: refused, and said again."""
CONFIRMS_BY_SILENCE = 0.35

Course = Callable[[Random, Complaint], Iterator[Act]]


def handling(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """Every act on one ticket, its opening first, in the order of time."""
    yield complaint.opening
    if complaint.prominent:
        yield _measure(rng, complaint, complaint.bureaus[-1], complaint.opened_at.date())
        yield from kept(rng, complaint)
        return
    courses = COURSES.get(complaint.distributor.character.label, COURSES_OF_OTHERS)
    yield from rng.choice(courses)(rng, complaint)


def kept(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """Replied in time, solved by the promised day, confirmed (按承诺解决)."""
    replied = in_office(complaint.opened_at + timedelta(hours=rng.uniform(1, 20)))
    yield from _reply(rng, complaint, replied, PROMISE_DAYS)
    solved = _on(rng, replied.date(), rng.randint(1, 3))
    yield complaint.by_distributor("solved", solved)
    yield from _confirmed(rng, complaint, solved)


def reopened(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """Said to be solved and was not; then it was (重新打开)."""
    replied = in_office(complaint.opened_at + timedelta(hours=rng.uniform(1, 12)))
    yield from _reply(rng, complaint, replied, PROMISE_DAYS)
    solved = _on(rng, replied.date(), 1)
    yield complaint.by_distributor("solved", solved)
    again = _on(rng, solved.date(), 1)
    yield complaint.by_hospital("reopen", again)
    solved = _on(rng, again.date(), rng.randint(1, 4))
    yield complaint.by_distributor("solved", solved)
    yield from _confirmed(rng, complaint, solved)


def late(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """Nobody replied until the bureau asked (逾期回复)."""
    overdue = working_days_after(complaint.opened_at.date(), REPLY_DAYS)
    yield _measure(rng, complaint, complaint.bureaus[0], overdue)
    replied = _on(rng, overdue, 2)
    yield from _reply(rng, complaint, replied, rng.randint(2, PROMISE_DAYS))
    solved = _on(rng, replied.date(), rng.randint(1, 2))
    yield complaint.by_distributor("solved", solved)
    yield from _confirmed(rng, complaint, solved)


def broken(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """A promise that was not kept: supervised from then on (未按承诺解决)."""
    replied = in_office(complaint.opened_at + timedelta(hours=rng.uniform(4, 20)))
    days = rng.randint(2, PROMISE_DAYS)
    yield from _reply(rng, complaint, replied, days)
    promised = working_days_after(replied.date(), days)
    yield _measure(rng, complaint, complaint.bureaus[0], promised)
    solved = _on(rng, promised, rng.choice((2, 3, 5, 6)))
    yield complaint.by_distributor("solved", solved)
    yield from _confirmed(rng, complaint, solved)


def mute(rng: Random, complaint: Complaint) -> Iterator[Act]:
    """Nobody ever replies: it climbs, each bureau takes a measure, the province may end it."""
    reached = working_days_after(complaint.opened_at.date(), REPLY_DAYS)
    for bureau in complaint.bureaus:
        yield _measure(rng, complaint, bureau, reached)
        standing, reached = reached, working_days_after(reached, LEVEL_DAYS)
    if happens(rng, 0.4):
        ended = _on(rng, standing, 2)
        yield complaint.by_bureau(complaint.bureaus[-1], "close", ended, {"reason": CLOSING})


def _reply(rng: Random, complaint: Complaint, when: datetime, days: int) -> Iterator[Act]:
    if happens(rng, OVERPROMISES):
        too_late = _promise(when.date(), PROMISE_DAYS + 3)
        yield complaint.by_distributor("reply", when, too_late)
        when += timedelta(minutes=20)
    yield complaint.by_distributor("reply", when, _promise(when.date(), days))


def _promise(day: date, days: int) -> Json:
    return {"promised_at": at(working_days_after(day, days), 17).isoformat()}


def _confirmed(rng: Random, complaint: Complaint, solved: datetime) -> Iterator[Act]:
    if not happens(rng, CONFIRMS_BY_SILENCE):
        yield complaint.by_hospital("confirm", _on(rng, solved.date(), rng.randint(1, 2)))


def _measure(rng: Random, complaint: Complaint, bureau: str, since: date) -> Act:
    """A bureau's measure on its first working day with the ticket."""
    measure, note = rng.choice(MEASURES)
    words: Json = {"measure": measure, "note": note}
    return complaint.by_bureau(bureau, "supervise", _on(rng, since, 1), words)


def _on(rng: Random, day: date, days: int) -> datetime:
    """Some office hour of the day that is so many working days later."""
    return at(working_days_after(day, days), rng.uniform(8.5, 16.5)).replace(microsecond=0)


COURSES: dict[str, tuple[Course, ...]] = {
    PROMPT.label: (kept, kept, kept, reopened),
    STEADY.label: (kept, kept, reopened, late, broken),
}
COURSES_OF_OTHERS: tuple[Course, ...] = (
    kept,
    reopened,
    late,
    broken,
    broken,
    mute,
    mute,
    mute,
    mute,
)
MEASURES = (
    ("约谈", "约谈配送企业负责人, 要求说明供货安排"),
    ("督导", "到配送企业仓库核查库存"),
    ("约谈", "约谈中选企业, 限期恢复供应"),
)
CLOSING = "已协调备供企业供应"
