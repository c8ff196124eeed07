"""The relay at its riskiest moments, against the real broker: a fact may come again, none is missing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from shared.bus.kafka import KafkaAddress
from shared.events.topics import DELIVERIES, ORDERS, REFERENCE
from shared.runtime.marks import append_marks, next_closing_instant
from shared.runtime.relay import GROUP
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.locks import OWNER_CLASS, singleton
from shared.testing.broker import Broker
from shared.testing.bus_cases import eventually
from shared.testing.postgres import desk_of, open_room
from shared.testing.toys import a_note, noting
from tests.chaos.installation import own_broker
from tests.chaos.relaying import LOG, publish_all, relay_of, relay_process
from tests.chaos.topics_read import Seen, assert_in_key_order, everything_on, first_sightings
from tests.shared.kafka_case import own_topics

pytestmark = pytest.mark.kafka

TOPICS = (ORDERS, DELIVERIES, REFERENCE)
FACTS = 100


@pytest_asyncio.fixture
async def address(broker: Broker) -> AsyncIterator[KafkaAddress]:
    async with own_topics(broker.bootstrap) as address:
        yield address


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """A toy log of a hundred facts over two topics, two closing instants among them."""
    async with open_room(database, noting()) as room:
        await append_marks(room.pool, desk_of(room).kit)
        for part in range(4):
            await _note(room, part * 25, 25)
            if part in (1, 2):
                await _pass_a_closing_instant(room)
        yield room


async def _note(room: Room, first: int, count: int) -> None:
    notes = [
        a_note(f"s{n % 9}", f"e{n}", topic=(ORDERS, DELIVERIES)[n % 9 % 2])
        for n in range(first, first + count)
    ]
    assert {v.status for v in await desk_of(room).submit(notes)} == {"accepted"}


async def _pass_a_closing_instant(room: Room) -> None:
    time = room.time
    assert isinstance(time, ManualTime)
    time.set(next_closing_instant(time.now))
    assert await append_marks(room.pool, desk_of(room).kit) == 1


async def _checkpoint(room: Room) -> tuple[str, int]:
    row = await room.pool.fetchrow(
        "SELECT cursor, epoch FROM checkpoints WHERE group_name = $1 AND partition = $2", GROUP, LOG
    )
    return row["cursor"], row["epoch"]


async def _published(address: KafkaAddress) -> list[Seen]:
    topics = [address.topic_prefix + topic for topic in TOPICS]
    return await everything_on(address.bootstrap, topics, partitions=address.partitions)


def _ids(seen: list[Seen]) -> Counter[str]:
    return Counter(one.headers["ce_id"] for one in seen if not one.is_mark)


ALL_IDS = {f"e{n}" for n in range(FACTS)}


async def test_killed_between_acknowledgement_and_checkpoint_facts_come_again_and_none_is_missing(
    database: str, room: Room, address: KafkaAddress
) -> None:
    """SIGKILL of the relay's process behind the second chunk; another relay takes the log over."""
    with relay_process(database, address) as process:
        assert process.heard() == "acknowledged"
        process.go_on()
        assert process.heard() == "acknowledged"
        process.kill()
    assert sum(_ids(await _published(address)).values()) > 0
    async with relay_of(room, database, address) as relay:
        await publish_all(relay)
    seen = await _published(address)
    assert set(_ids(seen)) == ALL_IDS
    assert sum(_ids(seen).values()) == FACTS + 20, "the chunk that was not noted comes again"
    assert_in_key_order(seen)
    await _assert_marks_divide(room, address, seen)


async def test_a_checkpoint_before_the_acknowledgement_loses_facts(
    database: str, room: Room, address: KafkaAddress
) -> None:
    """The same death, the wrong way round: what was noted but not sent is never sent."""
    with relay_process(database, address, kind="hasty") as process:
        assert process.heard() == "moved"
        process.kill()
    async with relay_of(room, database, address) as relay:
        await publish_all(relay)
    assert len(_ids(await _published(address))) == FACTS - 20


async def test_a_relay_that_slept_while_its_lock_was_lost_leaves_the_checkpoint_alone(
    database: str, room: Room, address: KafkaAddress
) -> None:
    """SIGSTOP behind an acknowledgement; its session ends, another relay finishes; then SIGCONT."""
    with relay_process(database, address) as process:
        assert process.heard() == "acknowledged"
        process.send(signal.SIGSTOP)
        await _end_the_owner(database)
        async with relay_of(room, database, address) as relay:
            await eventually(relay.step)
            await publish_all(relay)
            after = await _checkpoint(room)
            process.send(signal.SIGCONT)
            process.go_on()
            assert "relay.fenced" in process.heard()
            assert process.heard() == "nothing moved"
            assert await _checkpoint(room) == after
            await _note(room, FACTS, 10)
            await publish_all(relay)
    seen = await _published(address)
    assert set(_ids(seen)) == ALL_IDS | {f"e{n}" for n in range(FACTS, FACTS + 10)}
    assert_in_key_order(seen)


