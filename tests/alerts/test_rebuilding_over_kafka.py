"""The same over a broker: a consumer that lags in some channels, and a relay that sends again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from services.alerts.app import service as alerts
from shared.bus.kafka import KafkaAddress, KafkaBus
from shared.runtime.consumer import Consumer
from shared.runtime.relay import GROUP, Relay
from shared.testing.broker import Broker
from shared.testing.postgres import fresh_database
from tests.alerts.living import Town, town
from tests.alerts.rebuilding import rebuilt, rows_of
from tests.oracle.alarms import alarming_history
from tests.shared.kafka_case import own_topics

pytestmark = pytest.mark.kafka

HISTORY = alarming_history(4, orders=30, days=12)


class TownOverKafka(Town):
    """A town whose alerts hear of it over a broker."""

    relays: list[Relay]

    async def publish(self) -> None:
        """Until everything is acknowledged."""
        for relay in self.relays:
            while not await relay.is_caught_up():
                await relay.step()

    async def catch_up(self) -> None:
        await self.publish()
        while not await self.consumer.is_caught_up():
            await self.consumer.step()

    async def send_again(self) -> None:
        """As a relay does that died before its checkpoint: all of it, here."""
        for relay in self.relays:
            relay._place = None
        await self.orders.pool.execute(
            "UPDATE checkpoints SET cursor = '' WHERE group_name = $1", GROUP
        )
        await self.publish()


@asynccontextmanager
async def town_over(dsn: str, address: KafkaAddress) -> AsyncIterator[TownOverKafka]:
    """The rooms, their relays, and a consumer that is a member of its group."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(town(dsn, HISTORY))
        await one.consumer.close()
        bus = KafkaBus(address)
        consumer = Consumer(one.alerts, bus.subscribe("alerts", alerts.topics), batch_max=50)
        made = TownOverKafka(one.time, one.orders, one.feedback, one.alerts, one.bus, consumer)
        made.relays = [
            Relay(room, one.bus.tail(GROUP, name), bus.publisher(), partitions=address.partitions)
            for name, room in (("orders", one.orders), ("feedback", one.feedback))
        ]
        one.consumer = consumer
        for relay in made.relays:
            stack.push_async_callback(relay.close)
        yield made


@pytest.mark.timeout(400)
async def test_a_rebuild_stands_where_the_consumer_stands_in_every_channel(
    postgres: str, database: str, broker: Broker
) -> None:
    async with (
        own_topics(broker.bootstrap) as address,
        town_over(database, address) as one,
    ):
        half = len(HISTORY.steps) // 2
        await one.live(replace(HISTORY, steps=HISTORY.steps[:half]), punctual=False)
        await one.send_again()
        for _ in range(4):  # somewhere within what is sent again
            await one.consumer.step()
        assert not await one.consumer.is_caught_up()
        report = await rebuilt(database, alerts, partitions=address.partitions)
        assert set(report.differing.values()) == {0}
        await one.live(replace(HISTORY, puts=[], steps=HISTORY.steps[half:]), punctual=False)
        report = await rebuilt(database, alerts, partitions=address.partitions)
        assert set(report.differing.values()) == {0}
        over_kafka = await rows_of(database, alerts)
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as quiet:
        await quiet.live(HISTORY, punctual=True)
        plain = await rows_of(dsn, alerts)
    assert len(plain["lines"]) > 30
    for name in ("lines", "orders", "tickets"):
        assert over_kafka[name] == plain[name]
