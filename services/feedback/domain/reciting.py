"""What became of every deadline that has begun (时限清单), told from the ticket's facts alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from shared.events import feedback as facts
from shared.events.feedback import Deadline, DeadlineMoved, TicketFact

Standing = Literal["running", "met", "passed", "stopped"]
"""How a deadline stands (进行中、已履行、已届满、已停止)."""


class Move(msgspec.Struct, frozen=True):
    """A due that a change of the calendar replaced (原时限)."""

    before: datetime
    at: datetime


class Recited(msgspec.Struct):
    """One deadline, how it stands, and the dues it had before (时限)."""

    deadline: Deadline
    state: Standing = "running"
    moves: list[Move] = []


_ENDS: Final[dict[str, dict[str, Standing]]] = {
    facts.REPLIED: {"reply_due": "met"},
    facts.SOLVED: dict.fromkeys(("reply_due", "promised", "level_due"), "stopped"),
    facts.CONFIRMED: {"confirm_due": "met"},
    facts.REOPENED: {"confirm_due": "stopped"},
    facts.ESCALATED: {"level_due": "stopped"},  # a prominent ticket stops at no level on its way
    facts.CLOSED: dict.fromkeys(("reply_due", "promised", "confirm_due", "level_due"), "stopped"),
}
"""Which running deadlines a fact ends before they pass, and how."""


def recited(told: Iterable[tuple[str, TicketFact]], now: datetime) -> list[Recited]:
    """Every deadline in the order in which they began, as they stand now."""
    items: list[Recited] = []
    for type_, fact in told:
        _pass(items, fact.at)
        _end(items, type_)
        if isinstance(fact, DeadlineMoved):
            _move(items, fact)
            continue
        for deadline in fact.deadlines:
            _begin(items, deadline)
    _pass(items, now)
    return items


def _pass(items: Sequence[Recited], at: datetime) -> None:
    """What was still running at its due has passed, by a fact or, at the province, without a word."""
    for item in items:
        if item.state == "running" and item.deadline.due_at <= at:
            item.state = "passed"


def _end(items: Sequence[Recited], type_: str) -> None:
    ends = _ENDS.get(type_, {})
    for item in items:
        name = item.deadline.name
        if item.state == "running" and name in ends:
            item.state = ends[name]
        elif item.state == "stopped" and name == "promised" and type_ == facts.CONFIRMED:
            item.state = "met"


def _begin(items: list[Recited], deadline: Deadline) -> None:
    """A deadline that was stopped runs again as the one it was; else a new one begins."""
    for item in items:
        known = item.deadline
        is_same = (known.name, known.start) == (deadline.name, deadline.start)
        if is_same and item.state == "stopped" and not deadline.days:
            item.state = "running"
            return
    state: Standing = "met" if deadline.name == "promise_limit" else "running"
    items.append(Recited(deadline, state))


def _move(items: Sequence[Recited], fact: DeadlineMoved) -> None:
    for item in items:
        if item.deadline.name == fact.name and item.state == "running":
            item.deadline = fact.deadlines[0]
            item.moves = [*item.moves, Move(fact.before, fact.at)]
