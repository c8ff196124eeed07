"""Read models rebuilt under test, and what must not be touched by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.bus.wire import PARTITIONS
from shared.runtime.rebuilding import Rebuild, Report
from shared.runtime.service import Service
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader

REBUILD = "rebuild under test"


def quietly(_phase: str, _done: int, _of: int) -> None:
    """Nobody waits."""


@asynccontextmanager
async def rebuild_of(
    dsn: str, service: Service, *, partitions: int = PARTITIONS
) -> AsyncIterator[Rebuild]:
    """A rebuild over connections of its own, as the command makes one."""
    pool = await open_pool(dsn, "public", size=2, role=BUS_ROLE)
    settings = {"timezone": "UTC", "application_name": REBUILD}
    connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        yield Rebuild(connection, LogReader(pool), service, partitions=partitions, tell=quietly)
    finally:
        connection.terminate()
        pool.terminate()


async def rebuilt(
    dsn: str, service: Service, *, switch: bool = True, partitions: int = PARTITIONS
) -> Report:
    """Run one to its end."""
    async with rebuild_of(dsn, service, partitions=partitions) as rebuild:
        return await rebuild.run(switch=switch)


async def rows_of(dsn: str, service: Service) -> dict[str, list[Any]]:
    """Every row of the read model, but for what a fold counts its own writes in."""
    assert service.read_model is not None
    return {
        table.name: await _rows(dsn, service, table.name, but=table.counted)
        for table in service.read_model.tables
    }


async def everything_else(dsn: str, service: Service) -> dict[str, list[Any]]:
    """Every row of the service's other tables."""
    assert service.read_model is not None
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", service.name
        )
    finally:
        await connection.close()
    model = {table.name for table in service.read_model.tables}
    return {
        name: await _rows(dsn, service, name) for (name,) in map(tuple, names) if name not in model
    }


async def _rows(
    dsn: str, service: Service, table: str, but: tuple[str, ...] = ()
) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"SELECT * FROM {service.name}.{table}")
    finally:
        await connection.close()
    return sorted(
        (tuple(value for name, value in row.items() if name not in but) for row in rows), key=repr
    )


async def shape_of(dsn: str, service: Service) -> list[Any]:
    """Columns, options, keys, indexes and rights of every table, under their names."""
    connection = await asyncpg.connect(dsn)
    try:
        return [
            tuple(row)
            for statement in (
                """SELECT c.relname, c.relkind::text, c.reloptions, c.relacl::text FROM pg_class c
                   WHERE relnamespace = $1::regnamespace AND relname NOT LIKE 'pg_toast%'
                   ORDER BY 1""",
                """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                     a.attgenerated::text, a.attcollation::regcollation::text,
                     pg_get_expr(d.adbin, d.adrelid)
                   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                   WHERE relnamespace = $1::regnamespace AND a.attnum > 0 AND relkind = 'r'
                   ORDER BY 1, a.attnum""",
                """SELECT conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE connamespace = $1::regnamespace ORDER BY 1, 3""",
                """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1""",
                """SELECT nspname FROM pg_namespace WHERE nspname LIKE $1 || '%'""",
            )
            for row in await connection.fetch(statement.replace("$1", f"'{service.name}'"))
        ]
    finally:
        await connection.close()
