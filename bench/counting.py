"""Response and on-time of one line, as one would write them by hand (手写口径).

Only what the load does: one delivery a line, nothing suspended, no due moved. Standard library only,
for the Quix program runs in an environment of its own. Instants are whatever compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

_BEIJING = timezone(timedelta(hours=8))

Sums = dict[tuple[str, Any], list[int]]
"""By distributor and day: answers counted, accepted in time, deliveries counted, on time."""


@dataclass(slots=True)
class Line:
    """What is known of a line; without a distributor its order has not arrived."""

    distributor: str | None = None
    response_day: Any = None
    delivery_day: Any = None
    answer_due: Any = None
    delivery_due: Any = None
    quantity: int = 0
    back_entered: bool = False
    has_agreement: bool = False
    answered_at: Any = None
    accepted: bool = False
    reason: str | None = None
    cancelled_at: Any = None
    arrives: int = 0
    arrived_at: Any = None

    def row(self) -> tuple[Any, ...]:
        """Its fields in order: how it is stored."""
        return (
            self.distributor, self.response_day, self.delivery_day, self.answer_due,
            self.delivery_due, self.quantity, self.back_entered, self.has_agreement,
            self.answered_at, self.accepted, self.reason, self.cancelled_at, self.arrives,
            self.arrived_at,
        )  # fmt: skip

    def counts(self) -> tuple[int, int, int, int]:
        """What it adds to the sums of its two days."""
        if self.distributor is None or self.back_entered:
            return 0, 0, 0, 0
        in_time = self.answered_at is not None and self.answered_at <= self.answer_due
        if in_time and not self.accepted and self._is_excused():
            return 0, 0, 0, 0
        cancelled = self.cancelled_at
        asked = self.answered_at is not None or cancelled is None or cancelled > self.answer_due
        due = cancelled is None or cancelled > self.delivery_due
        arrived = self.arrived_at is not None and self.arrived_at <= self.delivery_due
        return (
            int(asked),
            int(asked and in_time and self.accepted),
            int(due),
            int(due and arrived and self.arrives >= self.quantity),
        )

    def _is_excused(self) -> bool:
        if self.reason == "no_agreement":
            return not self.has_agreement
        return self.reason in ("hospital_request", "wrong_product") and (
            self.cancelled_at is not None
        )


def changes(befores: Iterable[tuple[int, int, int, int]], lines: Iterable[Line]) -> Sums:
    """What the sums change by when lines that counted so count as they do now."""
    sums: Sums = defaultdict(lambda: [0, 0, 0, 0])
    for before, line in zip(befores, lines, strict=True):
        after = line.counts()
        if after != before:
            assert line.distributor is not None
            response = sums[line.distributor, line.response_day]
            response[0] += after[0] - before[0]
            response[1] += after[1] - before[1]
            delivery = sums[line.distributor, line.delivery_day]
            delivery[2] += after[2] - before[2]
            delivery[3] += after[3] - before[3]
    return sums


def day_of(due: datetime) -> date:
    """The local day that a due belongs to: 24:00 belongs to the day it ends."""
    return (due.astimezone(_BEIJING) - timedelta(microseconds=1)).date()
