"""A read model is rebuilt while its service goes on: row for row the same, and nobody is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.alerts.api.reading import snapshot
from services.alerts.app import service as alerts
from services.alerts.projections import model
from shared.runtime import rebuilding
from shared.runtime.coverage import Coverage
from shared.store.twins import Twins
from shared.testing.postgres import desk_of, fresh_database
from tests.alerts.living import Town, town
from tests.alerts.rebuilding import REBUILD, everything_else, rebuilt, rows_of, shape_of
from tests.oracle.alarms import alarming_history
from tests.shared.playing import read_events

HISTORY = alarming_history(5, orders=40, days=20)
TOLD_LATER = 60
"""So many steps at the end of it are kept back by some tests."""


@pytest_asyncio.fixture
async def lived(database: str) -> AsyncIterator[Town]:
    """A town behind its whole history."""
    async with town(database, HISTORY) as one:
        await one.live(HISTORY, punctual=True)
        yield one


@pytest_asyncio.fixture
async def lagging(database: str) -> AsyncIterator[Town]:
    """A town whose alerts have not heard what was told last."""
    async with town(database, HISTORY) as one:
        await one.live(replace(HISTORY, steps=HISTORY.steps[:-TOLD_LATER]), punctual=True)
        for step in HISTORY.steps[-TOLD_LATER:]:
            if step[0] not in ("clock", "put"):
                await desk_of(one.orders).submit(read_events(step[1], step[2]))
        assert not await one.consumer.is_caught_up()
        yield one


async def test_what_is_rebuilt_is_row_for_row_what_stood(lived: Town, database: str) -> None:
    rows, others = await rows_of(database, alerts), await everything_else(database, alerts)
    shape = await shape_of(database, alerts)
    assert len(rows["lines"]) > 40
    report = await rebuilt(database, alerts)
    assert report.switched
    assert report.rows == {name: len(found) for name, found in rows.items()}
    assert set(report.differing.values()) == {0}
    assert await rows_of(database, alerts) == rows
    assert await everything_else(database, alerts) == others
    assert await shape_of(database, alerts) == shape


async def test_a_row_that_was_wrong_is_named_and_comes_out_right(
    lived: Town, database: str
) -> None:
    rows, said = await rows_of(database, alerts), await lived.said()
    pool = lived.alerts.pool
    gone, wrong, *_ = await pool.fetch("SELECT order_id, line_id FROM lines ORDER BY 1, 2")
    await pool.execute("DELETE FROM lines WHERE (order_id, line_id) = ($1, $2)", *gone)
    await pool.execute(
        "UPDATE lines SET ordered = ordered + 1 WHERE (order_id, line_id) = ($1, $2)", *wrong
    )
    only_checked = await rebuilt(database, alerts, switch=False)
    assert not only_checked.switched
    assert only_checked.differing["lines"] == 2
    assert sorted(only_checked.examples["lines"]) == [tuple(gone), tuple(wrong)]
    assert await rows_of(database, alerts) != rows
    report = await rebuilt(database, alerts)
    assert report.differing["lines"] == 2
    assert await rows_of(database, alerts) == rows
    assert await lived.said() == said


async def test_while_facts_come_in_and_days_close_rows_and_alerts_are_as_without_it(
    postgres: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "CHUNK", 40)
    monkeypatch.setattr(rebuilding, "RANGE", 7)
    async with town(database, HISTORY) as one:
        living = asyncio.create_task(one.live(HISTORY, punctual=True))
        reports = []
        while not living.done():
            reports.append(await rebuilt(database, alerts))
        await living
        busy = await rows_of(database, alerts), await one.said(), await one.figures()
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as quiet:
        await quiet.live(HISTORY, punctual=True)
        assert busy == (await rows_of(dsn, alerts), await quiet.said(), await quiet.figures())
    assert len(reports) >= 2
    assert all(report.switched for report in reports)
    assert {count for report in reports for count in report.differing.values()} == {0}


async def test_a_rebuild_never_runs_ahead_of_its_service(
    lagging: Town, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that is held at a mark has not taken what stands behind it, nor may the twins."""
    assert set((await rebuilt(database, alerts, switch=False)).differing.values()) == {0}
    monkeypatch.setattr(Coverage, "covers", lambda *_: True)
    monkeypatch.setattr(Coverage, "since", lambda *_: ((0, 0, 0), (9, 0, 0)))
    assert any((await rebuilt(database, alerts, switch=False)).differing.values())


