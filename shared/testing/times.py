"""Clocks for tests: one that races, so that closing instants come several times a second."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.testing.postgres import MONDAY


class RacingTime:
    """The database's clock, sped up: as true to it as production's, only faster."""

    def __init__(self, database_now: datetime, *, factor: int, start: datetime = MONDAY) -> None:
        self._begin = database_now
        self._start = start
        self._factor = factor

    def at(self, database_now: datetime) -> datetime:
        """The instant it is when the database's clock says this."""
        passed: timedelta = database_now - self._begin
        return self._start + passed * self._factor
