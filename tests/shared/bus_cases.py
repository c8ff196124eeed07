"""The log bus and the adversarial bus as cases of the conformance suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import asyncpg

from shared.bus.log import LogBus
from shared.bus.port import Bus
from shared.events.envelope import PLATFORM, Record
from shared.events.topics import DELIVERIES, FEEDBACK, MARK_TYPE, MARKS, ORDERS, PUBLISHED_BY
from shared.runtime.marks import append_marks, next_closing_instant
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.adversarial import RUDE, AdversarialBus, Manners
from shared.testing.bus_cases import Told
from shared.testing.postgres import MONDAY, desk_of, open_room
from shared.testing.toys import a_note, noting

LOGS = ("orders", "feedback")


def log_of(topic: str) -> str:
    """The log that publishes a topic."""
    return next(log for log in LOGS if topic in PUBLISHED_BY[log])


class LogCase:
    """Two toy logs in PostgreSQL, and processes with pools of their own."""

    topics: Sequence[str] = (ORDERS, DELIVERIES, FEEDBACK)
    never_repeats = True

    def __init__(self, dsn: str, time: ManualTime) -> None:
        self._dsn = dsn
        self._time = time
        self._rooms: dict[str, Room] = {}
        self._pools: list[tuple[LogBus, asyncpg.Pool]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str) -> AsyncIterator[LogCase]:
        """The case over an empty database."""
        async with AsyncExitStack() as stack:
            case = cls(dsn, ManualTime(MONDAY))
            for log in LOGS:
                room = await stack.enter_async_context(open_room(dsn, noting(log), time=case._time))
                await append_marks(room.pool, desk_of(room).kit)
                case._rooms[log] = room
            try:
                yield case
            finally:
                for bus, pool in case._pools:
                    await bus.close()
                    pool.terminate()

    async def publish(self, facts: Sequence[Told]) -> None:
        for log in LOGS:
            notes = [
                a_note(fact.stream, fact.id, topic=fact.topic)
                for fact in facts
                if log_of(fact.topic) == log
            ]
            verdicts = await desk_of(self._rooms[log]).submit(notes)
            assert {verdict.status for verdict in verdicts} <= {"accepted"}

    async def mark(self) -> datetime:
        at = next_closing_instant(self._time.now)
        self._time.set(at)
        for room in self._rooms.values():
            assert await append_marks(room.pool, desk_of(room).kit) == 1
        return at

    async def process(self) -> Bus:
        pool = await open_pool(self._dsn, "public", size=6, role=BUS_ROLE)
        bus = LogBus(LogReader(pool))
        self._pools.append((bus, pool))
        return bus

    async def kill(self, bus: Bus) -> None:
        pool = next(pool for known, pool in self._pools if known is bus)
        pool.terminate()

    @asynccontextmanager
    async def held_horizon(self) -> AsyncIterator[None]:
        pool = self._rooms["orders"].pool
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchval("SELECT pg_current_xact_id()")
            yield


class MemoryCase:
    """The adversarial bus; a killed process leaves its group when the others notice."""

    topics: Sequence[str] = (ORDERS, DELIVERIES, FEEDBACK)
    never_repeats = False

    def __init__(self, seed: int, manners: Manners = RUDE) -> None:
        self.bus = AdversarialBus(LOGS, seed=seed, manners=manners)
        self._now = MONDAY
        self._versions: dict[str, int] = {}

    async def publish(self, facts: Sequence[Told]) -> None:
        for fact in facts:
            self.bus.publish(log_of(fact.topic), [self._record(fact.topic, fact.stream, fact.id)])

    async def mark(self) -> datetime:
        self._now = next_closing_instant(self._now)
        for log in LOGS:
            self.bus.publish(log, [self._record(MARKS, "mark", f"mark-{self._now}", self._now)])
        return self._now

    async def process(self) -> Bus:
        return self.bus

    async def kill(self, bus: Bus) -> None:
        for members in self.bus.members.values():
            for member in list(members):
                await member.close()

    @asynccontextmanager
    async def held_horizon(self) -> AsyncIterator[None]:
        yield

    def _record(self, topic: str, stream: str, id_: str, mark: datetime | None = None) -> Record:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        return _record(topic, stream, version, id_, self._now, mark)


def a_mark(at: datetime) -> Record:
    """A mark as a bus brings it."""
    return _record(MARKS, "mark", 1, "mark", at, at)


def _record(
    topic: str, stream: str, version: int, id_: str, at: datetime, mark: datetime | None
) -> Record:
    return Record(
        topic=topic, stream=stream, version=version,
        source=PLATFORM if mark else "urn:jicai:toy", event_id=id_,
        type=MARK_TYPE if mark else "toy.noted.v1",
        occurred_at=at, recorded_at=at, fact=b"{}", mark=mark,
    )  # fmt: skip
