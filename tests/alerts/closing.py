"""Closes as the frame runs them: step by step, each in a transaction of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from services.alerts.clockwork.closing import close
from shared.events.alerts import FACTS
from shared.kernel.clock import day_end, day_start
from shared.runtime.room import Room


async def close_at(room: Room, at: datetime) -> int:
    """Run the close of an instant to its end; how many steps it took."""
    steps = 0
    done = False
    while not done:
        async with room.pool.acquire() as tx, tx.transaction():
            done = await close(tx, at.astimezone(UTC), room)
        steps += 1
    return steps


async def close_day(room: Room, day: date) -> int:
    """The close of 24:00 of a day."""
    return await close_at(room, day_end(day))


async def issue(room: Room, day: date) -> list[Any]:
    """09:00 of a day; the lists that it issued, by id."""
    at = day_start(day) + timedelta(hours=9)
    await close_at(room, at)
    return [fact for fact in await facts_of(room) if getattr(fact, "issued_at", None) == at]


async def facts_of(room: Room, type_: str | None = None) -> list[Any]:
    """The facts of our log in commit order, decoded."""
    rows = await room.pool.fetch("SELECT type, fact FROM events ORDER BY events.xid, position")
    return [
        msgspec.json.decode(row["fact"], type=FACTS[row["type"]])
        for row in rows
        if type_ in (None, row["type"])
    ]
