"""Twins of a read model's tables (影子表): filled beside the live ones, compared, then switched.

A twin has its table's columns, options, keys and indexes, in a schema of its own; so its indexes
bear the same names, and whoever asks for the table by name meets the twin after the switch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

LOCK_PATIENCE: Final = "300ms"
"""Sooner than PostgreSQL looks for a deadlock: it is always the rebuild that gives way."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a read model.

    `counted` are columns in which a fold counts its own writes: they say nothing. `kept_in` is where
    rows go that were published and are rewritten; such a table has a column `since`, which counts
    the publications. Where two rows say the same, the new one takes it from the old; what comes out
    otherwise is kept there first.
    """

    name: str
    key: tuple[str, ...]
    counted: tuple[str, ...] = ()
    kept_in: str = ""

    @property
    def carried(self) -> tuple[str, ...]:
        """What a row that says the same takes from the old one."""
        return ("since",) if self.kept_in else ()


class Twins:
    """The twins of some tables of one service's schema, over one owner's connection."""

    def __init__(self, connection: Any, service: str, tables: Sequence[Table]) -> None:
        self._connection = connection
        self._tables = tables
        self.live, self.schema, self.old = service, f"{service}_next", f"{service}_old"
        self._columns: dict[str, list[str]] = {}

    async def make(self, shadows: Sequence[str]) -> None:
        """Empty twins; of `shadows` too, which stay empty: for a fold nothing stands there yet."""
        await self.drop()
        run = self._connection.execute
        await run(f"CREATE SCHEMA {self.schema}")
        for name in (*(table.name for table in self._tables), *shadows):
            await run(
                f"""CREATE TABLE {self.schema}.{name} (LIKE {self.live}.{name}
                    INCLUDING ALL EXCLUDING INDEXES)"""
            )
        for table in self._tables:
            self._columns[table.name] = await self._stored_columns(table)
            for statement in await self._connection.fetch(_LIKE, f"{self.live}.{table.name}"):
                await run(statement[0].replace(f" {self.live}.", f" {self.schema}.", 1))
            await run(
                f"CREATE TABLE {self.schema}.differing_{table.name} AS "
                f"SELECT {_names(table.key)} FROM {self.live}.{table.name} WHERE false"
            )

    async def watch(self) -> None:
        """From now on note which rows are written: what is compared already has to be once more."""
        for table in self._tables:
            place = f"{self.schema}.touched_{table.name}"
            names = _names(table.key)
            function = f"{self.schema}.touch_{table.name}()"
            await self._connection.execute(
                f"""CREATE TABLE {place} AS SELECT {names} FROM {self.live}.{table.name} WHERE false;
                CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  INSERT INTO {place} SELECT {names} FROM written; RETURN NULL; END $$"""
            )
            for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                await self._connection.execute(
                    f"""CREATE TRIGGER touched_{event.lower()} AFTER {event}
                        ON {self.schema}.{table.name} REFERENCING {rows} TABLE AS written
                        FOR EACH STATEMENT EXECUTE FUNCTION {function}"""
                )

    async def hold(self, tables: Sequence[Table], mode: str) -> None:
        """Lock live tables, in the order in which folds write them; raises where that takes long."""
        await self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        for table in tables:
            await self._connection.execute(f"LOCK TABLE {self.live}.{table.name} IN {mode} MODE")

    async def count(self, table: Table) -> int:
        """How many rows there are to compare."""
        rows: int = await self._connection.fetchval(
            f"SELECT count(*) FROM {self.live}.{table.name}"
        )
        return rows

    async def end_of_range(self, table: Table, after: str, rows: int) -> str | None:
        """The first member of the key so many rows further on; None where fewer are left."""
        end: str | None = await self._connection.fetchval(
            f"""SELECT {table.key[0]} FROM {self.live}.{table.name} WHERE {table.key[0]} > $1
                ORDER BY {table.key[0]} OFFSET $2 LIMIT 1""",
            after,
            rows,
        )
        return end

    async def compare_range(self, table: Table, after: str, end: str | None) -> int:
        """Compare the rows of a range of keys, carry over what is carried; how many differ."""
        first = table.key[0]
        bound = f"{first} > $1" + ("" if end is None else f" AND {first} <= $2")
        arguments = (after,) if end is None else (after, end)
        return await self._compare(table, bound, arguments)

    async def compare_touched(self, table: Table) -> int:
        """The same for the rows that were written since they were compared."""
        names = _names(table.key)
        among = f"({names}) IN (SELECT {names} FROM {self.schema}.touched_{table.name})"
        differing = await self._compare(table, among, ())
        await self._connection.execute(f"DELETE FROM {self.schema}.touched_{table.name}")
        return differing

    async def differing(self, table: Table, limit: int = 10) -> list[tuple[str, ...]]:
        """Some keys whose rows came out otherwise."""
        rows = await self._connection.fetch(
            f"SELECT DISTINCT {_names(table.key)} FROM {self.schema}.differing_{table.name} LIMIT $1",
            limit,
        )
        return [tuple(row) for row in rows]

    async def analyse(self) -> None:
        """The planner must know the twins when they are switched in; outside any transaction."""
        for table in self._tables:
            await self._connection.execute(f"VACUUM (ANALYZE) {self.schema}.{table.name}")

    async def switch(self, role: str) -> None:
        """Put the twins in their tables' place; what was published of the old rows is kept."""
        run = self._connection.execute
        await run(f"CREATE SCHEMA {self.old}")
        for table in self._tables:
            name = table.name
            if table.kept_in:
                await self._keep(table)
            for event in ("insert", "update", "delete"):
                await run(f"DROP TRIGGER touched_{event} ON {self.schema}.{name}")
            await run(
                f"""GRANT SELECT, INSERT, UPDATE, DELETE ON {self.schema}.{name} TO {role};
                ALTER TABLE {self.live}.{name} SET SCHEMA {self.old};
                ALTER TABLE {self.schema}.{name} SET SCHEMA {self.live}"""
            )

    async def drop(self) -> None:
        """Whatever an earlier rebuild left: its twins, or the tables that it replaced."""
        await self._connection.execute(
            f"DROP SCHEMA IF EXISTS {self.schema}, {self.old} CASCADE",
        )

    async def _compare(self, table: Table, bound: str, arguments: Sequence[str]) -> int:
        unsaid = {*table.carried, *table.counted}
        said = [name for name in self._columns[table.name] if name not in unsaid]
        old, new = partial(_names, prefix="l."), partial(_names, prefix="t.")
        live, twin = f"{self.live}.{table.name}", f"{self.schema}.{table.name}"
        same = " AND ".join(f"l.{name} = t.{name}" for name in table.key)
        if table.carried:
            await self._connection.execute(
                f"""UPDATE {twin} t SET ({_names(table.carried)}) = ROW ({old(table.carried)})
                    FROM (SELECT * FROM {live} WHERE {bound}) l
                    WHERE {same} AND ROW ({old(said)}) IS NOT DISTINCT FROM ROW ({new(said)})
                      AND ROW ({old(table.carried)}) IS DISTINCT FROM ROW ({new(table.carried)})""",
                *arguments,
            )
        keys = ", ".join(f"coalesce(l.{name}, t.{name})" for name in table.key)
        status: str = await self._connection.execute(
            f"""INSERT INTO {self.schema}.differing_{table.name}
                SELECT {keys} FROM (SELECT * FROM {live} WHERE {bound}) l
                FULL JOIN (SELECT * FROM {twin} WHERE {bound}) t ON {same}
                WHERE ROW ({old(said)}) IS DISTINCT FROM ROW ({new(said)})""",
            *arguments,
        )
        return int(status.rpartition(" ")[2])

    async def _keep(self, table: Table) -> None:
        """A published row that comes out otherwise stays as it was, and the new one is a later one."""
        names = _names(self._columns[table.name])
        same = " AND ".join(f"t.{name} = d.{name}" for name in table.key)
        keys = f"(SELECT DISTINCT * FROM {self.schema}.differing_{table.name}) d"
        issued = f"(SELECT coalesce(max(number), 0) FROM {self.live}.publications)"
        await self._connection.execute(
            f"""INSERT INTO {self.live}.{table.kept_in} ({names}, until)
                SELECT {_names(self._columns[table.name], prefix="t.")}, {issued}
                FROM {self.live}.{table.name} t JOIN {keys} ON {same}
                WHERE t.since < {issued} ON CONFLICT DO NOTHING;
            UPDATE {self.schema}.{table.name} t SET since = {issued} FROM {keys} WHERE {same}"""
        )

    async def _stored_columns(self, table: Table) -> list[str]:
        rows = await self._connection.fetch(
            """SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0
               AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""",
            f"{self.live}.{table.name}",
        )
        return [row["attname"] for row in rows]


# What LIKE leaves out: storage options, and keys and indexes under their own names.
_LIKE: Final = """
SELECT format('ALTER TABLE %s SET (%s)', $1::text, array_to_string(reloptions, ', '))
  FROM pg_class WHERE oid = $1::text::regclass AND reloptions IS NOT NULL
UNION ALL
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', $1::text, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')
UNION ALL
SELECT pg_get_indexdef(indexrelid) FROM pg_index i WHERE indrelid = $1::text::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"""


def _names(columns: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in columns)
