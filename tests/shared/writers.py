"""Eight writers over forty streams, the right way and the wrong ones, and two kinds of readers.

Every writer sleeps a little inside its transactions and rolls one in twenty back. The wrong ways
are those that `mechanisms.md` section 1 counts; a test shows that each of them really loses.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import asyncpg

from shared.events.topics import ORDERS
from shared.store.horizon import Cursor, read
from shared.store.locks import lock_streams, stream_key
from shared.store.log import (
    NewEvent,
    StreamColumns,
    append,
    load,
    store_streams,
    take_positions,
)

SERVICE = "orders"
STREAMS = [f"s{n:02d}" for n in range(40)]
AT = datetime(2026, 1, 5, 1, tzinfo=UTC)
UPSERT = StreamColumns().upsert()
VERSIONS = "SELECT stream, version FROM streams WHERE stream = ANY($1)"

Versions = dict[str, int]
Open = Callable[[Any, list[str]], Awaitable[Versions]]
"""Takes what locks there are, and tells the versions of these streams."""


async def ours(tx: Any, streams: list[str]) -> Versions:
    """Advisory locks in a statement of their own, then the load with its guard."""
    await lock_streams(tx, SERVICE, streams)
    _, rows = await load(tx, streams)
    return {name: row.version for name, row in rows.items()}


async def row_locks(tx: Any, streams: list[str]) -> Versions:
    """FOR UPDATE on the stream rows: whoever waits already holds an older xid."""
    rows = await tx.fetch(f"{VERSIONS} ORDER BY stream FOR UPDATE", streams)
    return {row["stream"]: row["version"] for row in rows}


async def _unguarded(tx: Any, streams: list[str]) -> Versions:
    await lock_streams(tx, SERVICE, streams)
    return {row["stream"]: row["version"] for row in await tx.fetch(VERSIONS, streams)}


async def nextval_first(tx: Any, streams: list[str]) -> Versions:
    """The position block before the locks: `nextval` assigns an xid about once in 32 calls."""
    await tx.fetchval("SELECT nextval('event_blocks')")
    return await _unguarded(tx, streams)


async def xid_first(tx: Any, streams: list[str]) -> Versions:
    """Any row written before the locks assigns an xid: an audit line, a nonce."""
    await tx.fetchval("SELECT pg_current_xact_id()")
    return await _unguarded(tx, streams)


async def nextval_first_guarded(tx: Any, streams: list[str]) -> Versions:
    """The same, but on our road: the load looks."""
    await tx.fetchval("SELECT nextval('event_blocks')")
    return await ours(tx, streams)


async def lock_and_load_in_one(tx: Any, streams: list[str]) -> Versions:
    """One statement: its snapshot is older than its wait."""
    keys = sorted(stream_key(SERVICE, stream) for stream in streams)
    rows = await tx.fetch(
        f"""WITH locked AS MATERIALIZED (
              SELECT count(*) AS n FROM (SELECT pg_advisory_xact_lock(h) FROM
                unnest($2::bigint[]) WITH ORDINALITY u(h, n) ORDER BY n OFFSET 0) l)
            {VERSIONS} AND (SELECT n FROM locked) > 0""",
        streams,
        keys,
    )
    return {row["stream"]: row["version"] for row in rows}


@dataclass
class Seen:
    """What became of the writers and what a reader was handed."""

    heard: list[tuple[str, int]] = field(default_factory=list)
    written: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def swapped(self) -> int:
        """Versions that came after a higher one of their stream."""
        highest: dict[str, int] = {}
        wrong = 0
        for stream, version in self.heard:
            wrong += version < highest.get(stream, 0)
            highest[stream] = max(version, highest.get(stream, 0))
        return wrong


async def prepare_streams(pool: asyncpg.Pool) -> None:
    """A row for every stream, so that row locks find something to lock."""
    async with pool.acquire() as tx, tx.transaction():
        await store_streams(tx, UPSERT, [(s, 0, b"{}", None, AT, 0) for s in STREAMS])


_numbers = count(1)


async def _write_once(tx: Any, open_: Open, rng: random.Random) -> int:
    streams = sorted(rng.sample(STREAMS, rng.randint(1, 8)))
    versions = await open_(tx, streams)
    await asyncio.sleep(rng.random() * 0.004)
    events = [
        NewEvent(
            ORDERS, stream, versions.get(stream, 0) + 1, "test", f"e{next(_numbers)}", "t",
            AT, AT, b"", b"{}", b"{}",
        )
        for stream in streams
    ]  # fmt: skip
    positions = await take_positions(tx, len(events))
    await append(tx, events, positions)
    await store_streams(tx, UPSERT, [(e.stream, e.version, b"{}", None, AT, 0) for e in events])
    await asyncio.sleep(rng.random() * 0.004)
    return len(events)


class _Regret(Exception):
    """A writer that changes its mind."""


async def write(
    pool: asyncpg.Pool, open_: Open, seen: Seen, stop: asyncio.Event, seed: int
) -> None:
    """Write until told to stop; faults are kept, not raised."""
    rng = random.Random(seed)
    while not stop.is_set():
        try:
            async with pool.acquire() as connection, connection.transaction():
                events = await _write_once(connection, open_, rng)
                if rng.random() < 0.05:
                    raise _Regret
            seen.written += events
        except _Regret:
            continue
        except (asyncpg.PostgresError, AssertionError) as error:
            seen.errors.append(error)


async def read_by_horizon(connection: Any, place: Any) -> tuple[Sequence[Any], Any]:
    """Our reader."""
    records, place = await read(connection, place or Cursor(1, 0, 0), 500, [ORDERS])
    return [(record.stream, record.version) for record in records], place


async def read_by_position(connection: Any, place: Any) -> tuple[Sequence[Any], Any]:
    """The naive reader: a cursor on the position alone."""
    rows = await connection.fetch(
        "SELECT stream, version, position FROM events WHERE position > $1 ORDER BY position",
        place or 0,
    )
    return [(row["stream"], row["version"]) for row in rows], rows[-1][
        "position"
    ] if rows else place


async def run(
    pool: asyncpg.Pool,
    open_: Open,
    reader: Callable[[Any, Any], Awaitable[tuple[Sequence[Any], Any]]],
    *,
    seconds: float,
    until: Callable[[Seen], bool] = lambda _: False,
) -> Seen:
    """Eight writers and a reader for so long, or until something has shown; then read to the end."""
    await prepare_streams(pool)
    seen, stop = Seen(), asyncio.Event()
    writers = [asyncio.create_task(write(pool, open_, seen, stop, seed)) for seed in range(8)]
    deadline = asyncio.get_running_loop().time() + seconds
    place = None
    async with pool.acquire() as connection:
        while asyncio.get_running_loop().time() < deadline and not until(seen):
            records, place = await reader(connection, place)
            seen.heard += records
        stop.set()
        await asyncio.gather(*writers)
        while True:
            records, place = await reader(connection, place)
            seen.heard += records
            if not records:
                return seen


async def lost(pool: asyncpg.Pool, seen: Seen) -> int:
    """How many facts of the log the reader was never handed."""
    rows = await pool.fetch("SELECT stream, version FROM events")
    return len({(row["stream"], row["version"]) for row in rows} - set(seen.heard))


OLD_XIDS = [8, 9, 10, 11, 98, 99, 100, 101]
"""Older than every cluster's first transaction of ours, and of one, two and three digits."""


async def append_by_old_xids(dsn: str) -> list[str]:
    """Facts as if recorded by transactions whose numbers grow in digits; their ids in commit order."""
    owner = await asyncpg.connect(dsn)
    for number, xid in enumerate(OLD_XIDS, 1):
        await owner.execute(
            """INSERT INTO orders.events (position, xid, topic, stream, version, source, event_id, type,
                 occurred_at, recorded_at, sha256, payload, fact)
               VALUES ($1::bigint, $2::text::xid8, $3, 's', $1::bigint, 'test', $4, 't', $5, $5, '', $6, '{}')""",
            number, str(xid), ORDERS, f"x{xid}", AT, b'{"id":"x%d"}' % xid,
        )  # fmt: skip
    await owner.close()
    return [f"x{xid}" for xid in OLD_XIDS]
