"""A second PostgreSQL: what is restored never meets the cluster that it came from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from shared.testing.postgres import fresh_database, running_postgres


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[str]:
    """Its superuser's DSN; it is fresh, so its transaction ids are low."""
    with running_postgres() as dsn:
        yield dsn


@pytest_asyncio.fixture
async def target(elsewhere: str) -> AsyncIterator[str]:
    """An empty database there."""
    async with fresh_database(elsewhere) as dsn:
        yield dsn
