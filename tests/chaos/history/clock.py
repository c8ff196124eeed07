"""The clock of the house under test: the machine's, and what an offset file adds to it (时钟跳变)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.settlement.domain.drafting import draft_instant, month_before
from services.settlement.policy import statement_terms
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import local_day
from shared.runtime.marks import next_closing_instant
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy

CLAIMS_LIE_BACK = timedelta(minutes=6)
"""Senders date what they did a little earlier, so that a small step back makes no fact a future one."""


class JumpingClock:
    """Writes the offset file that every service reads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.offset = 0.0
        self._latest = self.now()
        self._write()

    def now(self) -> datetime:
        """The instant it is in the house."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def claim(self) -> datetime:
        """What an honest sender writes into `time`."""
        return (self.now() - CLAIMS_LIE_BACK).replace(microsecond=0)

    def jump(self, seconds: float) -> None:
        """Forward, or back where it is negative."""
        self._latest = max(self._latest, self.now())
        self.offset += seconds
        self._write()

    def catch_up(self) -> None:
        """Let it be as late again as it has ever been.

        A closing instant that the clock goes back behind has passed for whoever was awake, and not for
        the others: its close waits for them until the clock is there once more, be it in hours.
        """
        self.jump(max(0.0, (self._latest - self.now()).total_seconds()))

    def past_next_mark(self) -> float:
        """How far it is to just behind the next closing instant (24:00 or 09:00)."""
        return (next_closing_instant(self.now()) - self.now()).total_seconds() + 2

    def past_next_draft(self) -> tuple[str, float]:
        """The month that is drafted next by the shipped calendar, and how far behind its instant is."""
        calendar: WorkCalendar = shipped_calendar()
        terms = statement_terms(shipped_policy())
        day = local_day(self.now())
        for _ in range(70):
            month = month_before(day)
            instant = draft_instant(month, calendar, terms)
            if instant > self.now():
                return month, (instant - self.now()).total_seconds() + 2
            day += timedelta(days=1)
        raise AssertionError("no month is drafted within seventy days")

    def _write(self) -> None:
        """Whole or not at all: a reader never sees half a number."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{self.offset:.3f}", "ascii")
        fresh.replace(self.file)
