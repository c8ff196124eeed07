"""The services of one process while they run: pools, desks, consumers, clockwork; one start, one stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from shared.bus.log import LogBus
from shared.bus.port import Bus
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.clockwork import fire_due
from shared.runtime.consumer import Consumer
from shared.runtime.desk import UNAVAILABLE, Desk
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.database import BUS_ROLE, check_server, open_pool
from shared.store.migrations import SchemaState, migrate, schema_state
from shared.store.reader import LogReader

log = structlog.get_logger()

CLOCKWORK_SECONDS = 1.0
CATCH_UP_SECONDS = 1.0


class NotServable(Exception):
    """The database is not as this program needs it: the schema is behind or ahead, or its settings."""


@dataclass(slots=True)
class House:
    """Some services over one database. `own_time` moves by itself; the sandbox moves it by hand."""

    dsn: str
    services: Sequence[Service]
    time: Time
    policy: Policy
    own_time: bool = True
    rooms: dict[str, Room] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
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
        wrong = await self.check()
        if wrong:
            raise NotServable("; ".join(f"{name}: {what}" for name, what in wrong.items()))
        self._bus = LogBus(LogReader(await self._pool("public", size=20, role=BUS_ROLE)))
        for service in self.services:
            self.rooms[service.name] = await self._open_room(service, self._bus)
        for room in self.rooms.values():
            if room.service.marks and room.desk is not None:
                await append_marks(room.pool, room.desk.kit)
        self._open_consumers(self._bus)
        for consumer in self.consumers.values():
            self._tasks.append(asyncio.create_task(consumer.run(self._stop)))
        if self.own_time:
            self._tasks.append(asyncio.create_task(self._clockwork()))

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
        for consumer in self.consumers.values():
            await consumer.close()
        if self._bus is not None:
            await self._bus.close()
        for pool in self._pools:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(pool.close(), 5)

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
            return wrong
        finally:
            await connection.close()

    async def readiness(self) -> dict[str, str]:
        """What is wrong now, by name; empty when ready."""
        try:
            wrong = await asyncio.wait_for(self.check(), 3)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            return {"database": str(error) or type(error).__name__}
        for name, room in self.rooms.items():
            wrong |= {f"{name} {what}": why for what, why in room.health.items()}
        return wrong

    async def _schema(self, connection: Any, service: Service) -> SchemaState:
        return await schema_state(connection, service.name, service.migrations)

    async def _pool(self, schema: str, **options: Any) -> asyncpg.Pool:
        pool = await open_pool(self.dsn, schema, **options)
        self._pools.append(pool)
        return pool

    async def _open_room(self, service: Service, bus: LogBus) -> Room:
        calendars = CalendarHolder()
        room = Room(
            service=service,
            pool=await self._pool(service.name, size=8),
            time=self.time,
            policy=self.policy,
            calendars=calendars,
        )
        if service.kit is not None:
            kit = service.kit(self.policy, CalendarHolder(), self.time)
            room.desk = Desk(await self._pool(service.name, size=3, hot=True), kit, hint=bus.hint)
        return room

    def _open_consumers(self, bus: Bus) -> None:
        for name, room in self.rooms.items():
            if room.service.topics:
                self.consumers[name] = Consumer(room, bus.subscribe(name, room.service.topics))
                room.catch_up = _catching_up(self.consumers[name])

    async def _clockwork(self) -> None:
        """Fire what is due, append what marks are missing; a fault waits for the next round."""
        while not self._stop.is_set():
            for name, room in self.rooms.items():
                if room.desk is None:
                    continue
                try:
                    await fire_due(room.pool, room.desk.kit)
                    if room.service.marks:
                        await append_marks(room.pool, room.desk.kit)
                    room.health.pop("clockwork", None)
                except Exception as error:
                    room.health["clockwork"] = f"{type(error).__name__}: {error}"
                    log.warning("clockwork.failed", service=name, error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), CLOCKWORK_SECONDS)


def _catching_up(consumer: Consumer) -> Callable[[], Awaitable[None]]:
    """What a room calls when it may have missed something: rounds until nothing stands behind."""

    async def catch_up() -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CATCH_UP_SECONDS
        # A fault is the consumer's own to show: whoever asked for haste goes on without.
        with contextlib.suppress(Exception):
            while loop.time() < deadline:
                if not await consumer.step():
                    if await consumer.is_caught_up():
                        return
                    await asyncio.sleep(0.005)

    return catch_up
