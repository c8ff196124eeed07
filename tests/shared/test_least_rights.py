"""Mechanism 14: the database itself refuses what would destroy evidence, or look at others' data."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from shared.runtime.room import Room
from shared.store.database import BUS_ROLE, open_pool
from shared.testing.postgres import desk_of, open_room
from shared.testing.toys import a_note, noting


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    async with open_room(database, noting()) as room:
        yield room


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = ''",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM log_head",
        "INSERT INTO log_head DEFAULT VALUES",
        "UPDATE schema_migrations SET sha256 = ''",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE streams",
        "CREATE TABLE orders.mine ()",
    ],
)
async def test_the_service_role_may_not_rewrite_its_log(room: Room, statement: str) -> None:
    """Least rights: what would destroy evidence is refused by the database itself."""
    await desk_of(room).submit([a_note("s", "e")])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await room.pool.execute(statement)


async def test_roles_see_no_other_services_tables_and_the_bus_reads_logs_alone(
    database: str, room: Room
) -> None:
    async with open_room(database, noting("feedback")) as other:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.pool.execute("SELECT * FROM orders.streams")
    bus = await open_pool(database, "orders", size=1, role=BUS_ROLE)
    assert await bus.fetchval("SELECT count(*) FROM events") == 0
    for statement in (
        "SELECT * FROM streams",
        "DELETE FROM events",
        "UPDATE log_head SET epoch = 2",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bus.execute(statement)
    bus.terminate()
