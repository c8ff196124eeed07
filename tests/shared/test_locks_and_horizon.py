"""Mechanisms 1 and 2: locks before any xid, and a reader under the horizon. The naive ones lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from shared.events.topics import ORDERS
from shared.store.horizon import Cursor, read
from shared.store.locks import STREAMS_MAX, gate_key, lock_gate, lock_streams, stream_key
from shared.store.log import XidBeforeLocks, load
from shared.testing.bus_cases import eventually
from shared.testing.postgres import open_room
from shared.testing.toys import noting
from tests.shared.writers import (
    Open,
    append_by_old_xids,
    lock_and_load_in_one,
    lost,
    nextval_first,
    nextval_first_guarded,
    ours,
    read_by_horizon,
    read_by_position,
    row_locks,
    run,
    xid_first,
)

LONG = 20.0
"""A naive variant stops as soon as it has gone wrong; this is only its patience."""


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_room(database, noting(), size=10) as room:
        yield room.pool


async def test_our_way_turns_nothing_round_and_loses_nothing(pool: asyncpg.Pool) -> None:
    seen = await run(pool, ours, read_by_horizon, seconds=3)
    assert seen.errors == []
    assert seen.written > 500
    assert len(seen.heard) == len(set(seen.heard)) == seen.written
    assert seen.swapped() == 0
    assert await lost(pool, seen) == 0


@pytest.mark.parametrize("naive", [row_locks, nextval_first, xid_first])
async def test_an_xid_before_the_locks_turns_versions_round(
    pool: asyncpg.Pool, naive: Open
) -> None:
    """Row locks, `nextval` or any row before the locks: version 2 is delivered before version 1."""
    seen = await run(
        pool, naive, read_by_horizon, seconds=LONG, until=lambda seen: seen.swapped() > 0
    )
    assert seen.swapped() > 0


async def test_the_guard_in_the_load_catches_an_xid_before_the_locks(pool: asyncpg.Pool) -> None:
    """The same slip on our road is an error in its own transaction, and nothing is turned round."""
    seen = await run(
        pool,
        nextval_first_guarded,
        read_by_horizon,
        seconds=LONG,
        until=lambda s: len(s.errors) > 3,
    )
    assert {type(error) for error in seen.errors} == {XidBeforeLocks}
    assert seen.swapped() == 0


async def test_a_reader_by_position_alone_loses_facts(pool: asyncpg.Pool) -> None:
    """Transactions do not commit in the order of their positions."""

    seen = await run(pool, ours, read_by_position, seconds=1.5)
    assert await lost(pool, seen) > 0


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_commit_order_is_by_number_also_where_xids_gain_a_digit(
    database: str, pool: asyncpg.Pool, limit: int
) -> None:
    """Ordered as text, 1000 would come before 999 and everything between be lost."""
    expected = await append_by_old_xids(database)
    place, heard = Cursor(1, 0, 0), []
    while True:
        records, place = await read(pool, place, limit, [ORDERS])
        if not records:
            break
        heard += [record.event_id for record in records]
    assert heard == expected


async def test_lock_and_load_in_one_statement_loads_what_was_before_the_wait(
    pool: asyncpg.Pool,
) -> None:
    """Its snapshot is older than its wait, so two writers hand out the same version."""
    seen = await run(
        pool, lock_and_load_in_one, read_by_horizon, seconds=LONG, until=lambda s: bool(s.errors)
    )
    assert asyncpg.UniqueViolationError in {type(error) for error in seen.errors}


async def test_streams_are_locked_in_one_order_whatever_order_they_are_named_in(
    pool: asyncpg.Pool,
) -> None:
    """Writers that name the same forty streams in opposite orders never deadlock."""
    names = [f"d{n}" for n in range(40)]

    async def writer(streams: list[str]) -> None:
        for _ in range(50):
            async with pool.acquire() as tx, tx.transaction():
                await lock_streams(tx, "orders", streams)

    await asyncio.gather(*(writer(names[::step]) for step in (1, -1, 1, -1, 1, -1)))


async def test_the_gate_comes_first_and_streams_in_key_order(pool: asyncpg.Pool) -> None:
    """Held by the mark, it stops a writer before the writer holds any stream."""
    async with pool.acquire() as mark, pool.acquire() as writer, pool.acquire() as other:
        closing = mark.transaction()
        await closing.start()
        await lock_gate(mark, "orders")

        async def write() -> None:
            async with writer.transaction():
                await lock_streams(writer, "orders", ["a", "b"])

        waiting = asyncio.create_task(write())
        pid = await other.fetchval("SELECT pg_backend_pid()")
        held = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                  WHERE locktype = 'advisory' AND datname = current_database()
                    AND pid <> $1 AND {}"""
        await eventually(lambda: other.fetchval(held.format("NOT granted"), pid))
        assert await other.fetchval(held.format("granted"), pid) == 1  # the mark's own
        await closing.commit()
        await waiting


async def test_a_transaction_names_at_most_a_thousand_streams(pool: asyncpg.Pool) -> None:
    names = [f"n{n}" for n in range(STREAMS_MAX + 1)]
    async with pool.acquire() as tx, tx.transaction():
        with pytest.raises(ValueError, match="1001 streams"):
            await lock_streams(tx, "orders", names)
        await lock_streams(tx, "orders", [*names[:-1], "n0"])


def test_keys_are_per_service_and_the_gate_is_no_stream() -> None:
    """Advisory keys are per database: the same stream of two services must not be one key."""
    keys = {stream_key(s, n) for s in ("orders", "alerts") for n in ("a", "b", "gate")}
    assert len(keys | {gate_key("orders"), gate_key("alerts")}) == 8


async def test_the_load_refuses_a_transaction_that_already_wrote(pool: asyncpg.Pool) -> None:
    """Not only under load: the guard fires in the very first transaction that does it."""
    async with pool.acquire() as tx, tx.transaction():
        await tx.execute("UPDATE log_head SET world = world + 1")
        await lock_streams(tx, "orders", ["a"])
        with pytest.raises(XidBeforeLocks):
            await load(tx, ["a"])
