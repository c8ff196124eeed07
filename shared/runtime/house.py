"""The services of one process while they run: pools, desks, consumers, clockwork; one start, one stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.bus.log import LogBus
from shared.bus.port import Bus
from shared.events.topics import ALL, PUBLISHED_BY, dead_letters
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.consumer import Consumer
from shared.runtime.desk import UNAVAILABLE, Desk
from shared.runtime.lost import compare_topics
from shared.runtime.marks import append_marks
from shared.runtime.relay import GROUP as RELAY
from shared.runtime.relay import Relay
from shared.runtime.room import Room
from shared.runtime.rounds import keep_rounds, keep_watch
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.access.sealing import Sealing
from shared.store.ahead import ahead_of_logs
from shared.store.database import BUS_ROLE, check_server, open_pool
from shared.store.migrations import SchemaState, migrate, schema_state
from shared.store.reader import LogReader

CATCH_UP_SECONDS = 1.0


class NotServable(Exception):
    """The database is not as this program needs it: the schema is behind or ahead, or its settings."""


@dataclass(slots=True)
class House:
    """Some services over one database. `own_time` moves by itself; the sandbox moves it by hand.

    With a Kafka address each service has a relay, and consumers read the broker; without one they
    read the services' logs. `shares_topics`: other installations write on the same topics, so that
    facts there which our logs do not have are no sign of a restore.
    """

    dsn: str
    services: Sequence[Service]
    time: Time
    policy: Policy
    own_time: bool = True
    kafka: KafkaAddress | None = None
    shares_topics: bool = False
    sealing: Sealing = field(default_factory=Sealing)
    rooms: dict[str, Room] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    relays: dict[str, Relay] = field(default_factory=dict)
    _pools: list[asyncpg.Pool] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _bus: LogBus | None = None

    async def migrate(self) -> dict[str, list[str]]:
        """Bring every schema up to date; what was applied, by service."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return {s.name: await migrate(connection, s.name, s.migrations) for s in self.services}
        finally:
            await connection.close()

    async def start(self) -> None:
        """Open the rooms; NotServable names what is wrong with the database."""
        wrong = await self.check() or await self._check_topics()
        if wrong:
            raise NotServable("; ".join(f"{name}: {what}" for name, what in wrong.items()))
        self._bus = LogBus(LogReader(await self._pool("public", size=20, role=BUS_ROLE)))
        for service in self.services:
            self.rooms[service.name] = await self._open_room(service, self._bus.hint)
        for room in self.rooms.values():
            if room.service.marks and room.desk is not None:
                await append_marks(room.pool, room.desk.kit)
        if self.kafka is not None:
            await self._open_relays(self._bus, KafkaBus(self.kafka))
        self._open_consumers(self._bus if self.kafka is None else KafkaBus(self.kafka))
        self._tasks += [asyncio.create_task(worker.run(self._stop)) for worker in self.workers]
        if self.own_time:
            rooms = list(self.rooms.values())
            self._tasks.append(asyncio.create_task(keep_rounds(rooms, self._stop)))
            watched = [room for room in rooms if room.service.watch is not None]
            self._tasks += [asyncio.create_task(keep_watch(room, self._stop)) for room in watched]

    async def stop(self) -> None:
        """Drain: no new work, finish what is in hand, give everything back."""
        self._stop.set()
        for room in self.rooms.values():
            if room.desk is not None:
                await room.desk.drain()
        if self._bus is not None:
            self._bus.hint()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(task, 5)
        for worker in self.workers:
            await worker.close()
        if self._bus is not None:
            await self._bus.close()
        for pool in self._pools:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(pool.close(), 5)

    @asynccontextmanager
    async def open_room(self, name: str) -> AsyncIterator[Room]:
        """One room for a moment, without doors or workers: what an operator's command needs."""
        service = next(service for service in self.services if service.name == name)
        try:
            yield await self._open_room(service, hint=lambda: None)
        finally:
            for pool in self._pools:
                await pool.close()

    @property
    def workers(self) -> list[Relay | Consumer]:
        """What moves facts here, in the order of their road."""
        return [*self.relays.values(), *self.consumers.values()]

    async def check(self) -> dict[str, str]:
        """What stands in the way of serving: server settings, and each schema behind or ahead."""
        connection = await asyncpg.connect(self.dsn)
        try:
            wrong = {
                f"server {n}": what for n, what in enumerate(await check_server(connection), 1)
            }
            for service in self.services:
                state = await self._schema(connection, service)
                if not state.is_current:
                    wrong[f"schema {service.name}"] = str(state)
                elif ahead := await ahead_of_logs(
                    connection, service.name, (service.name, RELAY), list(PUBLISHED_BY)
                ):
                    wrong[f"checkpoint {service.name}"] = str(ahead[0])
        finally:
            await connection.close()
        if self.kafka is not None:
            wrong |= await self._check_kafka(KafkaBus(self.kafka))
        return wrong

    async def readiness(self) -> dict[str, str]:
        """What is wrong now, by name; empty when ready."""
        try:
            wrong = await asyncio.wait_for(self.check(), 3)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            return {"database": str(error) or type(error).__name__}
        for name, room in self.rooms.items():
            wrong |= {f"{name} {what}": why for what, why in room.health.items()}
        return wrong

    async def _check_kafka(self, bus: KafkaBus) -> dict[str, str]:
        try:
            # Sooner than readiness gives up as a whole: it would blame the database.
            missing = await asyncio.wait_for(bus.missing(topics_of(self.services)), 2)
        except Exception as error:
            what = str(error) or type(error).__name__
            return {"kafka": f"消息代理不可用 / the broker does not answer: {what}"}
        return (
            {"kafka": f"缺少主题, 请运行 jicai topics apply / missing: {missing}"}
            if missing
            else {}
        )

    async def _check_topics(self) -> dict[str, str]:
        """Whether topics and logs are of one life; asked at the start, for it reads the topics' ends."""
        if self.kafka is None or self.shares_topics:
            return {}
        return await compare_topics(self.dsn, KafkaBus(self.kafka), self.services)

    async def _open_relays(self, source: LogBus, bus: KafkaBus) -> None:
        assert self.kafka is not None
        for name, room in self.rooms.items():
            self.relays[name] = Relay(
                room,
                source.tail(RELAY, name),
                bus.publisher(),
                partitions=self.kafka.partitions,
            )

    async def _schema(self, connection: Any, service: Service) -> SchemaState:
        return await schema_state(connection, service.name, service.migrations)

    async def _pool(self, schema: str, **options: Any) -> asyncpg.Pool:
        pool = await open_pool(self.dsn, schema, **options)
        self._pools.append(pool)
        return pool

    async def _open_room(self, service: Service, hint: Callable[[], None]) -> Room:
        calendars = CalendarHolder()
        room = Room(
            service=service,
            pool=await self._pool(service.name, size=8),
            time=self.time,
            policy=self.policy,
            calendars=calendars,
            sealing=self.sealing,
        )
        if service.kit is not None:
            kit = service.kit(self.policy, CalendarHolder(), self.time)
            room.desk = Desk(await self._pool(service.name, size=3, hot=True), kit, hint=hint)
        return room

    def _open_consumers(self, bus: Bus) -> None:
        for name, room in self.rooms.items():
            if room.service.topics:
                self.consumers[name] = Consumer(room, bus.subscribe(name, room.service.topics))
                room.catch_up = _catching_up([*self.relays.values(), self.consumers[name]])


def topics_of(services: Sequence[Service]) -> list[str]:
    """Every topic that services need: the published ones, and where their parked facts go."""
    return [*ALL, *(dead_letters(topic, s.name) for s in services for topic in s.topics)]


def _catching_up(workers: Sequence[Relay | Consumer]) -> Callable[[], Awaitable[bool]]:
    """What a room calls when it may have missed something: rounds until nothing stands behind.

    Facts of services that run elsewhere come when their relays bring them.
    """

    async def catch_up() -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CATCH_UP_SECONDS
        # A fault is the consumer's own to show: whoever asked for haste goes on without.
        with contextlib.suppress(Exception):
            while loop.time() < deadline:
                if any([await worker.step() for worker in workers]):
                    continue
                if all([await worker.is_caught_up() for worker in workers]):
                    return True
                await asyncio.sleep(0.005)
        return False

    return catch_up
