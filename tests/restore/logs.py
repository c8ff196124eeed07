"""A log of orders written and read without a room: what is on it does not matter, only where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.events.topics import ORDERS
from shared.store.database import BUS_ROLE, open_pool
from shared.store.horizon import epoch_of
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.store.reader import LogReader
from tests.restore.rooms import asked

AT = datetime(2026, 1, 5, tzinfo=UTC)


def fact(name: str) -> NewEvent:
    """One fact, alone on its stream."""
    sha = name.encode().ljust(32, b"-")
    return NewEvent(ORDERS, name, 1, "urn:jicai:x", name, "t", AT, AT, sha, b"{}", b"{}")


async def write(dsn: str, *names: str) -> None:
    """Facts in a transaction each."""
    async with asked(dsn) as tx:
        await tx.execute("SET search_path TO orders")
        for name in names:
            async with tx.transaction():
                await lock_streams(tx, "orders", [name])
                await load(tx, [name])
                await append(tx, [fact(name)], await take_positions(tx, 1))


async def write_crossed(dsn: str, first: str, second: str) -> None:
    """`first` commits first, under the higher position: it took its place in the sequence later."""
    async with asked(dsn) as late, asked(dsn) as early:
        for tx in (late, early):
            await tx.execute("SET search_path TO orders")
        begun = late.transaction()
        await begun.start()
        positions = await take_positions(late, 1)
        async with early.transaction():
            await append(early, [fact(first)], await take_positions(early, 1))
        await append(late, [fact(second)], positions)
        await begun.commit()


async def read(dsn: str, cursor: str = "") -> tuple[list[str], str]:
    """What a reader of the log meets behind a cursor, and where it stands then."""
    pool = await open_pool(dsn, "public", size=2, role=BUS_ROLE)
    try:
        records, cursor = await LogReader(pool).read("orders", cursor, 100, [ORDERS])
        return [record.event_id for record in records], cursor
    finally:
        await pool.close()


async def rows(dsn: str) -> list[Any]:
    async with asked(dsn) as connection:
        return [
            tuple(row)
            for row in await connection.fetch(
                """SELECT xid::text::bigint, position, event_id FROM orders.events e
                   ORDER BY e.xid, e.position"""
            )
        ]


async def epoch_in(dsn: str) -> int:
    async with asked(dsn) as connection:
        return await epoch_of(connection, "orders.")
