"""What the log bus asks of PostgreSQL: read any service's log, hear of commits, own a partition."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg

from shared.events.envelope import Record
from shared.store.database import is_lost
from shared.store.horizon import anything_behind, epoch_of, parse, read
from shared.store.locks import OWNER_CLASS, singleton
from shared.store.log import HINT_CHANNEL


class LogReader:
    """Reads all logs of a database under the bus's role; cursors are opaque texts outside."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(
        self, log: str, cursor: str, limit: int, topics: Sequence[str]
    ) -> tuple[list[Record], str]:
        """Records of one log behind the cursor, cut behind the first mark, and the new cursor."""
        schema = f"{log}."
        async with self._pool.acquire() as connection:
            place = parse(cursor, await epoch_of(connection, schema))
            records, place = await read(connection, place, limit, topics, schema)
        return records, str(place) if place.xid else cursor

    async def is_behind(self, cursors: Mapping[str, str]) -> bool:
        """Whether anything stands behind one of these cursors, visible to readers yet or not."""
        if not cursors:
            return False
        async with self._pool.acquire() as connection:
            return await anything_behind(connection, cursors)

    async def listen(self, on_hint: Callable[[], None]) -> None:
        """Call `on_hint` at each commit, for ever; after a lost connection once, for what was missed."""

        def hear(*_: Any) -> None:
            on_hint()

        while True:
            try:
                async with self._pool.acquire() as connection:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                    await connection.add_listener(HINT_CHANNEL, hear)
                    try:
                        on_hint()
                        await lost.wait()
                    finally:
                        await connection.remove_listener(HINT_CHANNEL, hear)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.5)

    def ownership(self) -> Ownership:
        """A new owner of partitions."""
        return Ownership(self._pool)


class Ownership:
    """Partitions held by a session's advisory locks: a killed process gives them back by dying."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._session: Any = None
        self._held: list[tuple[str, str]] = []

    async def take(self, group: str, names: Sequence[str]) -> list[str]:
        """Those of these partitions that are ours, after trying to take the ones nobody holds."""
        if self._session is None or is_lost(self._session):
            self._session, self._held = await self._pool.acquire(), []
        for name in names:
            if (group, name) not in self._held and await self._session.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", OWNER_CLASS, singleton(group, name)
            ):
                self._held.append((group, name))
        return [name for owner, name in self._held if owner == group]

    async def close(self) -> None:
        """Give everything back."""
        session, self._session, self._held = self._session, None, []
        if session is not None:
            with contextlib.suppress(Exception):
                await session.execute("SELECT pg_advisory_unlock_all()")
            with contextlib.suppress(Exception):
                await self._pool.release(session)
