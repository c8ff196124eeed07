"""The log bus: consumers read the services' own logs through the horizon reader.

The embedded default. A partition is one service's log; its owner is whoever holds a session-level
advisory lock, so that a killed process gives it back by dying.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from shared.bus.port import Delivery
from shared.events.topics import PUBLISHED_BY
from shared.store.horizon import Cursor, epoch_of, more_behind, parse, read
from shared.store.locks import OWNER_CLASS, singleton
from shared.store.log import HINT_CHANNEL


class LogBus:
    """Facts straight from PostgreSQL; one listening connection per process wakes everybody."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._wakers: set[asyncio.Event] = set()
        self._listener: asyncio.Task[None] | None = None

    def subscribe(self, group: str, topics: Sequence[str]) -> LogSubscription:
        """Read `topics` as `group`."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        waker = asyncio.Event()
        self._wakers.add(waker)
        return LogSubscription(self._pool, group, topics, waker)

    def hint(self) -> None:
        """Something was committed: look."""
        for waker in self._wakers:
            waker.set()

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        """Hold one LISTEN connection; after a loss connect again and have everybody look once."""
        while True:
            try:
                async with self._pool.acquire() as connection:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda *_: lost.set())
                    await connection.add_listener(HINT_CHANNEL, lambda *_: self.hint())
                    self.hint()
                    await lost.wait()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.5)


class LogSubscription:
    """One group's view of the logs that publish its topics."""

    def __init__(
        self, pool: asyncpg.Pool, group: str, topics: Sequence[str], waker: asyncio.Event
    ) -> None:
        self._pool = pool
        self._group = group
        self._topics = list(topics)
        # A service does not hear its own facts from the bus: it stored them when it decided.
        self._logs = [
            service
            for service, published in PUBLISHED_BY.items()
            if service != group and set(published) & set(topics)
        ]
        self._waker = waker
        self._owner: Any = None
        self._owned: list[str] = []

    async def partitions(self) -> Sequence[str]:
        """The logs this process owns; tries to take those that nobody holds."""
        if self._owner is None or self._owner.is_closed():
            self._owner, self._owned = await self._pool.acquire(), []
        for log in self._logs:
            if log not in self._owned and await self._owner.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", OWNER_CLASS, singleton(self._group, log)
            ):
                self._owned.append(log)
        return list(self._owned)

    async def all_partitions(self) -> Sequence[str]:
        """Every partition of the topics, owned or not: what a close waits for."""
        return list(self._logs)

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        """Up to `limit` records behind the cursor."""
        schema = f"{partition}."
        async with self._pool.acquire() as connection:
            place = parse(cursor, await epoch_of(connection, schema))
            records, place = await read(connection, place, limit, self._topics, schema)
        return Delivery(partition, records, str(place) if place.xid else cursor)

    async def is_behind(self, partition: str, cursor: str) -> bool:
        """Whether anything stands behind the cursor, visible to readers yet or not."""
        schema = f"{partition}."
        async with self._pool.acquire() as connection:
            place = parse(cursor, await epoch_of(connection, schema))
            return await more_behind(connection, Cursor(place.epoch, place.xid, place.position), schema)

    async def wait(self, seconds: float) -> None:
        """Until a hint comes, or the poll is due."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waker.wait(), seconds)
        self._waker.clear()

    async def close(self) -> None:
        """Give the owned partitions back."""
        if self._owner is not None and not self._owner.is_closed():
            with contextlib.suppress(Exception):
                await self._owner.execute("SELECT pg_advisory_unlock_all()")
        if self._owner is not None:
            with contextlib.suppress(Exception):
                await self._pool.release(self._owner)
        self._owner, self._owned = None, []
