"""A room of alerts over a real PostgreSQL, empty for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from services.alerts.app import kit, service
from services.alerts.consumer import fold
from shared.runtime.calendars import CalendarHolder
from shared.runtime.desk import Desk
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.database import open_pool
from shared.store.embedded import EmbeddedPostgres
from shared.store.migrations import migrate
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import open_room
from tests.alerts.doors import RECORDS, REGISTERS, doors_of

NOW = datetime(2026, 3, 31, 16, tzinfo=UTC)  # 00:00 of the first of April in Beijing
TABLES = (
    "lines, orders, registers, day_closes, past_lines, published_names, publications, waiting, "
    "tickets, past_tickets, alert_tickets"
)


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("alerts-postgres")
    server = EmbeddedPostgres(directory, durable=False)
    try:
        yield server.start()
    finally:
        server.remove()


@pytest_asyncio.fixture(scope="session")
async def room_over_postgres(postgres_dsn: str) -> AsyncIterator[Room]:
    owner = await asyncpg.connect(postgres_dsn)
    await migrate(owner, "alerts", service.migrations)
    await owner.close()
    pool = await open_pool(postgres_dsn, "alerts", size=4)
    room = Room(service, pool, ManualTime(NOW), shipped_policy(), CalendarHolder())
    room.desk = Desk(pool, kit(room.policy, room.calendars, room.time), hint=lambda: None)
    yield room
    await pool.close()


@pytest_asyncio.fixture
async def alerts_room(room_over_postgres: Room) -> Room:
    for table in TABLES.split(", "):
        await room_over_postgres.pool.execute(f"DELETE FROM {table}")
    return room_over_postgres


@pytest_asyncio.fixture
async def closing_room(database: str) -> AsyncIterator[Room]:
    """A room with a log of its own, for what closes record: at 2026-01-05T09:00+08:00, with a desk."""
    async with open_room(database, service) as room:
        yield room


@pytest_asyncio.fixture
async def bare_client(alerts_room: Room) -> AsyncIterator[httpx2.AsyncClient]:
    """The doors of a room that knows nothing yet."""
    async with doors_of(alerts_room) as client:
        yield client


@pytest_asyncio.fixture
async def client(alerts_room: Room, bare_client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The doors of a room that knows the small world."""
    async with alerts_room.pool.acquire() as connection, connection.transaction():
        await fold(connection, [*REGISTERS, *RECORDS], alerts_room)
    return bare_client
