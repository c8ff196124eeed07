"""Disputes (争议): lines leave the total while they are contested, and come again or never. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.settlement.domain.statement import OPEN, StatementStream, next_id, told
from shared.events import statements as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal


class DisputeStream(msgspec.Struct, array_like=True, tag="dispute"):
    """One dispute (争议): opened once, resolved once."""

    opened: facts.DisputeOpened
    resolved: facts.DisputeResolved | None = None


class NamedLine(NamedTuple):
    """A line of a statement as a dispute sees it (争议明细)."""

    line_id: str
    amount_fen: int
    is_disputed: bool


def stream_of(dispute_id: str) -> str:
    """The stream of one dispute."""
    return f"dispute-{dispute_id}"


def dispute_id_of(state: StatementStream) -> str:
    """The id of a statement's next dispute."""
    return f"{state.statement_id}-d{state.disputes + 1}"


def opened(
    state: StatementStream, lines: Sequence[NamedLine], reason: str, by: str, now: datetime
) -> Decided:
    """The dispute as a fact; refused behind both confirmations, and for what is disputed already."""
    if state.state not in OPEN:
        raise Refusal(
            "wrong_state",
            f"对账单当前状态为 {state.state}, 双方确认后不能再提出争议",
            f"the statement is {state.state}; lines are disputed before both have confirmed",
        )
    if any(line.is_disputed for line in lines):
        raise Refusal(
            "already_disputed", "所列明细已在争议中", "a line of these is disputed already"
        )
    fact = facts.DisputeOpened(
        dispute_id=dispute_id_of(state),
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        line_ids=[line.line_id for line in lines],
        reason=reason,
        at=now,
        by=by,
    )
    return told(facts.DISPUTE_OPENED, fact, state, f"{stream_of(fact.dispute_id)}-1")


def marked(
    state: StatementStream,
    dispute: facts.DisputeOpened,
    lines: Sequence[NamedLine],
    *,
    later: int = 0,
    is_along: bool = False,
) -> Decided:
    """These lines leave the total of this statement; along with them the returns of what left (剔除)."""
    amounts = [line.amount_fen for line in lines]
    fact = facts.LinesDisputed(
        statement_id=state.statement_id,
        dispute_id=dispute.dispute_id,
        line_ids=[line.line_id for line in lines],
        receipts_fen=sum(fen for fen in amounts if fen > 0),
        returns_fen=sum(fen for fen in amounts if fen < 0),
        is_along=is_along,
        at=dispute.at,
        by=dispute.by,
    )
    return told(facts.LINES_DISPUTED, fact, state, next_id(state, later=later))


def resolve(
    state: DisputeStream, outcome: facts.Outcome, by: str, now: datetime
) -> Sequence[Decided]:
    """Let the lines come again, or keep them out for good (争议处理); the same again changes nothing."""
    if state.resolved is not None:
        if state.resolved.outcome == outcome:
            return []
        raise Refusal(
            "conflicting_duplicate", "该争议已作出不同的处理", "it was resolved otherwise"
        )
    fact = facts.DisputeResolved(
        dispute_id=state.opened.dispute_id,
        statement_id=state.opened.statement_id,
        outcome=outcome,
        at=now,
        by=by,
    )
    return [
        Decided(
            topic=SETTLEMENT,
            type=facts.DISPUTE_RESOLVED,
            fact=fact,
            at=now,
            event_id=f"{stream_of(fact.dispute_id)}-2",
            data=msgspec.to_builtins(fact),
            hospital_id=state.opened.hospital_id,
            distributor_id=state.opened.payee_id,
        )
    ]


def evolve(
    state: DisputeStream | None, fact: facts.DisputeOpened | facts.DisputeResolved
) -> DisputeStream:
    """The dispute with one more fact in it."""
    if isinstance(fact, facts.DisputeOpened):
        return DisputeStream(fact)
    assert state is not None
    return DisputeStream(state.opened, fact)