async def _end_the_owner(dsn: str) -> None:
    """The server ends the session that holds the log's lock, as a failover would."""
    connection = await asyncpg.connect(dsn)
    try:
        ended = await connection.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_locks
               WHERE locktype = 'advisory' AND database =
                   (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND classid = $1 AND objid::int8 = $2::int8 & 4294967295""",
            OWNER_CLASS,
            singleton(GROUP, LOG),
        )
    finally:
        await connection.close()
    assert ended == 1


async def test_of_two_relays_one_works_and_the_other_takes_over(
    database: str, room: Room, address: KafkaAddress
) -> None:
    async with relay_of(room, database, address) as other:
        async with relay_of(room, database, address) as one:
            assert await one.step()
            assert not await other.step()
            assert await one.step()
        assert await other.step()
        await publish_all(other)
    assert _ids(await _published(address)) == Counter(ALL_IDS)


async def test_a_fenced_relay_changes_nothing(
    database: str, room: Room, address: KafkaAddress
) -> None:
    """Its place is taken by another epoch between two of its rounds."""
    async with relay_of(room, database, address) as relay:
        assert await relay.step()
        await room.pool.execute("UPDATE checkpoints SET epoch = epoch + 1")
        before = await _checkpoint(room)
        assert not await relay.step()
        assert await _checkpoint(room) == before
        await publish_all(relay)  # it still holds the lock: it claims anew and goes on
        assert (await _checkpoint(room))[1] == before[1] + 1
    assert set(_ids(await _published(address))) == ALL_IDS


async def test_every_partition_of_the_log_gets_every_mark_between_the_right_facts(
    database: str, room: Room, address: KafkaAddress
) -> None:
    """Also the partitions on which no fact stands."""
    async with relay_of(room, database, address) as relay:
        await publish_all(relay)
    seen = await _published(address)
    assert _ids(seen) == Counter(ALL_IDS)
    await _assert_marks_divide(room, address, seen)


async def _assert_marks_divide(room: Room, address: KafkaAddress, seen: list[Seen]) -> None:
    rows = await room.pool.fetch(
        "SELECT occurred_at FROM events WHERE topic = '' ORDER BY position"
    )
    marks = [row["occurred_at"] for row in rows]
    assert len(marks) == 2
    for topic in TOPICS:
        for number in range(address.partitions):
            place = (address.topic_prefix + topic, number)
            _assert_divided([one for one in seen if (one.topic, one.partition) == place], marks)


def _assert_divided(partition: list[Seen], marks: list[datetime]) -> None:
    """At first sightings: every mark once, facts recorded before it in front, the others behind."""
    last = datetime.min.replace(tzinfo=marks[0].tzinfo)
    met = []
    fresh = {id(one) for one in first_sightings(partition)}
    for one in partition:
        recorded = datetime.fromisoformat(one.headers["ce_recordedtime"])
        if one.is_mark:
            if recorded > last:
                met.append(recorded)
                last = recorded
        elif id(one) in fresh:
            following = [mark for mark in marks if mark > last]
            assert recorded >= last
            assert not following or recorded < following[0]
    assert met == marks


async def test_a_broker_that_sleeps_brings_nothing_twice(database: str, room: Room) -> None:
    """The relay never gives a send up; who does, and sends again on the same producer, sees it thrice."""
    with own_broker() as broker:
        async with (
            own_topics(broker.bootstrap) as address,
            relay_of(room, database, address) as relay,
            _producer(address) as impatient,
        ):
            await relay.step()
            stop = asyncio.Event()
            running = asyncio.create_task(relay.run(stop))
            broker.stop()
            await _note(room, FACTS, 10)
            await _give_up(impatient, address)
            await _give_up(impatient, address)
            broker.resume()
            await _send(impatient, address)
            await eventually(relay.is_caught_up)
            stop.set()
            await running
            counts = _ids(await _published(address))
        assert counts.pop("impatient") == 3
        assert counts == Counter(f"e{n}" for n in range(FACTS + 10))


@contextlib.asynccontextmanager
async def _producer(address: KafkaAddress) -> AsyncIterator[AIOKafkaProducer]:
    """As careful as a producer can be set; it has met the broker before the broker sleeps."""
    producer = AIOKafkaProducer(
        bootstrap_servers=address.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    await producer.partitions_for(address.topic_prefix + REFERENCE)
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, address: KafkaAddress) -> None:
    headers = [("ce_id", b"impatient"), ("ce_source", b"s"), ("ce_type", b"t")]
    await producer.send_and_wait(address.topic_prefix + REFERENCE, b"{}", key=b"k", headers=headers)


async def _give_up(producer: AIOKafkaProducer, address: KafkaAddress) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await _send(producer, address)
