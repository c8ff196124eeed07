"""Kafka as a case of the conformance suite: toy logs, their relays, and a broker."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

from shared.bus.address import KafkaAddress
from shared.bus.group import GroupSubscription
from shared.bus.kafka import KafkaBus
from shared.bus.log import LogBus
from shared.bus.port import Bus
from shared.events.topics import ALL
from shared.runtime.relay import Relay
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.bus_cases import Told
from tests.shared.bus_cases import LOGS, LogCase


@asynccontextmanager
async def own_topics(bootstrap: str, *, partitions: int = 3) -> AsyncIterator[KafkaAddress]:
    """Topics and groups of this test alone on a broker that others use too."""
    name = f"t{secrets.token_hex(4)}."
    address = KafkaAddress(
        bootstrap=bootstrap,
        topic_prefix=name,
        group_prefix=name,
        partitions=partitions,
        session_timeout_ms=6000,
    )
    bus = KafkaBus(address)
    await bus.apply_topics(ALL)
    try:
        yield address
    finally:
        await bus.drop_topics(ALL)


class Remembering(KafkaBus):
    """A process's bus that can be killed: it knows whom it has given a subscription."""

    def __init__(self, address: KafkaAddress) -> None:
        super().__init__(address)
        self.given: list[GroupSubscription] = []

    def subscribe(self, group: str, topics: Sequence[str]) -> GroupSubscription:
        given = super().subscribe(group, topics)
        self.given.append(given)
        return given

    async def die(self) -> None:
        """Stop without a word to the group."""
        for given in self.given:
            client: Any = given.member._client  # type: ignore[attr-defined]
            if client is not None:
                client._coordinator._maybe_leave_group = _say_nothing
            await given.close()


class KafkaCase(LogCase):
    """The log case with a relay for each log; what is published has been acknowledged."""

    never_repeats = True

    @classmethod
    @asynccontextmanager
    async def over(cls, dsn: str, address: KafkaAddress) -> AsyncIterator[KafkaCase]:
        """The case over an empty database and empty topics."""
        async with AsyncExitStack() as stack:
            case = await stack.enter_async_context(cls.open(dsn))
            assert isinstance(case, KafkaCase)
            pool = await open_pool(dsn, "public", size=6, role=BUS_ROLE)
            stack.callback(pool.terminate)
            source = LogBus(LogReader(pool))
            stack.push_async_callback(source.close)
            case._address, case._buses = address, []
            case._relays = [
                Relay(
                    case._rooms[log],
                    source.tail("relay", log),
                    KafkaBus(address).publisher(),
                    partitions=address.partitions,
                )
                for log in LOGS
            ]
            try:
                yield case
            finally:
                for worker in (*case._buses, *case._relays):
                    await (worker.die() if isinstance(worker, Remembering) else worker.close())

    _address: KafkaAddress
    _buses: list[Remembering]
    _relays: list[Relay]

    async def publish(self, facts: Sequence[Told]) -> None:
        await super().publish(facts)
        await self._relay()

    async def mark(self) -> datetime:
        at = await super().mark()
        await self._relay()
        return at

    async def process(self) -> Bus:
        bus = Remembering(self._address)
        self._buses.append(bus)
        return bus

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, Remembering)
        await bus.die()

    @asynccontextmanager
    async def held_horizon(self) -> AsyncIterator[None]:
        """A broker hides nothing that was acknowledged: what the horizon holds is not published."""
        yield

    async def _relay(self) -> None:
        for relay in self._relays:
            while not await relay.is_caught_up():
                await relay.step()


async def _say_nothing() -> None:
    """Instead of leaving the group."""
