"""Parked facts stand on `<topic>.dead.<group>` with their reason, once each, on the real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.bus.kafka import KafkaAddress, KafkaBus
from shared.bus.log import LogBus
from shared.events.topics import DELIVERIES, ORDERS, dead_letters
from shared.runtime.relay import GROUP, Relay
from shared.runtime.releasing import retry
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.adversarial import TAME
from shared.testing.broker import Broker
from shared.testing.bus_cases import Told
from shared.testing.storms import fine_weather
from tests.chaos.topics_read import Seen, everything_on
from tests.shared.bus_cases import MemoryCase
from tests.shared.kafka_case import own_topics
from tests.shared.poisoning import Handler, poisoned_room, shelf

pytestmark = pytest.mark.kafka

DEAD = tuple(dead_letters(topic, "alerts") for topic in (ORDERS, DELIVERIES))


@pytest_asyncio.fixture
async def address(broker: Broker) -> AsyncIterator[KafkaAddress]:
    async with own_topics(broker.bootstrap) as address:
        bus = KafkaBus(address)
        await bus.apply_topics(DEAD)
        yield address
        await bus.drop_topics(DEAD)


async def _dead(address: KafkaAddress) -> list[Seen]:
    topics = [address.topic_prefix + topic for topic in DEAD]
    return await everything_on(address.bootstrap, topics, partitions=address.partitions)


async def test_parked_facts_stand_on_their_dead_letter_topic_with_the_reason(
    database: str, address: KafkaAddress
) -> None:
    """Also after they have been released: what happened stays readable."""
    handler = Handler(poison={"e3"})
    async with poisoned_room(database, handler) as room:
        case = MemoryCase(0, TAME)
        await case.publish(
            [Told((ORDERS, DELIVERIES)[n % 2], f"s{n % 5}", f"e{n}") for n in range(50)]
        )
        await fine_weather(room, case.bus)
        parked = await shelf(room)
        pool = await open_pool(database, "public", size=4, role=BUS_ROLE)
        bus = LogBus(LogReader(pool))
        relay = Relay(
            room,
            bus.tail(GROUP, "alerts"),
            KafkaBus(address).publisher(),
            partitions=address.partitions,
        )
        while await relay.step():
            pass
        handler.poison = set()
        await retry(room, "s3")
        assert not await relay.step()
        await relay.close()
        await bus.close()
        pool.terminate()
    seen = await _dead(address)
    assert {one.topic for one in seen} == {address.topic_prefix + DEAD[1]}
    assert [(DELIVERIES, one.key.decode(), one.version) for one in seen] == parked
    reasons = [one.headers["jicai_reason"] for one in seen]
    assert reasons[0] == "ValueError: cannot take e3"
    assert len(reasons) == 5
    assert all("等待同一键的前一事实" in reason for reason in reasons[1:])
    assert all(one.headers["ce_type"] and one.value is not None for one in seen)
