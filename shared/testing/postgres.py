"""A real PostgreSQL for tests: one server per session, a fresh database per test, rooms in it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.runtime.calendars import CalendarHolder
from shared.runtime.desk import Desk
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.runtime.time import ManualTime, Time
from shared.store import embedded_files
from shared.store.database import open_pool
from shared.store.embedded import DataDirectoryInUse, EmbeddedPostgres
from shared.store.migrations import migrate
from shared.store.policy_files import shipped_policy

MONDAY: Final = datetime(2026, 1, 5, 1, tzinfo=UTC)
"""09:00 in Beijing of a working day: where tests begin when the day does not matter."""


@contextmanager
def running_postgres(**settings: str) -> Iterator[str]:
    """A server of its own under /tmp, gone afterwards; yields the superuser's DSN."""
    with tempfile.TemporaryDirectory(prefix="jicai-test-") as place:
        server = EmbeddedPostgres(Path(place) / "pg", durable=False, settings=settings)
        try:
            yield server.start()
        finally:
            server.remove()


def remove_clusters(under: Path) -> None:
    """Remove the clusters of data directories under this one: those of root stand outside them."""
    for note in embedded_files.STATE_DIRECTORY.glob("*/belongs-to"):
        data = Path(os.fsdecode(note.read_bytes().removesuffix(b"\n")))
        if data.is_relative_to(under):
            with contextlib.suppress(DataDirectoryInUse):
                EmbeddedPostgres(data).remove()


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """An empty database on this server, dropped afterwards; yields its DSN."""
    name = f"test_{secrets.token_hex(6)}"
    await _order(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        await _order(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _order(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def prepare(dsn: str, *services: Service) -> None:
    """Bring the schemas of these services up to date."""
    connection = await asyncpg.connect(dsn)
    try:
        for service in services:
            await migrate(connection, service.name, service.migrations)
    finally:
        await connection.close()


def _nobody_waits() -> None:
    """A desk's hint when no bus of this process listens."""


@asynccontextmanager
async def open_room(
    dsn: str,
    service: Service,
    *,
    time: Time | None = None,
    size: int = 8,
    workers: int = 2,
    hint: Callable[[], None] = _nobody_waits,
) -> AsyncIterator[Room]:
    """A service's room as a house would open it: schema, pool, and its desk if it decides."""
    await prepare(dsn, service)
    time = time or ManualTime(MONDAY)
    policy = shipped_policy()
    pools = [await open_pool(dsn, service.name, size=size)]
    room = Room(service, pools[0], time, policy, CalendarHolder())
    if service.kit is not None:
        pools.append(await open_pool(dsn, service.name, size=workers + 1, hot=True))
        kit = service.kit(policy, CalendarHolder(), time)
        room.desk = Desk(pools[1], kit, hint=hint, workers=workers)
    try:
        yield room
    finally:
        if room.desk is not None:
            await room.desk.drain()
        for pool in pools:
            pool.terminate()


def desk_of(room: Room) -> Desk[Any, Any]:
    """The desk of a room that decides."""
    assert room.desk is not None, f"{room.service.name} has no desk"
    return room.desk


async def whole_log(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    """A log in commit order, marks and all."""
    rows: list[asyncpg.Record] = await pool.fetch(
        """SELECT position, xid::text::bigint AS xid, topic, stream, version, source, event_id, type,
                  occurred_at, recorded_at, sha256, payload, fact
           FROM events ORDER BY events.xid, position"""
    )
    return rows
