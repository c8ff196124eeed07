"""What of each table goes into a backup, in which order, and under which transaction ids (备份内容).

A transaction id means nothing in another cluster. All that counts is the order of (xid, position),
so a backup writes the lowest ids that keep it: one more wherever a position is lower than the one
before. Positions stay as they were, for senders were told them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jicai.backup_manifest import Unusable
from shared.events.envelope import place_of
from shared.store.horizon import Cursor

SCHEMAS: Final = ("orders", "alerts", "feedback", "settlement", "access")

Told = tuple[str, str]
"""A log, and the text `epoch:xid:position` of a place in it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it stands: what is stored in it, and the order in which it is told."""

    schema: str
    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]

    def select(self) -> str:
        """The rows as they stand."""
        return self._query({}, f"{self.schema}.{self.name} t")

    def saved(self) -> str:
        """The rows under ids that mean the same in any cluster; checkpoints ask for `$1` to `$3`."""
        special = _SAVED.get(self.name)
        if special is None or not special.columns.keys() <= set(self.columns):
            return self.select()
        return self._query(special.columns, special.source.format(schema=self.schema))

    def _query(self, instead: Mapping[str, str], source: str) -> str:
        columns = ", ".join(f"{instead.get(c, f't.{c}')} AS {c}" for c in self.columns)
        return f"SELECT {columns} FROM {source} ORDER BY {', '.join(self.order)}"


@dataclass(frozen=True, slots=True)
class _Special:
    columns: Mapping[str, str]
    source: str


# (xid, position) of a log with the lowest id that keeps the order, by window over the index's order.
_FLOORED: Final = """
(SELECT f.*, 1 + sum(f.falls) OVER (ORDER BY f.xid, f.{place} ROWS UNBOUNDED PRECEDING) AS floor
 FROM (SELECT e.*, coalesce((e.{place} < lag(e.{place}) OVER (ORDER BY e.xid, e.{place}))::int, 0) AS falls
       FROM {{schema}}.{table} e) f)"""
_EVENTS: Final = _FLOORED.format(table="events", place="position")
# Entries of an earlier epoch come first, whatever their ids.
_ENTRIES: Final = """
(SELECT f.*, 1 + sum(f.falls) OVER (ORDER BY f.epoch, f.xid, f.number ROWS UNBOUNDED PRECEDING) AS floor
 FROM (SELECT e.*, coalesce((e.number < lag(e.number) OVER (ORDER BY e.epoch, e.xid, e.number))::int, 0)
              AS falls FROM {schema}.entries e) f)"""
_AS_XID: Final = "({floor})::text::xid8"
_BY_XID: Final = f"(SELECT xid, min(floor) AS floor FROM {_EVENTS} g GROUP BY xid)"

_SAVED: Final = {
    "events": _Special({"xid": _AS_XID.format(floor="t.floor")}, f"{_EVENTS} t"),
    "streams": _Special(
        {"first_xid": _AS_XID.format(floor="coalesce(b.floor, 1)")},
        f"{{schema}}.streams t LEFT JOIN {_BY_XID} b ON b.xid = t.first_xid",
    ),
    "entries": _Special({"xid": _AS_XID.format(floor="t.floor")}, f"{_ENTRIES} t"),
    "blocks": _Special(
        {"xid": _AS_XID.format(floor="coalesce(b.floor, 0)")},
        f"""{{schema}}.blocks t LEFT JOIN {_ENTRIES} b
            ON (b.epoch, b.xid, b.number) = (t.epoch, t.xid, t.entry)""",
    ),
    "checkpoints": _Special(
        {"cursor": "coalesce(c.saved, t.cursor)", "place": "coalesce(p.saved, t.place)"},
        """{schema}.checkpoints t
           LEFT JOIN unnest($1::text[], $2::text[], $3::text[]) c (log, told, saved)
             ON c.log = substring(t.partition FROM '[^:]+$') AND c.told = t.cursor
           LEFT JOIN unnest($1::text[], $2::text[], $3::text[]) p (log, told, saved)
             ON p.log = substring(t.partition FROM '[^:]+$') AND p.told = t.place""",
    ),
}

XID_COLUMNS: Final = {
    ("events", "xid"),
    ("streams", "first_xid"),
    ("entries", "xid"),
    ("blocks", "xid"),
}
"""Every column that holds a transaction id; one that is not here would mean nothing after a restore."""

_TABLES: Final = """
SELECT n.nspname AS schema, c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
         AS columns,
       (SELECT array_agg('t.' || a.attname || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END
                         ORDER BY k.n)
        FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(att, n)
        JOIN pg_attribute a ON a.attnum = k.att
        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid) AS key,
       (SELECT count(*) FROM pg_constraint f
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid) AS refers,
       (SELECT array_agg(a.attname::text) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid = 'xid8'::regtype) AS xids
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY($1) AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
ORDER BY array_position($1, n.nspname::text), refers, c.relname"""


async def tables_of(connection: Any, schemas: Sequence[str] = SCHEMAS) -> list[Table]:
    """Every table of the installation, those that others refer to first."""
    found = []
    for row in await connection.fetch(_TABLES, list(schemas)):
        for column in row["xids"] or ():
            if (row["name"], column) not in XID_COLUMNS:
                raise Unusable(f"{row['schema']}.{row['name']}.{column} holds transaction ids")
        order = ("t.xid", "t.position") if row["name"] == "events" else tuple(row["key"] or ())
        if not order:
            raise Unusable(f"{row['schema']}.{row['name']} has no key to be told in the order of")
        found.append(Table(row["schema"], row["name"], tuple(row["columns"]), order))
    return found


async def falls_of(connection: Any, log: str) -> list[int]:
    """The transactions of a log at whose beginning the position falls, in order."""
    rows = await connection.fetch(
        f"SELECT xid::text::bigint FROM {_EVENTS.format(schema=log)} t WHERE falls = 1 ORDER BY xid"
    )
    return [row[0] for row in rows]


async def saved_places(connection: Any, falls: Mapping[str, Sequence[int]]) -> dict[Told, str]:
    """What every place that a checkpoint names is called in the backup."""
    found: dict[Told, str] = {}
    for schema in falls:
        rows = await connection.fetch(
            f"""SELECT DISTINCT substring(partition FROM '[^:]+$') AS log,
                                unnest(ARRAY[cursor, place]) AS told FROM {schema}.checkpoints"""
        )
        for log, told in rows:
            if log in falls and told.count(":") == 2:
                epoch, xid, position = place_of(told)
                found[log, told] = str(Cursor(epoch, saved_xid(falls[log], xid), position))
    return found


def saved_xid(falls: Sequence[int], xid: int) -> int:
    """The id that stands in the backup for this one; 0 is before every fact, here and there."""
    return 1 + bisect_right(falls, xid) if xid else 0
