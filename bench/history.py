"""Years of history in minutes: copies of what stands in a small store, with orders of their own.

Whoever reads a copied log meets new keys; where it has all been read already, copies bear no facts,
and none keeps its sender's bytes: nothing that is measured reads them, and they would be two thirds
of the disk. Indexes are made anew behind the rows, which is quicker than to meet them row by row.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from bench.machine import Machine
from bench.pairs import console

_APART: Final = 1_000_000_000
"""Copies keep their positions so far apart."""
_BYTES_EACH: Final = 2_500
_SPARE_BYTES: Final = 6_000_000_000

_LOG: Final = {
    "orders.events": """
INSERT INTO orders.events (position, topic, stream, version, source, event_id, type, occurred_at,
  recorded_at, sha256, payload, fact, hospital_id, distributor_id, manufacturers)
SELECT position + n::bigint * {apart}, topic, stream || '-' || n, version, source, md5(event_id || '-' || n),
  type, occurred_at, recorded_at, sha256, '', {fact},
  hospital_id, distributor_id, manufacturers
FROM generate_series({first}, {last}) AS n, orders.events
WHERE position < {apart} AND starts_with(stream, 'order-') ORDER BY n, position""",
}
_ITS_OWN_FACT: Final = """
convert_to(replace(convert_from(fact, 'UTF8'), substr(stream, 7), substr(stream, 7) || '-' || n), 'UTF8')"""
_ROWS: Final = {
    "orders.streams": """
INSERT INTO orders.streams (stream, version, state, next_due, first_position, hospital_id,
  distributor_id, manufacturers, states, last_due)
SELECT stream || '-' || n, version, state, next_due, first_position + n::bigint * {apart}, hospital_id,
  distributor_id, manufacturers, states, last_due
FROM generate_series({first}, {last}) AS n, orders.streams
WHERE first_position < {apart} AND starts_with(stream, 'order-') ORDER BY n, first_position""",
    "alerts.lines": """
INSERT INTO alerts.lines ({lines})
SELECT order_id || '-' || n, {lines_but_order}
FROM generate_series({first}, {last}) AS n, alerts.lines WHERE order_id !~ '-.*-.*-'
ORDER BY n, order_id, line_id""",
    "alerts.orders": """
INSERT INTO alerts.orders (order_id, {orders})
SELECT order_id || '-' || n, {orders}
FROM generate_series({first}, {last}) AS n, alerts.orders WHERE order_id !~ '-.*-.*-'
ORDER BY n, order_id""",
}


class DiskTooSmall(RuntimeError):
    """So much history does not fit."""


async def copy_log(machine: Machine, database: str, first: int, last: int) -> None:
    """Copies `first` to `last` of the log of orders alone: whoever reads it has them before him."""
    await _copy(machine, database, _LOG, first, last, fact=_ITS_OWN_FACT)


async def copy_history(machine: Machine, database: str, first: int, last: int) -> None:
    """The log and what everybody made of it; relay and consumer stand at its end afterwards."""
    await _copy(machine, database, _LOG | _ROWS, first, last, fact="''")
    await stand_at_end(machine, database)


async def stand_at_end(machine: Machine, database: str) -> None:
    """Move relay and consumer of alerts behind the last fact of orders."""
    await machine.execute(
        database,
        *(
            f"""INSERT INTO {schema}.checkpoints (group_name, partition, cursor, place)
                SELECT '{group}', 'orders', place, place FROM (
                  SELECT '1:' || xid::text || ':' || position AS place FROM orders.events e
                  ORDER BY e.xid DESC, e.position DESC LIMIT 1) AS latest
                ON CONFLICT (group_name, partition) DO UPDATE
                SET cursor = excluded.cursor, place = excluded.place"""
            for schema, group in (("orders", "relay"), ("alerts", "alerts"))
        ),
    )


async def _copy(
    machine: Machine, database: str, tables: dict[str, str], first: int, last: int, *, fact: str
) -> None:
    events = await machine.fetch(database, "SELECT count(*) FROM orders.events") // max(1, first)
    needed = (last - first + 1) * events * _BYTES_EACH + _SPARE_BYTES
    if shutil.disk_usage(machine.directory).free < needed:
        raise DiskTooSmall(f"{needed / 1e9:.0f} GB are needed to copy {events:,} events")
    connection = await asyncpg.connect(machine.dsn(database))
    try:
        await connection.execute("SET synchronous_commit = off; SET work_mem = '256MB'")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        lines = await _columns(connection, "alerts.lines")
        orders = await _columns(connection, "alerts.orders")
        for table, statement in tables.items():
            async with _without_indexes(connection, table):
                await connection.execute(
                    statement.format(
                        first=first, last=last, apart=_APART, fact=fact, lines=", ".join(lines),
                        lines_but_order=", ".join(lines[1:]), orders=", ".join(orders[1:]),
                    )
                )  # fmt: skip
            await connection.execute(f"VACUUM ANALYZE {table}")
            console.print(f"  {table}: copies {first} to {last}")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _columns(connection: asyncpg.Connection, table: str) -> Sequence[str]:
    """The columns of a table that are written, the order's id first."""
    rows = await connection.fetch(
        """SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0
           AND NOT attisdropped AND attgenerated = '' ORDER BY attname <> 'order_id', attnum""",
        table,
    )
    return [row["attname"] for row in rows]


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection, table: str) -> AsyncIterator[None]:
    """Take a table's indexes away, keys and all, and give them back."""
    keys = await connection.fetch(
        """SELECT conname AS name, pg_get_constraintdef(oid) AS made FROM pg_constraint
           WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')""",
        table,
    )
    indexes = await connection.fetch(
        """SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made
           FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
           WHERE i.indrelid = $1::text::regclass AND c.oid IS NULL""",
        table,
    )
    for key in keys:
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    for key in keys:
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {key['name']} {key['made']}")
    for index in indexes:
        await connection.execute(index["made"])
