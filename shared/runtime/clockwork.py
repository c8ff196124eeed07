"""Time as a door: wakes the streams whose deadline has come (时限触发, mechanism 7).

Candidates are read without locks, their advisory locks are only tried, the streams are loaded again
and the domain decides; asked twice, nothing happens. What fires late is dated at its due instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from shared.runtime.handling import Kit, instant_behind_gate, store
from shared.runtime.judging import Batch
from shared.runtime.metrics import DEADLINE_LATENESS
from shared.store.locks import try_lock_streams
from shared.store.log import load

_CHUNK = 500


async def fire_due(pool: asyncpg.Pool, kit: Kit[Any, Any]) -> int:
    """Wake every stream that is due by now; returns how many facts that made."""
    fired = 0
    while True:
        async with pool.acquire() as connection:
            now = kit.time.at(await connection.fetchval("SELECT clock_timestamp()"))
            rows = await connection.fetch(
                """SELECT stream, next_due FROM streams WHERE next_due <= $1
                   ORDER BY next_due, stream LIMIT $2""",
                now,
                _CHUNK,
            )
            if not rows:
                return fired
            async with connection.transaction():
                got = await try_lock_streams(connection, kit.service, [r["stream"] for r in rows])
                made = await _wake(connection, kit, got)
        if made:
            _observe(kit, now, {row["stream"]: row["next_due"] for row in rows}, got)
        fired += made
        if made == 0:
            return fired


def _observe(
    kit: Kit[Any, Any], now: datetime, dues: Mapping[str, datetime], fired: Sequence[str]
) -> None:
    """How late each of these was, once that is committed."""
    for stream in fired:
        DEADLINE_LATENESS.labels(kit.service).observe((now - dues[stream]).total_seconds())


async def _wake(tx: asyncpg.Connection, kit: Kit[Any, Any], streams: list[str]) -> int:
    head, found = await load(tx, streams)
    now = instant_behind_gate(kit.time, head)
    if head.next_mark is not None and now >= head.next_mark:
        return 0  # the marks come first, and they fire what is due before them
    judged: Batch[Any, Any] = Batch(kit.decider, found, {}, now, None)
    judged.wake_all(streams, now)
    if judged.events:
        await store(tx, kit, judged)
    return len(judged.events)


async def next_due(pool: asyncpg.Pool) -> datetime | None:
    """The earliest deadline of any stream."""
    at: datetime | None = await pool.fetchval(
        "SELECT next_due FROM streams WHERE next_due IS NOT NULL ORDER BY next_due LIMIT 1"
    )
    return at
