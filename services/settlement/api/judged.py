"""What finance asks for, handed to the desk (经办指令): its verdict, or the problem it ends with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from services.settlement.domain.rules import SETTLING, State
from services.settlement.projections.ledger import KeyTaken, MonthClosed
from services.settlement.projections.streams import find_state
from shared.kernel.decider import Sent
from shared.kernel.errors import Problem, Refusal
from shared.runtime import said
from shared.runtime.actors import Actor
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room
from shared.runtime.said import Said

_CONFLICTS: Final = frozenset(
    {
        "already_disputed",
        "conflicting_duplicate",
        "conflicting_result",
        "month_closed",
        "month_not_ended",
        "not_reversible",
        "nothing_to_pay",
        "payee_account_blocked",
        "payee_suspended",
        "wrong_state",
    }
)
"""Codes of 409: what was asked for is well said, but does not go with what stands."""


async def submit(room: Room, sent: Sent) -> bool:
    """True when it is recorded; False when it was before; a Problem where it is refused."""
    assert room.desk is not None
    try:
        [verdict] = await room.desk.submit([sent])
    except MonthClosed:
        raise month_closed() from None
    except KeyTaken:
        raise conflict() from None
    if verdict.refusal is None:
        return verdict.status == "accepted"
    raise problem_of(verdict.refusal)


async def submit_once(room: Room, sent: Sent) -> tuple[State | None, bool]:
    """Its stream as it stands behind it, and whether this made it; what stood before stands.

    Said again it carries a later time, so what was said is compared by the caller, not by its hash.
    """
    try:
        is_new = await submit(room, sent)
    except Problem as problem:
        if problem.code != "conflicting_duplicate":
            raise
        is_new = False
    return await state_of(room, sent.stream), is_new


def problem_of(refusal: Refusal) -> Problem:
    """A refusal with the status of its code."""
    if refusal.code not in _CONFLICTS:
        return refusal_problem(refusal)
    return Problem(409, refusal.code, refusal.detail_zh, refusal.detail_en)


def conflict() -> Problem:
    """409: the id stands for something else (编号冲突)."""
    return Problem(
        409,
        "conflicting_duplicate",
        "同一编号已登记过不同的内容",
        "this was recorded with other content",
    )


async def state_of(room: Room, stream: str) -> State | None:
    """A stream as it stands."""
    raw = await find_state(room.pool, stream)
    return None if raw is None else SETTLING.decode(raw)


def as_sent(
    actor: Actor, stream: str, type_: str, command: Any, words: Said, now: datetime
) -> Sent:
    """What somebody asks for, as an event of theirs: a stream of these has but one, and its name."""
    return said.as_sent(actor, stream, stream, type_, command, words, now)


def month_closed() -> Problem:
    """409: the month takes no entry any more (已结账)."""
    return Problem(409, "month_closed", "该月已结账, 不再入账", "the month is closed")
