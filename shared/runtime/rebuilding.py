"""A read model is made anew while the service goes on (重建, mechanism 10).

Twins of its tables are filled from the logs, up to what the service has taken itself and never
beyond; then compared with what stands, row by row, at moments when both have taken exactly the same
facts; then switched. The fold of a rebuild writes rows and nothing else, so nobody is told anything
a second time. Whatever happens before the switch leaves the service as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from shared.events.envelope import NOWHERE, Record, place_of
from shared.events.topics import PUBLISHED_BY
from shared.runtime.coverage import Coverage
from shared.runtime.desk import UNAVAILABLE
from shared.runtime.service import ReadModel, Service
from shared.store.checkpoints import places_of
from shared.store.database import role_of
from shared.store.horizon import Cursor
from shared.store.parking import Identity, identities_parked, identity
from shared.store.reader import LogReader
from shared.store.twins import Table, Twins

CHUNK: Final = 4000
RANGE: Final = 20_000
TRIES_MAX: Final = 100
PAUSE: Final = 0.2

Told = Callable[[str, int, int], None]
"""`(phase, done, of)`: told now and then, for people who wait."""


class Busy(Exception):
    """The tables were in use whenever they were asked for."""


@dataclass(slots=True)
class Report:
    """What a rebuild found (重建报告)."""

    facts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    differing: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    left_out: list[tuple[Record, str]] = field(default_factory=list)
    switched: bool = False


class Rebuild:
    """One rebuild of one service's read model, over the owner's connection."""

    def __init__(
        self, connection: Any, reader: LogReader, service: Service, *, partitions: int, tell: Told
    ) -> None:
        assert service.read_model is not None
        self._connection, self._reader, self._service = connection, reader, service
        self._model: ReadModel = service.read_model
        self._twins = Twins(connection, service.name, self._model.tables)
        self._partitions = partitions
        self._tell = tell
        self._taken = Coverage({}, partitions)
        self._shelved: dict[Identity, Record] = {}
        self.report = Report()

    async def run(self, *, switch: bool = True) -> Report:
        """Fill, compare and, unless it is only to be checked, switch."""
        await self._connection.execute(
            f"SET search_path TO {self._twins.schema}, {self._twins.live}"
        )
        await self._twins.make(self._model.shadows)
        try:
            await self._fill()
            await self._twins.watch()
            await self._twins.analyse()
            for table in self._model.tables:
                await self._compare(table)
            await self._finish(switch=switch)
        finally:
            if not self._connection.is_closed():  # what is left then, the next one takes away
                await self._twins.drop()
        return self.report

    async def _fill(self) -> None:
        """Take everything that the service has taken, until hardly anything is left."""
        while await self._follow() >= CHUNK:
            pass

    async def _compare(self, table: Table) -> None:
        """Row by row, in ranges: each in a transaction in which nobody writes the table."""
        after, done = "", 0
        rows = await self._twins.count(table)
        self.report.rows[table.name] = rows
        while True:
            end = await self._twins.end_of_range(table, after, RANGE)
            async with self._standing([table], "SHARE"):
                differing = await self._twins.compare_range(table, after, end)
            self._note(table, differing)
            done = min(rows, done + RANGE)
            self._tell(table.name, done, rows)
            if end is None:
                return
            after = end

    async def _finish(self, *, switch: bool) -> None:
        """The last facts, the rows they touched, and the switch: one short transaction."""
        tables = self._model.tables
        async with self._standing(tables, "ACCESS EXCLUSIVE" if switch else "SHARE"):
            for table in tables:
                self._note(table, await self._twins.compare_touched(table))
                if self.report.differing[table.name]:
                    self.report.examples[table.name] = await self._twins.differing(table)
            if switch:
                await self._twins.switch(role_of(self._service.name))
        self.report.switched = switch

    def _note(self, table: Table, differing: int) -> None:
        counts = self.report.differing
        counts[table.name] = counts.get(table.name, 0) + differing

    @asynccontextmanager
    async def _standing(self, tables: Sequence[Table], mode: str) -> AsyncIterator[None]:
        """A transaction in which these tables stand still and the twins have taken the same facts.

        Who cannot have them at once gives way, and tries again when the others are through.
        """
        for _ in range(TRIES_MAX):
            await self._follow()  # most of it before anybody has to wait for us
            taken, shelved = self._taken, dict(self._shelved)
            try:
                async with self._connection.transaction():
                    await self._twins.hold(tables, mode)
                    await self._follow()
                    await self._connection.execute(_PLAN_FREELY)
                    if self._model.settle is not None:
                        await self._model.settle(self._connection)
                    yield
                return
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                self._taken, self._shelved = taken, shelved
                await asyncio.sleep(PAUSE)
        raise Busy

    async def _follow(self) -> int:
        """Take what the service has taken meanwhile; how many facts that were."""
        now = Coverage(await places_of(self._connection, self._service.name), self._partitions)
        parked = await identities_parked(self._connection)
        released = [one for key, one in self._shelved.items() if key not in parked]
        self._shelved = {key: one for key, one in self._shelved.items() if key in parked}
        count = await self._fold(released)
        for log in self._logs:
            count += await self._follow_log(log, now, parked)
        self._taken = now
        return count

    @property
    def _logs(self) -> list[str]:
        topics = set(self._service.topics)
        return [
            log
            for log, told in PUBLISHED_BY.items()
            if log != self._service.name and set(told) & topics
        ]

    async def _follow_log(self, log: str, now: Coverage, parked: set[Identity]) -> int:
        """One log from where the twins stand in any of its channels to where the service stands."""
        span = now.since(self._taken, log)
        if span is None:
            return 0
        (begin, end), count = span, 0
        cursor = "" if begin == NOWHERE else str(Cursor(*begin))
        while True:
            records, behind = await self._reader.read(log, cursor, CHUNK, self._service.topics)
            facts = [
                one
                for one in records
                if one.mark is None and now.covers(log, one) and not self._taken.covers(log, one)
            ]
            shelved = {key: one for one in facts if (key := identity(one)) in parked}
            self._shelved |= shelved
            count += await self._fold([one for one in facts if identity(one) not in shelved])
            if behind == cursor or place_of(behind) >= end:
                return count
            cursor = behind

    async def _fold(self, facts: Sequence[Record]) -> int:
        """Into the twins, all of them but those that cannot be taken."""
        if facts:
            async with self._connection.transaction():
                self.report.left_out += await self._fold_what_can_be(facts)
            self.report.facts += len(facts)
            self._tell("facts", self.report.facts, 0)
        return len(facts)

    async def _fold_what_can_be(self, facts: Sequence[Record]) -> list[tuple[Record, str]]:
        """Halves of halves, until what fails stands alone: it was skipped by the service too."""
        try:
            async with self._connection.transaction():
                await self._model.fold(self._connection, facts)
        except UNAVAILABLE:
            raise
        except Exception as error:
            if len(facts) == 1:
                return [(facts[0], f"{type(error).__name__}: {error}")]
            half = len(facts) // 2
            left = await self._fold_what_can_be(facts[:half])
            return left + await self._fold_what_can_be(facts[half:])
        return []


_PLAN_FREELY: Final = "RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin"
"""A fold may hold the planner to the indexes until its transaction ends; a comparison reads ranges."""
