"""Where a service's instants come from: the database's clock, or a clock that is moved by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

OFFSET_READ_SECONDS: Final = 0.2
"""A clock that jumps does so for everybody within this time."""


class Time(Protocol):
    """Turns a reading of the database's clock into the instant that counts."""

    def at(self, database_now: datetime) -> datetime:
        """The instant it is, given what the database's clock says."""
        ...


class DatabaseTime:
    """Production: the database's clock is the one clock, for replicas' clocks differ."""

    def at(self, database_now: datetime) -> datetime:
        return database_now


class OffsetTime:
    """Tests only: the database's clock and what a file adds to it, so that it may jump, also back."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = timedelta()
        self._read_at = float("-inf")

    def at(self, database_now: datetime) -> datetime:
        now = time.monotonic()
        if now - self._read_at >= OFFSET_READ_SECONDS:
            self._read_at = now
            self._offset = self._read()
        return database_now + self._offset

    def _read(self) -> timedelta:
        try:
            return timedelta(seconds=float(self._file.read_text("ascii")))
        except (OSError, ValueError):
            return self._offset  # not there yet, or just being written


class ManualTime:
    """The sandbox and tests: time moves only when told (时间旅行)."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def at(self, database_now: datetime) -> datetime:
        return self._now

    @property
    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Move forward; backwards is an error, for recorded facts would lie in the future."""
        if now < self._now:
            raise ValueError("time cannot move backwards")
        self._now = now.astimezone(UTC)
