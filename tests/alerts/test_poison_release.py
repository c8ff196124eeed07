"""One order's facts cannot be taken for days; after the fix and a retry nothing tells that it was so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from jicai.cli import app
from jicai.rooms import chosen
from services.alerts.consumer import fold_lines
from shared.events.envelope import Record
from shared.testing.postgres import desk_of, fresh_database, prepare
from tests.alerts.doors import CARDS, TOTAL, doors_of, get
from tests.alerts.living import Town, town
from tests.alerts.publishing import ask
from tests.oracle.alarms import alarming_history
from tests.shared.playing import put, read_events

HISTORY = alarming_history(5, orders=40, days=24)
DAYS = sorted(step[1] for step in HISTORY.steps if step[0] == "clock")
BREAKS, MENDED, END = DAYS[len(DAYS) // 5], DAYS[len(DAYS) // 2], DAYS[len(DAYS) * 3 // 4]
"""From when on the order's facts do harm, when somebody has mended what they met, how long we look."""
YESTERDAY = (MENDED - timedelta(days=1)).date().isoformat()

# What closes found before the order was taken stays what they found: it was said, and is not unsaid.
ROWS = {
    "lines": "SELECT order_id, line_id, facts FROM lines ORDER BY 1, 2",
    "orders": "SELECT * FROM orders ORDER BY order_id",
    "registers": "SELECT * FROM registers ORDER BY kind, id",
    "waiting": "SELECT * FROM waiting ORDER BY 1, 2",
    "tickets": "SELECT ticket_id, facts FROM tickets ORDER BY 1",
}
CLOSED = {
    "day_closes": "SELECT * FROM day_closes WHERE at > $1 ORDER BY at",
    "small_samples": "SELECT * FROM small_samples WHERE day >= ($1::timestamptz + interval '8 hours')::date"
    " ORDER BY 1, 2, 3, 4",
    "said": "SELECT type, occurred_at, fact FROM events WHERE occurred_at > $1"
    " ORDER BY occurred_at, type, stream",
}


@dataclass
class Life:
    """What a room of alerts held when the fix came, and at the end."""

    at_the_fix: dict[str, list[Any]] = field(default_factory=dict)
    at_the_end: dict[str, list[Any]] = field(default_factory=dict)
    figures: list[Any] = field(default_factory=list)


async def lived(place: Town, until: datetime, steps: list[Any]) -> None:
    """Take steps from the front up to an instant."""
    while steps:
        if steps[0][0] == "clock" and steps[0][1] > until:
            return
        step = steps.pop(0)
        if step[0] == "clock":
            place.time.set(step[1])
            await place.tick()
            await place.catch_up()
        elif step[0] == "put":
            await put(place.orders, [step[1:]])
        else:
            await desk_of(place.orders).submit(read_events(step[1], step[2]))
    await place.catch_up()


async def rows(place: Town, statements: dict[str, str], *arguments: Any) -> dict[str, list[Any]]:
    return {
        name: [tuple(row) for row in await place.alerts.pool.fetch(statement, *arguments)]
        for name, statement in statements.items()
    }


async def asked(place: Town) -> list[Any]:
    """The figures of everybody."""
    async with doors_of(place.alerts) as client:
        found = [await get(client, TOTAL)]
        for subject in ("distributor", "product", "manufacturer"):
            found.append(await get(client, CARDS, subject=subject))
    return found


async def ended(place: Town, life: Life, steps: list[Any]) -> None:
    await lived(place, END, steps)
    life.at_the_end = await rows(place, ROWS) | await rows(place, CLOSED, MENDED)
    life.figures = await asked(place)


