"""Mechanism 6: a fact that cannot be taken is parked under its key, and everything else goes on."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from shared.events.topics import DELIVERIES, ORDERS
from shared.runtime.consumer import Consumer
from shared.runtime.releasing import retry, skip
from shared.runtime.room import Room
from shared.runtime.taking import TRIES_MAX
from shared.store.parking import lock_parking, parked_facts, release
from shared.testing.adversarial import TAME
from shared.testing.bus_cases import Told, eventually
from shared.testing.postgres import fresh_database
from shared.testing.storms import fine_weather
from tests.shared.bus_cases import LogCase, MemoryCase
from tests.shared.poisoning import TOPICS, Handler, poisoned_room, said, shelf

STREAMS = 10
FACTS = 200


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest_asyncio.fixture
async def room(database: str, handler: Handler) -> AsyncIterator[Room]:
    async with poisoned_room(database, handler) as room:
        yield room


def _told(first: int = 0, count: int = FACTS) -> list[Told]:
    """Facts `e0`, `e1`, ...; stream s<n> has every tenth of them, two of its three on one topic."""
    return [
        Told((ORDERS, DELIVERIES, ORDERS)[n // STREAMS % 3], f"s{n % STREAMS}", f"e{n}")
        for n in range(first, first + count)
    ]


async def _published(case: MemoryCase, first: int = 0, count: int = FACTS) -> MemoryCase:
    await case.publish(_told(first, count))
    return case


async def test_a_poisoned_fact_is_parked_alone_and_later_ones_of_its_key_wait(
    room: Room, handler: Handler
) -> None:
    """e3 is the first of s3 on the orders' topic; the same stream's deliveries are another key."""
    case = await _published(MemoryCase(0, TAME))
    handler.poison = {"e3"}
    await fine_weather(room, case.bus)
    parked = await shelf(room)
    assert {(topic, stream) for topic, stream, _ in parked} == {(ORDERS, "s3")}
    versions = [version for _, _, version in parked]
    assert versions == sorted(versions)
    assert len(parked) == 13
    taken = await said(room)
    assert (ORDERS, "s3") not in taken
    assert len(taken[DELIVERIES, "s3"]) == 7
    assert sum(map(len, taken.values())) == FACTS - 13
    assert await room.pool.fetchval("SELECT facts FROM tally") == FACTS - 13
    reasons = [one.reason for one in await parked_facts(room.pool)]
    assert reasons[0] == "ValueError: cannot take e3"
    assert all("waits behind" in reason for reason in reasons[1:])


async def test_few_transactions_find_one_poisoned_fact_among_many(
    room: Room, handler: Handler
) -> None:
    """Halves of halves: the number of tries grows with the logarithm of the batch."""
    case = await _published(MemoryCase(0, TAME))
    handler.poison = {"e123"}
    await fine_weather(room, case.bus)
    assert handler.calls <= 2 * 8 + 6


async def test_without_the_wait_later_facts_of_the_key_overtake_the_parked_one(
    room: Room, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fact a key of its own: the second of its stream is taken before the first."""
    monkeypatch.setattr(
        "shared.runtime.taking.key_of", lambda record: (record.topic, record.event_id)
    )
    case = await _published(MemoryCase(0, TAME))
    handler.poison = {"e3"}
    await fine_weather(room, case.bus)
    assert len((await said(room))[ORDERS, "s3"]) == 12


async def test_facts_that_fail_only_together_do_not_stop_the_consumer(
    room: Room, handler: Handler
) -> None:
    """As a statement does that must not touch a row twice: the later of the two is parked."""
    case = await _published(MemoryCase(0, TAME))
    handler.quarrelling = {"e3", "e4"}
    await fine_weather(room, case.bus)
    parked = await shelf(room)
    assert {(topic, stream) for topic, stream, _ in parked} == {(ORDERS, "s4")}
    assert len((await said(room))[ORDERS, "s3"]) == 13


