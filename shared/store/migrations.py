"""Schemas by plain SQL files: the masonry's first, then the service's own, each once, in order.

`jicai migrate` applies them; a service that finds its schema behind or ahead does not serve.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from shared.store.database import BUS_ROLE, role_of
from shared.store.locks import MIGRATE_CLASS

MASONRY = "shared.store"
WITHOUT_LOG = frozenset({"shared.store.access"})
"""Packages whose schema keeps no log: they stand without the masonry, and grant for themselves."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What stands between the schema and the code."""

    missing: Sequence[str]
    unknown: Sequence[str]
    changed: Sequence[str]

    @property
    def is_current(self) -> bool:
        return not (self.missing or self.unknown or self.changed)

    def __str__(self) -> str:
        if self.is_current:
            return "current"
        if self.unknown:
            return f"ahead of this program: {', '.join(self.unknown)}"
        if self.missing:
            return f"behind, run `jicai migrate`: {', '.join(self.missing)}"
        return f"changed after it was applied: {', '.join(self.changed)}"


def migrations_of(package: str) -> list[Migration]:
    """The files of the masonry and of one service's package, in order; a log-less one's alone."""
    found = []
    foundation = () if package in WITHOUT_LOG else (MASONRY,)
    for source in (*foundation, package) if package else foundation:
        folder = files(source).joinpath("sql")
        if folder.is_dir():
            names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
            found += [
                Migration(f"{source}/{name}", folder.joinpath(name).read_text(encoding="utf-8"))
                for name in names
            ]
    return found


async def migrate(
    connection: asyncpg.Connection,
    service: str,
    package: str,
    *,
    only: Container[str] | None = None,
) -> list[str]:
    """Bring one service's schema up to date, as owner; returns what was applied.

    `only` leaves other files out: a restore makes the schema as it was when the backup was taken.
    """
    async with connection.transaction():
        await connection.fetchval("SELECT pg_advisory_xact_lock($1, 0)", MIGRATE_CLASS)
        await _prepare(connection, service)
        state = await schema_state(connection, service, package)
        if state.unknown or state.changed:
            raise RuntimeError(f"the schema of {service} is {state}")
        await connection.execute(f"SET LOCAL search_path TO {service}")
        wanted = [name for name in state.missing if only is None or name in only]
        for migration in migrations_of(package):
            if migration.name in wanted:
                await connection.execute(migration.sql)
                await connection.execute(
                    f"INSERT INTO {service}.schema_migrations (name, sha256) VALUES ($1, $2)",
                    migration.name,
                    migration.sha256,
                )
        if package not in WITHOUT_LOG:
            await _grant(connection, service)
    await connection.execute("RESET search_path")
    return wanted


async def schema_state(connection: asyncpg.Connection, service: str, package: str) -> SchemaState:
    """Compare the applied files with those of this program."""
    known = {m.name: m.sha256 for m in migrations_of(package)}
    if await connection.fetchval("SELECT to_regclass($1)", f"{service}.schema_migrations") is None:
        return SchemaState(list(known), [], [])
    rows = await connection.fetch(f"SELECT name, sha256 FROM {service}.schema_migrations")
    applied = {row["name"]: row["sha256"] for row in rows}
    return SchemaState(
        missing=[name for name in known if name not in applied],
        unknown=sorted(name for name in applied if name not in known),
        changed=sorted(name for name, sha in applied.items() if known.get(name, sha) != sha),
    )


async def _prepare(connection: asyncpg.Connection, service: str) -> None:
    for role in (role_of(service), BUS_ROLE):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await _once(connection, f"CREATE ROLE {role} NOLOGIN")
        await _once(connection, f"GRANT {role} TO CURRENT_USER")
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {service}")
    await connection.execute(
        f"""CREATE TABLE IF NOT EXISTS {service}.schema_migrations (
              name text PRIMARY KEY, sha256 text NOT NULL,
              applied_at timestamptz NOT NULL DEFAULT now())"""
    )


async def _once(connection: asyncpg.Connection, statement: str) -> None:
    """Roles belong to the cluster, our lock to one database: another installation may be faster."""
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        async with connection.transaction():
            await connection.execute(statement)


async def _grant(connection: asyncpg.Connection, service: str) -> None:
    """Least rights: nobody who serves may rewrite a log or a ledger; the bus may only read logs.

    A table is a ledger when its comment begins with "append-only".
    """
    role = role_of(service)
    ledgers = await connection.fetch(
        """SELECT relname FROM pg_class
           WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p')
             AND obj_description(oid, 'pg_class') LIKE 'append-only%'""",
        service,
    )
    stamped = await connection.fetchval(
        """SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
           WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'xid'""",
        f"{service}.events",
    )
    for statement in (
        f"GRANT USAGE ON SCHEMA {service} TO {role}, {BUS_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {service} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {role}",
        # A fact stands under the transaction that wrote it: the database alone says which that is.
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {service}.events FROM {role}",
        f"GRANT INSERT ({stamped}) ON {service}.events TO {role}",
        f"REVOKE INSERT, UPDATE, DELETE ON {service}.schema_migrations FROM {role}",
        f"REVOKE INSERT, UPDATE, DELETE ON {service}.log_head FROM {role}",
        f"GRANT UPDATE (next_mark, last_mark, world) ON {service}.log_head TO {role}",
        f"GRANT SELECT ON {service}.events, {service}.log_head TO {BUS_ROLE}",
        *(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {service}.{row['relname']} FROM {role}"
            for row in ledgers
        ),
    ):
        await connection.execute(statement)
