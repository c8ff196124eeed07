"""Places in a log survive the change of cluster; three ways of restoring that seem simpler lose facts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from jicai.backup_manifest import Unusable
from jicai.restore_places import SPEND, pass_xid
from jicai.rooms import chosen
from shared.runtime.access import migrate_access
from shared.store.horizon import Cursor, EpochPassed
from shared.testing.postgres import fresh_database, prepare
from tests.restore.logs import epoch_in, read, rows, write, write_crossed
from tests.restore.rooms import asked, restored, saved

SPENT = 20_000
"""Transactions that the first cluster has seen before: a fresh one is far behind."""


@pytest_asyncio.fixture(scope="module")
async def source(postgres: str) -> AsyncIterator[str]:
    """Six facts, two of which stand crossed, in a cluster that has lived; c was read, and no more."""
    async with fresh_database(postgres) as dsn:
        await prepare(dsn, *chosen("all"))
        await migrate_access(dsn)
        async with asked(dsn) as connection:
            await connection.execute(SPEND.format(count=SPENT))
            await write(dsn, "a", "b")
            await write_crossed(dsn, "c", "d")
            await write(dsn, "e", "f")
            place = next(row for row in await rows(dsn) if row[2] == "c")
            await connection.execute(
                """INSERT INTO alerts.checkpoints (group_name, partition, cursor, place)
                   VALUES ('alerts', 'orders', $1, $1),
                          ('alerts', 'jicai.orders.v1/3:orders', '417', $1)""",
                str(Cursor(1, place[0], place[1])),
            )
        yield dsn


@pytest_asyncio.fixture(scope="module")
async def file(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, saved; what the tests write there afterwards is lost."""
    return await saved(source, tmp_path_factory.mktemp("places") / "backup.tar")


@pytest_asyncio.fixture(scope="module")
async def second(elsewhere: str, file: Path) -> AsyncIterator[str]:
    """It, restored, with a life of its own."""
    async with fresh_database(elsewhere) as dsn:
        await restored(dsn, file)
        yield dsn


async def test_the_order_and_the_positions_stay_and_the_ids_are_low(
    source: str, second: str
) -> None:
    target = second
    before, after = (await rows(source))[:6], await rows(target)
    assert [row[1:] for row in after] == [row[1:] for row in before]
    assert min(row[0] for row in before) > SPENT
    assert [row[0] for row in after] == [1, 1, 1, 2, 2, 2]
    assert await read(target) == (["a", "b", "c", "d", "e", "f"], (await read(target))[1])
    await write(target, "g")
    assert (await read(target))[0][-1] == "g"
    assert (await rows(target))[-1][1] > max(row[1] for row in before)


async def test_our_own_cursors_go_on_at_the_equal_place(second: str) -> None:
    """Those of a consumer that had read up to the first of the crossed two, over either bus."""
    async with asked(second) as connection:
        over_kafka, over_the_log = await connection.fetch(
            "SELECT * FROM alerts.checkpoints ORDER BY partition"
        )
    assert over_kafka["cursor"] == "417"
    assert over_kafka["place"] == over_the_log["place"] == over_the_log["cursor"]
    assert (await read(second, over_the_log["cursor"]))[0][:3] == ["d", "e", "f"]


async def test_with_the_ids_as_they_were_or_one_for_all_readers_stand_still_or_pass_facts_over(
    source: str, second: str
) -> None:
    """To a fresh cluster the old ids belong to transactions that have not begun. Under one id the lower
    position comes first: c was read before d, and d falls behind the cursor."""
    epoch = await epoch_in(second)
    cursor = next(str(Cursor(epoch, x, p)) for x, p, name in await rows(second) if name == "c")
    assert (await read(second, cursor))[0][:3] == ["d", "e", "f"]
    async with asked(second) as connection:
        kept = await connection.fetch("SELECT event_id, xid::text FROM orders.events")
        await connection.execute("UPDATE orders.events SET xid = '1'")
        assert (await read(second, cursor))[0][:2] == ["e", "f"]
        old = {name: xid for xid, _, name in await rows(source)}
        await connection.executemany(
            "UPDATE orders.events SET xid = $2::text::xid8 WHERE event_id = $1",
            [(name, str(old.get(name, SPENT * 2))) for name, _ in kept],
        )
        assert (await read(second))[0] == []
        await connection.executemany(
            "UPDATE orders.events SET xid = $2::text::xid8 WHERE event_id = $1", kept
        )
    assert (await read(second, cursor))[0][:3] == ["d", "e", "f"]