async def test_facts_of_later_batches_wait_too_and_so_after_a_restart(
    room: Room, handler: Handler
) -> None:
    """Each call of fair weather is a new consumer that knows only the database."""
    case = await _published(MemoryCase(0, TAME), 0, 50)
    handler.poison = {"e3"}
    await fine_weather(room, case.bus)
    handler.poison = set()
    await fine_weather(room, (await _published(case, 50, 150)).bus)
    parked = await shelf(room)
    assert len(parked) == 13
    assert [version for _, _, version in parked] == sorted(version for _, _, version in parked)
    assert (ORDERS, "s3") not in await said(room)


async def test_when_every_fact_is_poison_the_checkpoint_moves_all_the_same(
    room: Room, handler: Handler
) -> None:
    case = await _published(MemoryCase(0, TAME))
    handler.poison = {f"e{n}" for n in range(FACTS)}
    await fine_weather(room, case.bus)
    assert len(await shelf(room)) == FACTS
    assert await said(room) == {}


async def test_a_released_key_ends_as_if_it_had_never_been_poisoned(
    postgres: str, room: Room, handler: Handler
) -> None:
    """The handler is mended, the key retried: order, effects and what comes after are the same."""
    handler.poison = {"e3", "e44"}
    case = await _published(MemoryCase(0, TAME), 0, 150)
    await fine_weather(room, case.bus)
    before = await shelf(room)
    with pytest.raises(ValueError, match="cannot take e3"):
        await retry(room, "s3")
    assert await shelf(room) == before
    handler.poison = set()
    assert await retry(room, "s3") == len([1 for _, stream, _ in before if stream == "s3"])
    assert await retry(room, "s4") > 0
    assert await retry(room, "s4") == 0
    assert await shelf(room) == []
    await fine_weather(room, (await _published(case, 150, 50)).bus)
    async with fresh_database(postgres) as dsn, poisoned_room(dsn, Handler()) as healthy:
        await fine_weather(healthy, (await _published(MemoryCase(0, TAME))).bus)
        assert await said(room) == await said(healthy)
        tables = "SELECT topic, stream, version, times FROM heard ORDER BY 1, 2, 3"
        assert await room.pool.fetch(tables) == await healthy.pool.fetch(tables)
    assert await room.pool.fetchval("SELECT facts FROM tally") == FACTS


async def test_a_skipped_fact_is_left_out_and_the_rest_of_its_key_is_taken(
    room: Room, handler: Handler
) -> None:
    handler.poison = {"e3"}
    await fine_weather(room, (await _published(MemoryCase(0, TAME))).bus)
    [first, *rest] = [version for _, _, version in await shelf(room)]
    assert await skip(room, "s3") == len(rest)
    assert (await said(room))[ORDERS, "s3"] == rest
    assert first not in rest
    assert await shelf(room) == []


async def _arrives_while_its_key_is_released(room: Room, handler: Handler) -> None:
    """A fact comes for a parked key; meanwhile the release of the key commits."""
    case = await _published(MemoryCase(0, TAME), 0, 10)
    handler.poison = {"e3"}
    await fine_weather(room, case.bus)
    handler.poison = set()
    await case.publish([Told(ORDERS, "s3", "late")])
    consumer = Consumer(room, case.bus.subscribe("alerts", TOPICS))
    async with room.pool.acquire() as tx, tx.transaction():
        await lock_parking(tx)
        await release(tx, await parked_facts(tx, stream="s3"))
        step = asyncio.create_task(consumer.step())
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

        async def is_waiting_or_done() -> bool:
            return step.done() or await room.pool.fetchval(waiting) > 0

        await eventually(is_waiting_or_done)
    await step
    await consumer.close()


async def test_a_fact_that_comes_while_its_key_is_released_is_not_left_behind(
    room: Room, handler: Handler
) -> None:
    await _arrives_while_its_key_is_released(room, handler)
    assert await shelf(room) == []
    assert (await said(room))[ORDERS, "s3"] == [2]


