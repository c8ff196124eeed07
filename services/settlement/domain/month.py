"""Closing a month (月结): when it has ended, once; then no entry is dated in it any more. Pure."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from services.settlement.commands import CloseMonth
from shared.events.settlement import MONTH_CLOSED, MonthClosed
from shared.events.topics import SETTLEMENT
from shared.kernel.clock import day_start
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal


class MonthStream(msgspec.Struct, frozen=True, array_like=True, tag="month"):
    """A stream that is a closed month: one fact, once."""

    closed: MonthClosed


def stream_of(month: str) -> str:
    """The stream of one month, yyyy-MM."""
    return f"month-{month}"


def end_of(month: str) -> datetime:
    """24:00 of its last day (月末)."""
    year, number = int(month[:4]), int(month[5:])
    return day_start(date(year + number // 12, number % 12 + 1, 1))


def close_month(
    state: MonthStream | None, sent: Sent, command: CloseMonth, now: datetime
) -> Decided:
    """The close as a fact; a month that still runs is not closed."""
    if state is not None:
        raise Refusal("month_closed", "该月已结账", "this month was closed before")
    if now < end_of(command.month):
        raise Refusal("month_not_ended", "该月尚未结束", "this month has not ended")
    fact = MonthClosed(month=command.month, closed_at=now, by=command.by)
    return Decided(topic=SETTLEMENT, type=MONTH_CLOSED, fact=fact, at=now, sent=sent)
