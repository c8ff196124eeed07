"""Schemas: what is missing, unknown or changed is named; applying twice, or twice at once, is one."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.runtime.house import House, NotServable
from shared.runtime.time import DatabaseTime
from shared.store.migrations import migrate, migrations_of, schema_state
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import fresh_database
from shared.testing.toys import hearing, noting

PACKAGE = "shared.testing"
FILES = [
    "shared.store/0001_log.sql",
    "shared.store/0002_travel.sql",
    "shared.store/0003_places.sql",
    "shared.store/0004_touched.sql",
    "shared.store/0005_head_forward.sql",
    "shared.testing/0001_hearing.sql",
]
OWN = FILES[-1]


async def test_an_empty_database_is_behind_and_every_file_is_named(database: str) -> None:
    connection = await asyncpg.connect(database)
    state = await schema_state(connection, "alerts", PACKAGE)
    assert not state.is_current
    assert list(state.missing) == FILES
    assert str(state) == f"behind, run `jicai migrate`: {', '.join(FILES)}"
    await connection.close()


async def test_migrating_twice_does_everything_once(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert await migrate(connection, "alerts", PACKAGE) == FILES
    await connection.execute("INSERT INTO alerts.closed VALUES (now(), 1, '')")
    assert await migrate(connection, "alerts", PACKAGE) == []
    assert await connection.fetchval("SELECT count(*) FROM alerts.closed") == 1
    assert str(await schema_state(connection, "alerts", PACKAGE)) == "current"
    await connection.close()


async def test_two_that_migrate_at_once_apply_each_file_once(database: str) -> None:
    connections = [await asyncpg.connect(database) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(c, "alerts", PACKAGE) for c in connections))
    assert sorted(applied) == [[], [], [], FILES]
    for connection in connections:
        await connection.close()


async def test_services_that_migrate_at_once_share_the_roles(database: str) -> None:
    """Roles belong to the cluster: four services at once must not trip over the bus's role."""
    names = ("orders", "alerts", "feedback", "settlement")
    connections = [await asyncpg.connect(database) for _ in names]
    await asyncio.gather(*(migrate(c, n, "") for c, n in zip(connections, names, strict=True)))
    for name in names:
        assert (await schema_state(connections[0], name, "")).is_current
    for connection in connections:
        await connection.close()


async def test_databases_of_one_cluster_that_migrate_at_once_share_the_roles(postgres: str) -> None:
    """Advisory locks are per database and roles are not."""
    async with fresh_database(postgres) as one, fresh_database(postgres) as other:
        connections = [await asyncpg.connect(dsn) for dsn in (one, other)]
        await asyncio.gather(*(migrate(c, "untold", "") for c in connections))
        for connection in connections:
            assert (await schema_state(connection, "untold", "")).is_current
            await connection.execute("DROP SCHEMA untold CASCADE")
            await connection.close()


async def test_a_schema_that_is_ahead_is_named_and_left_alone(database: str) -> None:
    connection = await asyncpg.connect(database)
    await migrate(connection, "alerts", PACKAGE)
    state = await schema_state(connection, "alerts", "")
    assert list(state.unknown) == [OWN]
    assert str(state) == f"ahead of this program: {OWN}"
    with pytest.raises(RuntimeError, match="ahead of this program"):
        await migrate(connection, "alerts", "")
    await connection.close()


async def test_a_file_that_was_changed_after_it_was_applied_is_named(database: str) -> None:
    connection = await asyncpg.connect(database)
    await migrate(connection, "alerts", PACKAGE)
    await connection.execute(
        "UPDATE alerts.schema_migrations SET sha256 = 'other' WHERE name = $1", OWN
    )
    state = await schema_state(connection, "alerts", PACKAGE)
    assert list(state.changed) == [OWN]
    assert str(state) == f"changed after it was applied: {OWN}"
    with pytest.raises(RuntimeError, match="changed after it was applied"):
        await migrate(connection, "alerts", PACKAGE)
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing_behind(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(database)
    broken = [*migrations_of(PACKAGE)]
    broken[1] = type(broken[1])(broken[1].name, broken[1].sql + "SELECT 1/0;")
    with monkeypatch.context() as patched:
        patched.setattr("shared.store.migrations.migrations_of", lambda _: broken)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(connection, "alerts", PACKAGE)
    assert await connection.fetchval("SELECT to_regnamespace('alerts')") is None
    assert await migrate(connection, "alerts", PACKAGE) == FILES
    await connection.close()


async def test_a_house_does_not_open_over_a_schema_that_is_behind(database: str) -> None:
    house = House(database, [noting(), hearing()], DatabaseTime(), shipped_policy())
    with pytest.raises(NotServable, match=r"schema orders: behind.*schema alerts: behind"):
        await house.start()