async def test_without_the_lock_it_is_parked_behind_nothing(
    room: Room, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(_tx: asyncpg.Connection) -> None:
        """Look without waiting."""

    monkeypatch.setattr("shared.runtime.taking.lock_parking", no_lock)
    await _arrives_while_its_key_is_released(room, handler)
    assert [version for _, _, version in await shelf(room)] == [2]


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (asyncpg.PostgresConnectionError("gone"), 50),
        (ConnectionResetError("gone"), 50),
        (TimeoutError("slow"), 50),
        (asyncpg.DiskFullError("full"), 50),
        (asyncpg.DeadlockDetectedError("deadlock"), TRIES_MAX),
        (asyncpg.QueryCanceledError("statement timeout"), TRIES_MAX),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_an_error_that_passes_parks_nothing(
    room: Room, handler: Handler, error: Exception, times: int
) -> None:
    """Losses of the database however often; a conflict or a statement's time-out so many in a row."""
    left = times

    def failing() -> Exception | None:
        nonlocal left
        left -= 1
        return error if left >= 0 else None

    handler.failing = failing
    assert await _take_through(room, type(error)) == times
    assert await shelf(room) == []
    assert sum(map(len, (await said(room)).values())) == FACTS


async def _take_through(room: Room, error: type[Exception]) -> int:
    """Take everything, however often it fails so; how often it did."""
    case = await _published(MemoryCase(0, TAME))
    consumer = Consumer(room, case.bus.subscribe("alerts", TOPICS))
    failures = 0
    while not await consumer.is_caught_up():
        try:
            await consumer.step()
        except error:
            failures += 1
    await consumer.close()
    return failures


async def test_an_error_that_passes_is_not_taken_for_poison_while_poison_is_looked_for(
    room: Room, handler: Handler
) -> None:
    """Many calls meet a deadlock: only the key of the fact that always fails is parked."""
    handler.poison = {"e3"}
    rng = random.Random(3)
    handler.failing = lambda: (
        asyncpg.DeadlockDetectedError("deadlock") if rng.random() < 0.3 else None
    )
    await _take_through(room, asyncpg.DeadlockDetectedError)
    assert {(topic, stream) for topic, stream, _ in await shelf(room)} == {(ORDERS, "s3")}


async def test_a_close_names_the_keys_that_were_parked(room: Room, handler: Handler) -> None:
    """And the next one, when they have been released, names none."""
    case = await _published(MemoryCase(0, TAME))
    handler.poison = {"e3", "e7"}
    first = await case.mark()
    await fine_weather(room, case.bus)
    handler.poison = set()
    await retry(room, "s3")
    await retry(room, "s7")
    second = await case.mark()
    await fine_weather(room, case.bus)
    rows = await room.pool.fetch("SELECT close_at, parked FROM closes ORDER BY close_at")
    assert [(row["close_at"], row["parked"]) for row in rows] == [
        (first, ["s3", "s7"]),
        (second, []),
    ]


async def test_a_fact_that_kills_its_process_is_shelved(database: str) -> None:
    """Some die of e3 before anybody is careful; the second that has it alone in its hand is the last."""
    async with LogCase.open(database) as case, poisoned_room(database, Handler()) as room:
        await case.publish(_told(0, 60))
        deaths = 0
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.shared.dying", database, "e3"
            )
            if await process.wait() == 0:
                break
            assert process.returncode == 9
            deaths += 1
            assert deaths < 10, "processes die of it for ever"
        assert deaths <= 6
        parked = await shelf(room)
        assert {(topic, stream) for topic, stream, _ in parked} == {(ORDERS, "s3")}
        assert "died of it 2 times" in (await parked_facts(room.pool))[0].reason
        assert sum(map(len, (await said(room)).values())) == 60 - len(parked)
        assert await retry(room, "s3") == len(parked)
        assert sum(map(len, (await said(room)).values())) == 60
