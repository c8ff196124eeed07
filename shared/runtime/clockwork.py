"""Time as a door: wakes the streams whose deadline has come (时限触发, mechanism 7).

Candidates are read without locks, their advisory locks are only tried, the streams are loaded again
and the domain decides; asked twice, nothing happens. What fires late is dated at its due instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from shared.runtime.handling import Kit, instant_behind_gate, store
from shared.runtime.judging import Batch
from shared.runtime.metrics import DEADLINE_LATENESS
from shared.store.locks import try_lock_streams
from shared.store.log import load

CHUNK: Final = 500

_CANDIDATES: Final = """
SELECT stream, next_due FROM streams
WHERE next_due <= $1 AND (next_due, stream) > ($2, $3) ORDER BY next_due, stream LIMIT $4"""
_AN_INSTANT: Final = timedelta(microseconds=1)

BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")
"""Before every deadline, in the order of the index."""


async def fire_due(pool: asyncpg.Pool, kit: Kit[Any, Any], *, since_mark: bool = False) -> int:
    """Wake every stream that is due by now; returns how many facts that made.

    `since_mark` looks only behind the last mark, before which everything had fired when it was
    appended. What has fired leaves dead entries in the index until a vacuum comes by, and a look
    from the beginning walks over all of them: after a million, each second. It misses a deadline
    that was born in the past, so somebody looks from the beginning now and then.
    """
    fired = 0
    behind: tuple[datetime, str] | None = None
    while True:
        async with pool.acquire() as connection:
            head = await connection.fetchrow(
                "SELECT clock_timestamp() AS now, last_mark, next_mark FROM log_head"
            )
            now = kit.time.at(head["now"])
            # What is due behind a missing mark waits for it.
            until = now if head["next_mark"] is None else min(now, head["next_mark"])
            if behind is None:
                behind = BEGINNING
                if since_mark and head["last_mark"] is not None:
                    behind = (head["last_mark"] + _AN_INSTANT, "")
            rows = await connection.fetch(_CANDIDATES, until, *behind, CHUNK)
            if not rows:
                return fired
            # On from there, whatever comes of these: one that cannot fire stops no other.
            behind = (rows[-1]["next_due"], rows[-1]["stream"])
            async with connection.transaction():
                got = await try_lock_streams(connection, kit.service, [r["stream"] for r in rows])
                made = await _wake(connection, kit, got)
        if made:
            _observe(kit, now, {row["stream"]: row["next_due"] for row in rows}, got)
        fired += made


def _observe(
    kit: Kit[Any, Any], now: datetime, dues: Mapping[str, datetime], fired: Sequence[str]
) -> None:
    """How late each of these was, once that is committed."""
    observe = DEADLINE_LATENESS.labels(kit.service).observe
    for stream in fired:
        observe((now - dues[stream]).total_seconds())


async def _wake(tx: asyncpg.Connection, kit: Kit[Any, Any], streams: list[str]) -> int:
    head, found = await load(tx, streams)
    now = instant_behind_gate(kit.time, head)
    if head.next_mark is not None:
        now = min(now, head.next_mark)  # what is due behind a missing mark waits for it
    world = await kit.world(tx, head, now, [])
    judged: Batch[Any, Any] = Batch(kit.decider, found, {}, now, world)
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
