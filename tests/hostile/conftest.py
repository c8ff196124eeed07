"""A served installation for each module that attacks one over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from shared.testing.postgres import fresh_database
from tests.hostile.served import Served, fill, migrate, serving

RECEIVE_SECONDS = 4
"""Short, so that those who never end are seen to be ended."""


@pytest_asyncio.fixture(scope="module")
async def migrated(postgres: str) -> AsyncIterator[str]:
    """A migrated database for a module; its DSN."""
    async with fresh_database(postgres) as dsn:
        await asyncio.to_thread(migrate, dsn)
        yield dsn


@pytest.fixture(scope="module")
def served(migrated: str) -> Iterator[Served]:
    """All four services in one process with the small market, and short patience.

    No rate is limited: behind that bound the others must hold by themselves.
    """
    rates = {"rate_requests": 0, "rate_events": 0, "rate_bytes": 0}
    patience = {"receive_seconds": RECEIVE_SECONDS}
    with serving(migrated, trust_actor_header="true", **rates, **patience) as running:
        fill(running)
        yield running
