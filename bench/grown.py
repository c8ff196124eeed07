"""One store whose cost is asked for: a door, a relay and a consumer over one database."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.ingest import send
from bench.machine import Machine, Program, cpu_of_self
from bench.pairs import Run
from bench.prepared import serve
from services.alerts.app import service as alerts
from services.orders.app import service as orders
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.bus.log import LogBus
from shared.runtime.calendars import CalendarHolder
from shared.runtime.consumer import Consumer
from shared.runtime.relay import GROUP as RELAY
from shared.runtime.relay import Relay
from shared.runtime.room import Room
from shared.runtime.time import DatabaseTime
from shared.store.database import BUS_ROLE, open_pool
from shared.store.policy_files import shipped_policy
from shared.store.reader import LogReader

KINDS = ("ingest", "duplicates", "relay", "consumer")


@dataclass(slots=True)
class Store:
    """The door is a process of its own; relay and consumer take their steps here."""

    machine: Machine
    door: Program
    relay: Relay
    consumer: Consumer
    bus: LogBus
    pools: list[asyncpg.Pool]

    async def round(self, path: str) -> dict[str, Run]:
        """New events in, the same once more, then to the broker and to the rows."""
        runs = {
            "ingest": send(self.machine, [self.door], path),
            "duplicates": send(self.machine, [self.door], path, expected="duplicate"),
        }
        events = runs["ingest"].work
        runs["relay"] = await self._timed(events, self.relay.step)
        runs["consumer"] = await self._timed(events, self.consumer.step)
        return runs

    async def close(self) -> None:
        """Give everything back; the door is the machine's to end."""
        await self.relay.close()
        await self.consumer.close()
        await self.bus.close()
        for pool in self.pools:
            await pool.close()

    async def _timed(self, events: int, step: Callable[[], Awaitable[bool]]) -> Run:
        app, database = cpu_of_self(), self.machine.database_cpu
        begin = time.perf_counter()
        while await step():
            pass
        seconds = time.perf_counter() - begin
        return Run(events, seconds, cpu_of_self() - app, self.machine.database_cpu - database)


async def open_store(machine: Machine, database: str, kafka: str) -> Store:
    """Start the door, and put relay and consumer beside it."""
    dsn = machine.dsn(database)
    pools = [
        await open_pool(dsn, "orders"),
        await open_pool(dsn, "alerts"),
        await open_pool(dsn, "public", role=BUS_ROLE),
    ]
    bus = LogBus(LogReader(pools[2]))
    publisher = KafkaBus(KafkaAddress(bootstrap=kafka)).publisher()
    return Store(
        machine,
        serve(machine, "orders", dsn),
        Relay(_room(orders, pools[0]), bus.tail(RELAY, "orders"), publisher),
        Consumer(_room(alerts, pools[1]), bus.subscribe("alerts", alerts.topics)),
        bus,
        pools,
    )


async def consume(dsn: str) -> None:
    """Let alerts take everything that stands in the log."""
    pools = [await open_pool(dsn, "alerts"), await open_pool(dsn, "public", role=BUS_ROLE)]
    bus = LogBus(LogReader(pools[1]))
    consumer = Consumer(_room(alerts, pools[0]), bus.subscribe("alerts", alerts.topics))
    while await consumer.step():
        pass
    await consumer.close()
    await bus.close()
    for pool in pools:
        await pool.close()


def _room(service: Any, pool: asyncpg.Pool) -> Room:
    return Room(service, pool, DatabaseTime(), shipped_policy(), CalendarHolder())
