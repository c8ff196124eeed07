"""A draft stands on exactly the facts before its instant, however far a log or a partition lags."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from services.feedback.app import service as feedback
from services.orders.app import service as orders
from services.settlement.app import service as settlement
from shared.bus.log import LogBus
from shared.events.envelope import Record
from shared.runtime.consumer import Consumer
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.database import BUS_ROLE, open_pool
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.store.reader import LogReader
from shared.testing.adversarial import AdversarialBus, Manners
from shared.testing.faults import Faults
from shared.testing.postgres import desk_of, open_room
from shared.testing.storms import weather
from tests.settlement.months import (
    FEN,
    JANUARY,
    OTHER,
    Sums,
    a_town,
    check_books,
    draft,
    goods,
    id_of,
    instant_of,
    statements,
    until,
    until_somebody_waits,
)
from tests.shared.bus_cases import a_mark

AT = instant_of(JANUARY)
EVENING = AT - timedelta(hours=3)
"""Of the day before: the next closing instant is the draft's."""
FOUR = Sums(4 * FEN, 0, 0)


# ── a partition that lags ─────────────────────────────────────────────────────────────────────────

TWO = Manners(partitions=2, resend=0, hide=0, move=0)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database, the evening before January is drafted."""
    async with a_town(database) as running:
        until(running, EVENING)
        yield running


def published() -> tuple[AdversarialBus, list[str]]:
    """Orders in both partitions, and the mark behind them; the partitions of deliveries."""
    bus = AdversarialBus(seed=1, manners=TWO)
    bus.publish("orders", [*_both_orders(), a_mark(AT)])
    bus.publish("feedback", [a_mark(AT)])
    names = [name for name, one in bus.partitions.items() if "deliveries" in one.topic]
    assert all(len(bus.partitions[name].records) > 1 for name in names)
    return bus, names


def _both_orders() -> Iterable[Record]:
    for number in range(1, 7):
        yield from goods(number, 1)


async def rounds(consumer: Consumer, count: int = 20) -> None:
    """So many looks at the bus."""
    for _ in range(count):
        await consumer.step()


async def test_a_draft_waits_for_the_partition_that_lags(room: Room) -> None:
    bus, (slow, _) = published()
    bus.partitions[slow].laziness = 2  # shows nothing
    consumer = Consumer(room, bus.subscribe("settlement", settlement.topics))
    await rounds(consumer)
    until(room, AT + timedelta(days=2))
    await rounds(consumer)
    assert await statements(room) == {}
    assert await room.pool.fetchval("SELECT count(*) FROM receipt_lines WHERE amount_fen > 0") > 0
    bus.partitions[slow].laziness = 0
    await rounds(consumer)
    assert await statements(room) == {id_of(): Sums(6 * FEN, 0, 0)}
    assert await room.pool.fetchval("SELECT DISTINCT recorded_at FROM events WHERE type LIKE '%d.v1'"
                                    " AND stream LIKE 'statement-%'") == AT  # fmt: skip
    await consumer.close()


async def test_a_draft_by_the_clock_alone_misses_what_is_still_on_its_way(room: Room) -> None:
    """The naive way: its instant has come, so it begins; the rest of the month comes too late for it."""
    bus, (slow, _) = published()
    bus.partitions[slow].laziness = 2
    consumer = Consumer(room, bus.subscribe("settlement", settlement.topics))
    await rounds(consumer)
    await draft(room)
    bus.partitions[slow].laziness = 0
    await rounds(consumer)
    [found] = (await statements(room)).values()
    assert 0 < found.receipts < 6 * FEN
    await consumer.close()


@pytest.mark.parametrize("seed", range(3))
async def test_consumers_that_race_and_die_draft_what_a_quiet_one_drafts(
    room: Room, seed: int
) -> None:
    """Repeats, lags, owners that change, deaths at random statements of the draft itself."""
    bus = AdversarialBus(seed=seed)
    far = [goods(number, 1, hospital=OTHER) for number in range(7, 11)]
    bus.publish("orders", [*_both_orders(), *(one for told in far for one in told), a_mark(AT)])
    bus.publish("feedback", [a_mark(AT)])
    late = goods(11, 9)
    bus.publish("orders", late)
    until(room, AT + timedelta(days=1))
    assert await weather(room, bus, Faults(seed, 0.03)) > 0
    assert await statements(room) == {
        id_of(): Sums(6 * FEN, 0, 0),
        id_of(hospital=OTHER): FOUR,
    }
    await check_books(room)


# ── the whole house over its own logs ─────────────────────────────────────────────────────────────


@asynccontextmanager
async def a_house(dsn: str) -> AsyncIterator[tuple[dict[str, Room], Consumer]]:
    """Three services in one database on one clock, and settlement's consumer over the others' logs."""
    time = ManualTime(EVENING)
    async with AsyncExitStack() as stack:
        rooms = {
            one.name: await stack.enter_async_context(open_room(dsn, one, time=time))
            for one in (orders, feedback, settlement)
        }
        for name in ("orders", "feedback"):
            await append_marks(rooms[name].pool, desk_of(rooms[name]).kit)
        pool = await open_pool(dsn, "public", size=6, role=BUS_ROLE)
        bus = LogBus(LogReader(pool))
        consumer = Consumer(rooms["settlement"], bus.subscribe("settlement", settlement.topics))
        try:
            yield rooms, consumer
        finally:
            await consumer.close()
            await bus.close()
            pool.terminate()


async def write(tx: asyncpg.Connection, room: Room, records: Iterable[Record]) -> None:
    """Facts of deliveries, as the service of orders appends them."""
    told = list(records)
    await lock_streams(tx, room.service.name, {one.stream for one in told})
    head, _ = await load(tx, [])
    now = room.time.at(head.now)
    events = [
        NewEvent(
            one.topic, one.stream, one.version, one.source, one.event_id, one.type,
            one.occurred_at, now, b"", b"{}", one.fact,
        )
        for one in told
    ]  # fmt: skip
    await append(tx, events, await take_positions(tx, len(events)))


async def mark(room: Room) -> None:
    """The clockwork of a service: the marks that are due."""
    await append_marks(room.pool, desk_of(room).kit)


async def test_a_draft_waits_for_a_writer_of_orders_and_for_a_log_that_sleeps(
    database: str,
) -> None:
    async with a_house(database) as (rooms, consumer):
        room, sender = rooms["settlement"], rooms["orders"]
        async with sender.pool.acquire() as tx, tx.transaction():
            await write(tx, sender, goods(1))
        await rounds(consumer, 3)
        async with sender.pool.acquire() as tx, tx.transaction():
            await write(tx, sender, goods(2, hospital=OTHER))
            until(room, AT)
            marking = asyncio.create_task(mark(sender))
            await until_somebody_waits(room, marking)
            await rounds(consumer, 3)
            assert not marking.done()
            assert await statements(room) == {}
        await marking
        # Orders has told everything; feedback, whose calendar settlement hears, has not woken up.
        until(room, AT + timedelta(days=1))
        await rounds(consumer, 3)
        assert await statements(room) == {}
        assert consumer.held
        await mark(rooms["feedback"])
        await rounds(consumer, 6)
        assert await statements(room) == {id_of(): FOUR, id_of(hospital=OTHER): FOUR}


async def test_what_orders_records_behind_the_instant_is_next_months(database: str) -> None:
    async with a_house(database) as (rooms, consumer):
        room, sender = rooms["settlement"], rooms["orders"]
        async with sender.pool.acquire() as tx, tx.transaction():
            await write(tx, sender, goods(1))
        until(room, AT)
        for name in ("orders", "feedback"):
            await mark(rooms[name])
        async with sender.pool.acquire() as tx, tx.transaction():
            await write(tx, sender, goods(2, hospital=OTHER))
        # Settlement reads all of it long after: the mark divides it.
        until(room, AT + timedelta(hours=5))
        await rounds(consumer, 6)
        assert await statements(room) == {id_of(): FOUR}
        await draft(room, "2026-02")
        assert (await statements(room))[id_of("2026-02", OTHER)] == FOUR
