"""Where a service's instants come from: the database's clock, or a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Time(Protocol):
    """Turns a reading of the database's clock into the instant that counts."""

    def at(self, database_now: datetime) -> datetime:
        """The instant it is, given what the database's clock says."""
        ...


class DatabaseTime:
    """Production: the database's clock is the one clock, for replicas' clocks differ."""

    def at(self, database_now: datetime) -> datetime:
        return database_now


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
