"""The working-day calendar in force: the shipped years, and those loaded since (工作日历)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

import asyncpg
import msgspec

from shared.events.envelope import Record
from shared.events.reference import CALENDAR_YEAR, CalendarYearLoaded
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import DayKind, SpecialDay
from shared.store.calendar_files import shipped_calendar

_decoder = msgspec.json.Decoder(CalendarYearLoaded)


class CalendarHolder:
    """One service's calendar: kept in its own schema, read again when `world` moves."""

    def __init__(self) -> None:
        self._calendar = shipped_calendar()
        self._world = -1

    async def at(self, connection: Any, world: int) -> WorkCalendar:
        """The calendar as of this state of the world (the counter in the log's head)."""
        if world != self._world:
            self._calendar = await stored_calendar(connection)
            self._world = world
        return self._calendar

    async def now(self, pool: asyncpg.Pool) -> WorkCalendar:
        """The calendar in force now."""
        return await self.at(pool, await pool.fetchval("SELECT world FROM log_head"))


async def stored_calendar(connection: Any) -> WorkCalendar:
    """The shipped calendar with the loaded years in place of the shipped ones."""
    calendar = shipped_calendar()
    for row in await connection.fetch("SELECT year, days FROM calendar_years ORDER BY year"):
        loaded = _decoder.decode(row["days"])
        calendar = calendar.with_year(row["year"], special_days(loaded))
    return calendar


def special_days(loaded: CalendarYearLoaded) -> list[SpecialDay]:
    """The days of a loaded year as calendar values."""
    return [
        SpecialDay(
            date=date.fromisoformat(d.date),
            kind=cast(DayKind, d.kind),
            name=d.name,
            notice=d.notice,
        )
        for d in loaded.days
    ]


async def fold_calendar(tx: asyncpg.Connection, records: Sequence[Record]) -> bool:
    """Keep the latest version of each year; True when something changed."""
    changed = False
    for record in records:
        if record.type != CALENDAR_YEAR:
            continue
        loaded = _decoder.decode(record.fact)
        stored = await tx.fetchval(
            """INSERT INTO calendar_years AS c (year, days, recorded_at) VALUES ($1, $2, $3)
               ON CONFLICT (year) DO UPDATE SET days = excluded.days,
                 recorded_at = excluded.recorded_at
               WHERE c.recorded_at < excluded.recorded_at RETURNING 1""",
            loaded.year,
            record.fact,
            record.recorded_at,
        )
        changed = changed or stored is not None
    if changed:
        await tx.execute("UPDATE log_head SET world = world + 1")
    return changed
