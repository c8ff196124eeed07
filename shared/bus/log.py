"""The log bus: consumers read the services' own logs through the horizon reader.

The embedded default. A partition is one service's log; its owner holds a session-level lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

from shared.bus.port import Delivery
from shared.events.envelope import Record
from shared.events.topics import BEARS_MARKS, PUBLISHED_BY

SOON: Final = 0.01


class Owner(Protocol):
    """Holds partitions against other processes."""

    async def take(self, group: str, names: Sequence[str]) -> list[str]: ...

    async def close(self) -> None: ...


class Reader(Protocol):
    """What this bus needs of the store (`shared.store.reader`)."""

    async def read(
        self, log: str, cursor: str, limit: int, topics: Sequence[str]
    ) -> tuple[list[Record], str]: ...

    async def is_behind(self, cursors: Mapping[str, str]) -> bool: ...

    def listen(self, on_hint: Callable[[], None]) -> Coroutine[Any, Any, None]: ...

    def ownership(self) -> Owner: ...


class LogBus:
    """Facts straight from PostgreSQL; one listening connection per process wakes everybody."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._wakers: set[asyncio.Event] = set()
        self._listener: asyncio.Task[None] | None = None

    def subscribe(self, group: str, topics: Sequence[str]) -> LogSubscription:
        """Read `topics` as `group`."""
        # A service does not hear its own facts from the bus: it stored them when it decided.
        logs = [
            service
            for service, published in PUBLISHED_BY.items()
            if service != group and set(published) & set(topics)
        ]
        return LogSubscription(self._reader, group, logs, topics, self._waker())

    def tail(self, group: str, log: str) -> LogSubscription:
        """Read one log whole as `group`: what a relay does."""
        return LogSubscription(self._reader, group, [log], PUBLISHED_BY[log], self._waker())

    def _waker(self) -> asyncio.Event:
        if self._listener is None:
            self._listener = asyncio.create_task(self._reader.listen(self.hint))
        waker = asyncio.Event()
        self._wakers.add(waker)
        return waker

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


class LogSubscription:
    """One group's view of the logs that publish its topics."""

    def __init__(
        self,
        reader: Reader,
        group: str,
        logs: Sequence[str],
        topics: Sequence[str],
        waker: asyncio.Event,
    ) -> None:
        self._reader = reader
        self._owner = reader.ownership()
        self._group = group
        self._topics = list(topics)
        self._logs = logs
        self._waker = waker
        self._cursors: dict[str, str] = {}

    async def partitions(self) -> Sequence[str]:
        """The logs this process owns; tries to take those that nobody holds."""
        return await self._owner.take(self._group, self._logs)

    async def closing_partitions(self) -> Sequence[str]:
        """The logs that bear marks, owned by us or not: what a close waits for."""
        return [log for log in self._logs if log in BEARS_MARKS]

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        """Up to `limit` records behind the cursor."""
        records, cursor = await self._reader.read(partition, cursor, limit, self._topics)
        self._cursors[partition] = cursor
        return Delivery(partition, records, cursor)

    async def is_behind(self, partition: str, cursor: str) -> bool:
        """Whether anything stands behind the cursor, visible to readers yet or not."""
        return await self._reader.is_behind({partition: cursor})

    async def is_quiet(self, cursors: Mapping[str, str]) -> bool:
        """Nothing stands behind any of these cursors, visible to readers yet or not."""
        return not await self._reader.is_behind(cursors)

    async def wait(self, seconds: float) -> None:
        """Until a hint comes, or the poll is due; a hint during the last read counts.

        Rows that may not be read yet call for another look soon: their hint has come already.
        """
        if seconds > SOON and await self._reader.is_behind(self._cursors):
            seconds = SOON
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` of 3.11 may swallow a cancellation
                await self._waker.wait()
        self._waker.clear()

    async def close(self) -> None:
        """Give the owned partitions back."""
        await self._owner.close()
