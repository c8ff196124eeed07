"""Crashes on demand: a pool whose connections die at random statements, before or after a commit."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Crash(asyncpg.PostgresConnectionError):  # type: ignore[misc]  # untyped library
    """The process died here, as far as the code under test can tell; or its connection did."""


class Faults:
    """Decides, by seed, at which statement the next crash comes; `chance` 0 is fine weather."""

    def __init__(self, seed: int, chance: float) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self.chance = chance
        self.crashes = 0

    def strike(self) -> None:
        """Maybe die."""
        if self._random.random() < self.chance:
            self.crashes += 1
            raise Crash


class FaultyPool:
    """Stands in for a pool: what was not committed is rolled back when a crash comes."""

    def __init__(self, pool: asyncpg.Pool, faults: Faults) -> None:
        self._pool = pool
        self._faults = faults

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[FaultyConnection]:
        """A connection that may die."""
        async with self._pool.acquire() as connection:
            yield FaultyConnection(connection, self._faults)

    def __getattr__(self, name: str) -> Any:
        return _dying(getattr(self._pool, name), self._faults)


class FaultyConnection:
    """Passes everything on, and may die before or after each statement."""

    def __init__(self, connection: Any, faults: Faults) -> None:
        self._connection = connection
        self._faults = faults

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        """Dies before the commit (nothing happened) or after it (nobody was told)."""
        async with self._connection.transaction(**options):
            yield
            self._faults.strike()
        self._faults.strike()

    def __getattr__(self, name: str) -> Any:
        return _dying(getattr(self._connection, name), self._faults)


def _dying(method: Any, faults: Faults) -> Any:
    async def call(*args: Any, **options: Any) -> Any:
        faults.strike()
        answer = await method(*args, **options)
        faults.strike()
        return answer

    return call