async def holds_nothing(*_: Any) -> None: ...


@pytest.mark.parametrize("held", [True, False], ids=["held", "without holding the tables"])
async def test_a_fold_in_the_moment_of_the_switch_is_not_lost(
    lagging: Town, database: str, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """It waits, and writes into the new tables; unheld it would write into those that go."""
    folding: list[asyncio.Task[Any]] = []
    if not held:
        monkeypatch.setattr(Twins, "hold", holds_nothing)
    monkeypatch.setattr(Twins, "switch", _after(Twins.switch, lagging, folding))
    await rebuilt(database, alerts)
    await folding[0]
    await lagging.catch_up()
    monkeypatch.undo()
    report = await rebuilt(database, alerts, switch=False)
    assert any(report.differing.values()) is not held


def _after(
    switch: Callable[..., Awaitable[None]], one: Town, folding: list[asyncio.Task[Any]]
) -> Callable[..., Awaitable[None]]:
    """A switch in whose first moment the service takes what it has not heard."""

    async def switched(twins: Twins, role: str) -> None:
        folding.append(asyncio.create_task(one.catch_up()))
        await _until(lambda: _is_either(folding[0].done(), one))
        await switch(twins, role)

    return switched


async def _is_either(done: bool, one: Town) -> bool:
    """Somebody has ended, or waits for a lock that another transaction holds."""
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    return done or bool(await one.orders.pool.fetchval(waits))


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 - what another session does tells nobody
        await asyncio.sleep(0.01)


async def test_an_answer_of_several_statements_never_sees_a_table_that_was_switched_behind_it(
    lived: Town, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without holding the tables it sees none of the new rows, for they are younger than it."""
    pool = lived.alerts.pool
    lines = await pool.fetchval("SELECT count(*) FROM lines")
    async with snapshot(lived.alerts) as connection:
        await connection.fetchval("SELECT count(*) FROM orders")
        rebuild = asyncio.create_task(rebuilt(database, alerts))
        await _until(lambda: _is_either(False, lived))
        assert await connection.fetchval("SELECT count(*) FROM lines") == lines
    assert (await rebuild).switched
    monkeypatch.setattr(model, "_HOLD", "SELECT 1")
    async with snapshot(lived.alerts) as connection:
        assert (await rebuilt(database, alerts)).switched
        assert await connection.fetchval("SELECT count(*) FROM lines") == 0


async def test_one_that_dies_leaves_everything_as_it_was_and_the_next_one_ends(
    lagging: Town, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, shape = await rows_of(database, alerts), await shape_of(database, alerts)
    count = _die_at(monkeypatch, None)
    await rebuilt(database, alerts, switch=False)
    for last in range(1, count[0], count[0] // 8):
        monkeypatch.undo()
        _die_at(monkeypatch, last)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await rebuilt(database, alerts)
    monkeypatch.undo()
    assert await rows_of(database, alerts) == rows
    report = await rebuilt(database, alerts)
    assert report.switched
    assert set(report.differing.values()) == {0}
    assert await rows_of(database, alerts) == rows
    assert await shape_of(database, alerts) == shape


def _die_at(monkeypatch: pytest.MonkeyPatch, last: int | None) -> list[int]:
    """A rebuild's connection breaks before so many of its statements; the others go on."""
    count = [0]
    execute = asyncpg.Connection.execute

    async def counted(connection: Any, query: str, *asked: Any, **options: Any) -> Any:
        if not connection.is_closed() and connection.get_settings().application_name == REBUILD:
            count[0] += 1
            if count[0] == last:
                connection.terminate()
        return await execute(connection, query, *asked, **options)

    monkeypatch.setattr(asyncpg.Connection, "execute", counted)
    return count