@pytest_asyncio.fixture(scope="module")
async def healthy(postgres: str) -> AsyncIterator[tuple[Life, str]]:
    """A life without poison, and an order that spoke both before the fix and after it."""
    life, steps = Life(), list(HISTORY.steps)
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as place:
        await place.tick()
        await put(place.orders, HISTORY.puts)
        await lived(place, MENDED, steps)
        life.at_the_fix = await rows(place, ROWS)
        await ended(place, life, steps)
        stream = await place.orders.pool.fetchval(
            """SELECT stream FROM events WHERE stream LIKE 'order-%' GROUP BY stream
               HAVING min(recorded_at) BETWEEN $1 AND $2 AND max(recorded_at) > $2
                  AND count(*) FILTER (WHERE recorded_at <= $2) > 2
               ORDER BY min(recorded_at), stream LIMIT 1""",
            BREAKS,
            MENDED,
        )
        assert stream is not None
        yield life, stream


async def test_a_released_order_leaves_every_row_figure_and_alert_as_if_it_had_never_been_parked(
    postgres: str, healthy: tuple[Life, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_poison, stream = healthy
    life, steps = Life(), list(HISTORY.steps)
    poisoned = {stream}

    async def fold(tx: Any, records: Sequence[Record]) -> None:
        if bad := [record.event_id for record in records if record.stream in poisoned]:
            raise ArithmeticError(f"cannot take {bad[0]}")
        await fold_lines(tx, records)

    monkeypatch.setattr("services.alerts.consumer.fold_lines", fold)
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as place:
        monkeypatch.setenv("JICAI_DATABASE_URL", dsn)
        monkeypatch.setenv("COLUMNS", "250")
        await prepare(dsn, *chosen("all"))
        monkeypatch.setattr("jicai.parked.DatabaseTime", lambda: place.time)
        await place.tick()
        await put(place.orders, HISTORY.puts)
        await lived(place, MENDED, steps)

        pool = place.alerts.pool
        order_id = stream.removeprefix("order-")
        parked = await pool.fetch("SELECT stream, topic, version, reason FROM parked ORDER BY seq")
        told = await place.orders.pool.fetchval(
            "SELECT count(*) FROM events WHERE stream = $1", stream
        )
        assert {row["stream"] for row in parked} == {stream}
        assert len(parked) == told > 2
        assert parked[0]["reason"].startswith("ArithmeticError: cannot take")
        assert any("waits behind" in row["reason"] for row in parked)
        now = await rows(place, ROWS)
        others = [row for row in without_poison.at_the_fix["lines"] if row[0] != order_id]
        assert now["lines"] == others != without_poison.at_the_fix["lines"]
        named = "SELECT count(*) FROM closes WHERE parked = ARRAY[$1]"
        assert await pool.fetchval(named, stream) >= 2
        async with doors_of(place.alerts) as client:
            refused = await ask(client, window="30d", as_of=YESTERDAY)
            assert (refused.status_code, refused.json()["code"]) == (409, "keys_parked")
            assert refused.json()["parked"] == [stream]

        listed = await jicai("parked", "list")
        assert (listed.exit_code, "ArithmeticError" in listed.output) == (1, True)
        still = await jicai("parked", "retry", "alerts", stream)
        assert (still.exit_code, "left as it is" in still.output) == (1, True)
        assert len(await pool.fetch("SELECT FROM parked")) == told
        poisoned.clear()
        released = await jicai("parked", "retry", "alerts", stream)
        assert (released.exit_code, f"{told} facts taken" in released.output) == (0, True)
        assert (await jicai("parked", "list")).exit_code == 0
        assert await rows(place, ROWS) == without_poison.at_the_fix
        async with doors_of(place.alerts) as client:
            answer = await ask(client, window="30d", as_of=YESTERDAY)
            assert answer.status_code == 201, answer.text

        await ended(place, life, steps)
        assert await pool.fetch("SELECT FROM parked") == []
    for name, rows_of in without_poison.at_the_end.items():
        mine = [row for row in life.at_the_end[name] if row[0] != PUBLISHED]
        assert mine == rows_of, name
    assert life.figures == without_poison.figures
    assert without_poison.at_the_end["day_closes"]
    assert without_poison.at_the_end["said"]


PUBLISHED = "jicai.scorecards.published.v1"


async def jicai(*words: str) -> Any:
    """The command as an operator types it, beside the room that serves."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))
