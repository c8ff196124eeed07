"""Whether anything stands behind a cursor is asked at every idle look: history must not be read for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from shared.events.topics import ORDERS
from shared.store.horizon import Cursor, anything_behind, read
from shared.store.log import NewEvent, append, take_positions
from shared.testing.postgres import open_room
from shared.testing.toys import noting
from tests.shared.writers import AT

EVENTS = 3000
LOOKS = 10

_NAIVE = """
SELECT EXISTS (SELECT FROM orders.events WHERE (xid, position) > ($1::text::xid8, $2::bigint))"""


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_room(database, noting()) as room:
        yield room.pool


async def _filled(pool: asyncpg.Pool) -> Cursor:
    """A log that nobody has analysed; the cursor behind its last row."""
    events = [
        NewEvent(ORDERS, f"s{n}", 1, "test", f"e{n}", "t", AT, AT, b"", b"{}", b"{}")
        for n in range(EVENTS)
    ]
    async with pool.acquire() as tx, tx.transaction():
        await append(tx, events, await take_positions(tx, len(events)))
    _, cursor = await read(pool, Cursor(1, 0, 0), EVENTS, [ORDERS])
    return cursor


async def _rows_scanned(connection: asyncpg.Connection) -> int:
    """Rows of the log that sequential scans have read so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    return int(
        await connection.fetchval(
            "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'orders.events'::regclass"
        )
    )


async def test_an_idle_look_reads_no_history(pool: asyncpg.Pool) -> None:
    cursor = await _filled(pool)
    async with pool.acquire() as connection:
        before = await _rows_scanned(connection)
        for _ in range(LOOKS):
            assert not await anything_behind(connection, {"orders": str(cursor)})
        assert await anything_behind(connection, {"orders": ""})
        assert await _rows_scanned(connection) == before


async def test_asked_as_exists_every_idle_look_reads_the_whole_log(pool: asyncpg.Pool) -> None:
    """The planner hopes to meet a row soon; where there is none it has read them all."""
    cursor = await _filled(pool)
    async with pool.acquire() as connection:
        before = await _rows_scanned(connection)
        for _ in range(LOOKS):
            assert not await connection.fetchval(_NAIVE, str(cursor.xid), cursor.position)
        assert await _rows_scanned(connection) >= before + LOOKS * EVENTS
