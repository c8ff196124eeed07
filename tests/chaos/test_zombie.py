"""A replica that sleeps with a batch in hand, past its group's patience: a zombie when it wakes.

What the toy hearer counts does not forgive a repetition.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.bus.kafka import KafkaAddress
from shared.events.topics import DELIVERIES, ORDERS
from shared.runtime.room import Room
from shared.testing.broker import Broker
from shared.testing.postgres import desk_of, open_room
from shared.testing.toys import a_note, noting
from tests.chaos.listening import HEARER, listener
from tests.chaos.relaying import publish_all, relay_of
from tests.shared.kafka_case import own_topics

pytestmark = pytest.mark.kafka


@pytest_asyncio.fixture
async def address(broker: Broker) -> AsyncIterator[KafkaAddress]:
    async with own_topics(broker.bootstrap) as address:
        yield address


async def _wakes(dsn: str, address: KafkaAddress, kind: str) -> tuple[int, int]:
    """How many facts there were in the end, and how many were counted."""
    async with (
        open_room(dsn, noting()) as log,
        open_room(dsn, HEARER) as room,
        relay_of(log, dsn, address) as relay,
    ):

        async def tell(*ids: str) -> None:
            notes = [
                a_note(f"s{n % 7}", id_, topic=(ORDERS, DELIVERIES)[n % 7 % 2])
                for n, id_ in enumerate(ids)
            ]
            assert {v.status for v in await desk_of(log).submit(notes)} == {"accepted"}
            await publish_all(relay)

        await tell("halt", *(f"a{n}" for n in range(50)))
        with listener(dsn, address, kind=kind) as sleeper:
            sleeper.hear_until("in hand")
            sleeper.send(signal.SIGSTOP)
            with listener(dsn, address):
                await _heard(room, 51)
                sleeper.send(signal.SIGCONT)
                sleeper.go_on()
                sleeper.hear_until("consumer.fenced" if kind == "halting" else "taken")
                await tell(*(f"b{n}" for n in range(50)))
                await _heard(room, 101)
            # Alone again, the one that slept goes on.
            await tell(*(f"c{n}" for n in range(50)))
            await _heard(room, 151)
        return 151, await room.pool.fetchval("SELECT facts FROM tally")


async def _heard(room: Room, count: int) -> None:
    """The group's own patience comes first: with who died, and once more where it died in joining."""
    async with asyncio.timeout(60):
        while True:
            if await room.pool.fetchval("SELECT count(*) FROM heard") == count:
                return
            await asyncio.sleep(0.05)


async def test_a_zombie_is_fenced_counts_nothing_twice_and_goes_on(
    database: str, address: KafkaAddress
) -> None:
    facts, counted = await _wakes(database, address, "halting")
    assert counted == facts


async def test_without_the_fence_a_zombie_counts_its_batch_again(
    database: str, address: KafkaAddress
) -> None:
    facts, counted = await _wakes(database, address, "unfenced")
    assert counted > facts
