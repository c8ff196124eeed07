"""The loaded years as stored (工作日历存储): the same rows that other services fold from the bus."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.events.reference import CalendarYearLoaded

_INSTANT: Final = timedelta(microseconds=1)

_STORE: Final = """
INSERT INTO calendar_years (year, days, recorded_at) VALUES ($1, $2, $3)
ON CONFLICT (year) DO UPDATE SET days = excluded.days, recorded_at = excluded.recorded_at"""


async def instant_of_loading(tx: Any, year: int, now: datetime) -> datetime:
    """When this loading counts as recorded: later than the one before it.

    Readers keep the latest by this instant, and a clock that stands still (the sandbox's) must not
    hide the second of two loadings.
    """
    before: datetime | None = await tx.fetchval(
        "SELECT recorded_at FROM calendar_years WHERE year = $1", year
    )
    return now if before is None else max(now, before + _INSTANT)


async def next_version(tx: Any, year: int) -> int:
    """The version of the year's stream that comes next."""
    version: int = await tx.fetchval(
        "SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = $1", f"calendar-{year}"
    )
    return version


async def store_year(tx: Any, loaded: CalendarYearLoaded, at: datetime) -> None:
    """Keep the year and tell every cache; behind the exclusive gate."""
    await tx.execute(_STORE, loaded.year, msgspec.json.encode(loaded), at)
    await tx.execute("UPDATE log_head SET world = world + 1")