async def test_a_cursor_of_before_is_refused_and_without_a_new_epoch_it_skips(
    source: str, second: str
) -> None:
    """Somebody outside has read what was lost; his cursor lies far ahead of the new life."""
    await write(source, "lost")
    _, outside = await read(source)
    await write(second, "new")
    with pytest.raises(EpochPassed):
        await read(second, outside)
    epoch = await epoch_in(second)
    async with asked(second) as connection:
        await connection.execute(
            "SET session_replication_role TO replica"
        )  # a log's head guards itself
        await connection.execute("UPDATE orders.log_head SET epoch = 1")
        assert (await read(second, outside))[0] == []
        await connection.execute("UPDATE orders.log_head SET epoch = $1", epoch)
    assert (await read(second))[0][-1] == "new"


async def test_two_restores_of_one_backup_are_two_lives(
    second: str, file: Path, tmp_path: Path
) -> None:
    """And what was restored can be saved and restored again."""
    told = (await read(second))[0]
    again = await saved(second, tmp_path / "again.tar")
    async with asked(second) as connection:
        name = await connection.fetchval("SELECT current_database()")
    epochs = [await epoch_in(second)]
    for one in (file, again):
        await restored(second, one, name)
        epochs.append(await epoch_in(second))
    assert epochs == sorted(set(epochs))
    assert epochs[0] > 1
    assert (await read(second))[0] == told


async def test_readers_go_on_while_a_backup_reads(source: str) -> None:
    """Its snapshot has no transaction id, so the horizon passes it; a writer's would hold them up."""
    _, cursor = await read(source)
    async with asked(source) as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            before = await connection.fetchval("SELECT count(*) FROM orders.events")
            await write(source, "x")
            assert (await read(source, cursor))[0] == ["x"]
            assert await connection.fetchval("SELECT count(*) FROM orders.events") == before
        async with connection.transaction():
            await connection.fetchval("SELECT pg_current_xact_id()")
            await write(source, "y")
            assert (await read(source, cursor))[0] == ["x"]
    assert (await read(source, cursor))[0] == ["x", "y"]


async def test_a_column_of_transaction_ids_that_nobody_rewrites_stops_a_backup(
    source: str, tmp_path: Path
) -> None:
    async with asked(source) as connection:
        await connection.execute("CREATE TABLE alerts.seen (at xid8 PRIMARY KEY)")
        try:
            with pytest.raises(Unusable, match=r"alerts\.seen\.at holds transaction ids"):
                await saved(source, tmp_path / "backup.tar")
        finally:
            await connection.execute("DROP TABLE alerts.seen")
    assert not list(os.scandir(tmp_path))


async def test_a_large_gap_of_ids_is_passed_before_anything_is_loaded(target: str) -> None:
    """Where positions have crossed often, the lowest ids may still be above a fresh cluster's."""
    async with asked(target) as connection:
        now = int(await connection.fetchval("SELECT pg_current_xact_id()::text"))
        await pass_xid(connection, now + 60_000)
        assert int(await connection.fetchval("SELECT pg_current_xact_id()::text")) > now + 60_000
        before = int(await connection.fetchval("SELECT pg_current_xact_id()::text"))
        await pass_xid(connection, 10)
        assert int(await connection.fetchval("SELECT pg_current_xact_id()::text")) == before + 1
