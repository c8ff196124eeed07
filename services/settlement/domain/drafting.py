"""The draft of a month (对账单生成): when it comes, and the fact of each statement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from services.settlement.domain.month import end_of
from services.settlement.domain.statement import StatementStream, next_id, stream_of, told
from services.settlement.policy import StatementTerms
from shared.events.statements import (
    STATEMENT_CARRIED,
    STATEMENT_DRAFTED,
    StatementCarried,
    StatementDrafted,
)
from shared.events.topics import SETTLEMENT
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import day_start, local_day
from shared.kernel.codes import pool_of
from shared.kernel.decider import Decided


def month_before(day: date) -> str:
    """The month before a day's, yyyy-MM."""
    return (day.replace(day=1) - timedelta(days=1)).isoformat()[:7]


def draft_instant(month: str, calendar: WorkCalendar, terms: StatementTerms) -> datetime:
    """00:00 of the policy's working day of the next month (生成时刻)."""
    last = local_day(end_of(month)) - timedelta(days=1)
    return day_start(calendar.workdays_after(last, terms.draft_workday))


@dataclass(slots=True)
class Sums:
    """What the claimed lines of one statement add up to (明细合计)."""

    receipt_lines: int = 0
    return_lines: int = 0
    receipts_fen: int = 0
    returns_fen: int = 0
    carried_fen: int = 0
    carried: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    """Whose statement it is, and whether it is of the lines that a suspension holds back (结算对)."""

    hospital_id: str
    payee_id: str
    is_second: bool


def statement_id_of(pair: Pair, month: str) -> str:
    """The id of the only statement of these lines."""
    held = "-held" if pair.is_second else ""
    return f"{month}-{pair.hospital_id}-{pair.payee_id}{held}"


def drafted(
    pair: Pair,
    month: str,
    sums: Sums,
    at: datetime,
    calendar: WorkCalendar,
    terms: StatementTerms,
) -> Decided:
    """The statement as a fact, dated at its instant however late it was made."""
    fact = StatementDrafted(
        statement_id=statement_id_of(pair, month),
        hospital_id=pair.hospital_id,
        payee_id=pair.payee_id,
        month=month,
        pool=pool_of(pair.hospital_id),
        is_second=pair.is_second,
        receipt_lines=sums.receipt_lines,
        return_lines=sums.return_lines,
        receipts_fen=sums.receipts_fen,
        returns_fen=sums.returns_fen,
        carried_fen=sums.carried_fen,
        carried=sums.carried,
        total_fen=sums.receipts_fen + sums.returns_fen + sums.carried_fen,
        at=at,
        due=calendar.deadline(local_day(at), terms.patience("draft")),
        policy_version=terms.version,
    )
    return Decided(
        topic=SETTLEMENT,
        type=STATEMENT_DRAFTED,
        fact=fact,
        at=at,
        event_id=f"{stream_of(fact.statement_id)}-1",
        data=msgspec.to_builtins(fact),
        hospital_id=pair.hospital_id,
        distributor_id=pair.payee_id,
    )


def carried_forward(state: StatementStream, at: datetime) -> Sequence[Decided]:
    """What asked for no confirmation until the next draft waits for the pair's next statement (结转)."""
    fact = StatementCarried(
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        total_fen=state.total_fen,
        at=at,
    )
    return [told(STATEMENT_CARRIED, fact, state, next_id(state))]
