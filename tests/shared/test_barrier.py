"""Mechanism 13: a mark divides a log, and a close stands on exactly the facts before it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio

from shared.bus.log import LogBus
from shared.runtime.consumer import Consumer
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.store.checkpoints import claim, lowest_complete, meet
from shared.store.database import BUS_ROLE, open_pool
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.store.reader import LogReader
from shared.testing.adversarial import AdversarialBus
from shared.testing.bus_cases import eventually
from shared.testing.faults import Faults
from shared.testing.postgres import MONDAY, desk_of, fresh_database, open_room
from shared.testing.storms import fine_weather, weather
from shared.testing.toys import hearing
from tests.shared.bus_cases import a_mark
from tests.shared.racing import (
    TOPICS,
    closes_by_hand,
    closes_of,
    racing_rooms,
    records_until_last_common_mark,
    sides_of,
    write_for,
)

HEARER = hearing([topic for topics in TOPICS.values() for topic in topics])


@pytest_asyncio.fixture
async def rooms(database: str) -> AsyncIterator[list[Room]]:
    async with racing_rooms(database) as rooms:
        yield rooms


@pytest_asyncio.fixture
async def hearer(database: str) -> AsyncIterator[Room]:
    async with open_room(database, HEARER) as room:
        yield room


@pytest.mark.parametrize("awake", [True, False])
async def test_every_fact_stands_on_its_side_of_every_mark(rooms: list[Room], awake: bool) -> None:
    """Twelve writers over racing days, the clockwork awake or asleep all the time."""
    await write_for(rooms, 1.5, awake=awake)
    for room in rooms:
        sides = await sides_of(room)
        assert sides.facts > 100
        assert len(sides.marks) >= 8
        assert sides.marks == sorted(set(sides.marks))
        assert (sides.before_but_behind, sides.after_but_ahead) == (0, 0)


async def _naive(room: Room, rng: random.Random, *, clock_behind_gate: bool) -> None:
    """Writers that skip half of the rules; marks come from the clockwork alone."""
    own = await room.now()
    await asyncio.sleep(rng.random() * 0.06)  # what a request may wait for a connection
    stream = f"naive{rng.randrange(30)}"
    async with room.pool.acquire() as tx, tx.transaction():
        await lock_streams(tx, room.service.name, [stream])
        head, _ = await load(tx, [stream])
        at = room.time.at(head.now) if clock_behind_gate else own
        version = await tx.fetchval(
            "SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = $1", stream
        )
        topic = TOPICS[room.service.name][0]
        event = NewEvent(
            topic, stream, version, "naive", f"{stream}-{version}", "t", at, at, b"", b"{}", b"{}"
        )
        await append(tx, [event], await take_positions(tx, 1))


async def test_a_writer_with_its_own_clock_puts_facts_behind_the_mark_they_belong_before(
    rooms: list[Room],
) -> None:
    """Stamped outside the gate: recorded before T, standing behind the mark of T."""

    async def writer(room: Room, rng: random.Random) -> None:
        await _naive(room, rng, clock_behind_gate=False)

    await write_for(rooms[:1], 1.2, writer=writer)
    assert (await sides_of(rooms[0])).before_but_behind > 0


async def test_a_writer_that_does_not_look_for_a_missing_mark_gets_ahead_of_it(
    rooms: list[Room],
) -> None:
    """Stamped behind the gate but blind: recorded after T, standing before the late mark of T."""

    async def writer(room: Room, rng: random.Random) -> None:
        await _naive(room, rng, clock_behind_gate=True)

    await write_for(rooms[:1], 1.2, writer=writer)
    sides = await sides_of(rooms[0])
    assert sides.before_but_behind == 0
    assert sides.after_but_ahead > 0


async def test_closes_are_exact_through_lags_crashes_and_races(
    postgres: str, rooms: list[Room], hearer: Room
) -> None:
    """Two consumers, partitions that lag and move, repeats, deaths at random statements; a quiet
    replay in another database gives the same closes."""
    await write_for(rooms, 1.5)
    logs = await records_until_last_common_mark(rooms)
    expected = closes_by_hand(logs)
    assert len(expected) >= 8
    deaths = 0
    for seed in range(4):
        bus = AdversarialBus(list(TOPICS), seed=seed)
        async with fresh_database(postgres) as dsn, open_room(dsn, HEARER) as room:
            for log, records in logs.items():
                bus.publish(log, records)
            deaths += await weather(room, bus, Faults(seed, 0.02), consumers=2)
            assert await closes_of(room.pool) == expected
    assert deaths > 20
    quiet = AdversarialBus(list(TOPICS), seed=9)
    for log, records in logs.items():
        quiet.publish(log, records)
    await fine_weather(hearer, quiet)
    assert await closes_of(hearer.pool) == expected


async def test_closes_are_exact_over_the_log_bus_while_writers_write(
    database: str, rooms: list[Room], hearer: Room
) -> None:
    """Two processes of the consumer over the live logs, one of them killed half-way."""
    pools = [await open_pool(database, "public", size=6, role=BUS_ROLE) for _ in range(2)]
    buses = [LogBus(LogReader(pool)) for pool in pools]
    stop = asyncio.Event()
    running = []
    for bus in buses:
        consumer = Consumer(hearer, bus.subscribe("alerts", HEARER.topics), batch_max=30)
        running.append(asyncio.create_task(consumer.run(stop)))
    writing = asyncio.create_task(write_for(rooms, 2.0))
    await asyncio.sleep(1)
    running[0].cancel()
    with suppress(asyncio.CancelledError):
        await running[0]
    pools[0].terminate()
    await writing
    expected = closes_by_hand(await records_until_last_common_mark(rooms))

    async def all_closed() -> bool:
        return len(await closes_of(hearer.pool)) >= len(expected)

    await eventually(all_closed)
    stop.set()
    await running[1]
    assert await closes_of(hearer.pool) == expected
    assert len(expected) >= 8
    for bus, pool in zip(buses, pools, strict=True):
        await bus.close()
        pool.terminate()


async def _two_last_arrivals(pool: asyncpg.Pool, *, look_again: bool) -> list[datetime]:
    """Both partitions meet the mark in transactions that overlap; what is seen to be complete."""
    for partition in ("p", "q"):
        await claim(pool, "alerts", partition)
    seen: list[datetime | None] = []
    async with pool.acquire() as one, pool.acquire() as other:
        transactions = [one.transaction(), other.transaction()]
        for transaction in transactions:
            await transaction.start()
        for connection, partition in ((one, "p"), (other, "q")):
            assert await meet(connection, "alerts", {partition: MONDAY}) == {partition}
        for connection in (one, other):
            seen.append(await lowest_complete(connection, "alerts", ["p", "q"]))
        for transaction in transactions:
            await transaction.commit()
    if look_again:
        seen.append(await lowest_complete(pool, "alerts", ["p", "q"]))
    return [at for at in seen if at is not None]


async def test_a_close_run_by_the_last_arrival_is_run_by_nobody(hearer: Room) -> None:
    """Two last arrivals do not see each other: the naive way stands still for ever."""
    assert await _two_last_arrivals(hearer.pool, look_again=False) == []


async def test_a_close_looked_for_in_a_later_statement_is_found(hearer: Room) -> None:
    """The same overlap, asked once more behind both commits: ready."""
    assert await _two_last_arrivals(hearer.pool, look_again=True) == [MONDAY]


async def test_a_close_is_run_once_however_many_would_run_it(hearer: Room) -> None:
    """Consumers that race for one close: the lock comes first, in a statement of its own."""
    bus = AdversarialBus(list(TOPICS), seed=1)
    for log in TOPICS:
        bus.publish(log, [a_mark(MONDAY)])
    await weather(hearer, bus, Faults(0, 0), consumers=6)
    assert [close[0] for close in await closes_of(hearer.pool)] == [MONDAY]


async def test_a_log_that_fell_asleep_holds_the_close_until_it_wakes(
    rooms: list[Room], hearer: Room
) -> None:
    """Feedback is down over a closing instant: no close, nothing behind the mark is folded."""
    await write_for(rooms, 0.5)
    logs = await records_until_last_common_mark(rooms)
    bus = AdversarialBus(list(TOPICS), seed=3)
    bus.publish("orders", logs["orders"])
    consumer = Consumer(hearer, bus.subscribe("alerts", HEARER.topics))
    for _ in range(200):
        await consumer.step()
    first = next(r.mark for r in logs["orders"] if r.mark)
    assert await closes_of(hearer.pool) == []
    assert await hearer.pool.fetchval("SELECT count(*) FROM heard WHERE at > $1", first) == 0
    assert not await consumer.is_caught_up()
    await consumer.close()
    bus.publish("feedback", logs["feedback"])
    await fine_weather(hearer, bus)
    assert await closes_of(hearer.pool) == closes_by_hand(logs)


async def test_the_clockwork_and_the_writers_append_each_mark_once(rooms: list[Room]) -> None:
    """Ten that append marks at once: one mark per instant, in order."""
    room = rooms[0]
    kit = desk_of(room).kit
    await asyncio.sleep(0.3)
    counts = await asyncio.gather(*(append_marks(room.pool, kit) for _ in range(10)))
    sides = await sides_of(room)
    assert sum(counts) == len(sides.marks) == len(set(sides.marks)) >= 1
