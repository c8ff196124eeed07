"""A database in memory: tables, checkpoints and a log that change together or not at all (内存事务)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from shared.runtime.judging import Batch
from tests.simulation.journal import AFTER, BEFORE, Crash, Journal

T = TypeVar("T")
GONE = object()


class Database:
    """What one reader of the bus keeps; `journal` where it also tells facts of its own."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.tables: dict[str, dict[Any, Any]] = {}
        self.journal = journal

    def table(self, name: str) -> dict[Any, Any]:
        """The committed rows of a table."""
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = {}
        return table

    def transact(
        self, clock: datetime, work: Callable[[Transaction], T], crash: str | None = None
    ) -> T:
        """All of the work or nothing; a process may die on either side of the commit."""
        tx = Transaction(self, clock)
        result = work(tx)
        if crash == BEFORE:
            raise Crash
        tx.commit()
        if crash == AFTER:
            raise Crash
        return result


class Transaction:
    """Reads its own writes; rows are values and never changed in place."""

    def __init__(self, database: Database, clock: datetime) -> None:
        self._database = database
        self._written: dict[str, dict[Any, Any]] = {}
        self._batches: list[Batch[Any, Any]] = []
        self._then: list[Callable[[], None]] = []
        self.clock = clock

    @property
    def journal(self) -> Journal:
        """The log that this database tells."""
        assert self._database.journal is not None
        return self._database.journal

    def batch(self, at: datetime) -> Batch[Any, Any]:
        """A batch that is stored with the rest."""
        batch = self.journal.batch(at)
        self._batches.append(batch)
        return batch

    def get(self, table: str, key: Any) -> Any:
        """One row, None where there is none."""
        written = self._written.get(table)
        if written is not None and key in written:
            row = written[key]
            return None if row is GONE else row
        return self._database.table(table).get(key)

    def put(self, table: str, key: Any, row: Any) -> None:
        """Write one row."""
        self._written.setdefault(table, {})[key] = row

    def drop(self, table: str, key: Any) -> None:
        """Delete one row, if it is there."""
        self.put(table, key, GONE)

    def rows(self, table: str) -> Iterator[tuple[Any, Any]]:
        """Every row, by its key."""
        merged = self._database.table(table)
        if table in self._written:
            merged = merged | self._written[table]
        return ((key, merged[key]) for key in sorted(merged) if merged[key] is not GONE)

    def keys(self, table: str) -> set[Any]:
        """The keys of a table to which rows are only added."""
        return self._database.table(table).keys() | self._written.get(table, {}).keys()

    def then(self, done: Callable[[], None]) -> None:
        """What else happens with the commit, and only with it."""
        self._then.append(done)

    def commit(self) -> None:
        """Let everybody see it."""
        for name, written in self._written.items():
            table = self._database.table(name)
            for key, row in written.items():
                if row is GONE:
                    table.pop(key, None)
                else:
                    table[key] = row
        for batch in self._batches:
            if batch.events:
                self.journal.store(batch, self.clock)
        for done in self._then:
            done()
