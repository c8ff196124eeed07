"""What tests stand on: a sandbox in its own process, and rooms over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from services.alerts.app import service as alerts
from services.orders.app import service as orders
from shared.runtime.room import Room
from shared.testing.postgres import fresh_database, open_room, running_postgres
from shared.testing.sandbox import Sandbox, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh, empty sandbox at 2026-01-05T09:00+08:00."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One server for the whole session; its superuser's DSN."""
    with running_postgres() as dsn:
        yield dsn


@pytest_asyncio.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """A fresh, empty database; its DSN."""
    async with fresh_database(postgres) as dsn:
        yield dsn


@pytest_asyncio.fixture
async def orders_room(database: str) -> AsyncIterator[Room]:
    """Orders over a fresh database, at 2026-01-05T09:00+08:00, with a clock that is moved by hand."""
    async with open_room(database, orders) as room:
        yield room


@pytest_asyncio.fixture
async def alerts_room(database: str) -> AsyncIterator[Room]:
    """Alerts over a fresh database, at the same instant."""
    async with open_room(database, alerts) as room:
        yield room
