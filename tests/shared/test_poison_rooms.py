"""Settlement and feedback after poison: the key is parked, mended, retried, and nothing tells of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from typer.testing import CliRunner

from jicai.cli import app
from services.feedback.app import service as feedback
from services.feedback.projections import deliveries
from services.settlement.app import service as settlement
from services.settlement.consumer import fold_matching
from shared.events.envelope import Record
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.testing.adversarial import TAME, AdversarialBus
from shared.testing.postgres import fresh_database, open_room
from shared.testing.storms import fine_weather
from tests.feedback.test_deliveries_db import some_records
from tests.settlement.papers import Papers

RECEIPTS = {
    "accruals": "SELECT * FROM accruals ORDER BY 1, 2, 3",
    "receipt_lines": "SELECT * FROM receipt_lines ORDER BY 1, 2, 3",
    "invoice_lines": "SELECT * FROM invoice_lines ORDER BY 1, 2, 3",
    "log": "SELECT stream, version, type, recorded_at, fact FROM events ORDER BY 1, 2",
}
ARRIVALS = {
    "placed_orders": "SELECT * FROM placed_orders ORDER BY 1",
    "ended_lines": "SELECT * FROM ended_lines ORDER BY 1, 2",
    "arrivals": "SELECT * FROM arrivals ORDER BY 1, 2",
}


def papers() -> tuple[list[Record], list[Record]]:
    """Receipts of five orders, and then their invoices, some of another sum."""
    orders = [Papers(number) for number in range(1, 6)]
    receipts = [one.receipt({"L1": 10_000 * n, "L2": 20_000}) for n, one in enumerate(orders, 1)]
    invoices = [
        one.invoice({"L1": (10_000 * n, 25_000), "L2": (20_000, 25_000 + n % 2)})
        for n, one in enumerate(orders, 1)
    ]
    return receipts, invoices


async def rows(room: Room, tables: dict[str, str]) -> dict[str, list[Any]]:
    return {
        name: [tuple(row) for row in await room.pool.fetch(statement)]
        for name, statement in tables.items()
    }


async def never_poisoned(
    postgres: str, service: Service, told: Sequence[Sequence[Record]], tables: dict[str, str]
) -> dict[str, list[Any]]:
    async with fresh_database(postgres) as dsn, open_room(dsn, service) as room:
        bus = AdversarialBus(("orders",), manners=TAME)
        for records in told:
            bus.publish("orders", records)
            await fine_weather(room, bus)
        return await rows(room, tables)


async def released(
    dsn: str,
    service: Service,
    told: Sequence[Sequence[Record]],
    tables: dict[str, str],
    stream: str,
    mend: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, list[Any]]:
    """Everything is told while the stream is poison; then it is mended, and the command is run."""
    monkeypatch.setenv("JICAI_DATABASE_URL", dsn)
    async with open_room(dsn, service) as room:
        monkeypatch.setattr("jicai.parked.DatabaseTime", lambda: room.time)
        bus = AdversarialBus(("orders",), manners=TAME)
        for records in told:
            bus.publish("orders", records)
            await fine_weather(room, bus)
        mine = [one for records in told for one in records if one.stream == stream]
        parked = await room.pool.fetch("SELECT stream, topic, version FROM parked ORDER BY seq")
        assert {row["stream"] for row in parked} == {stream}
        for topic in {row["topic"] for row in parked}:
            waiting = [row["version"] for row in parked if row["topic"] == topic]
            versions = [one.version for one in mine if one.topic == topic]
            assert waiting == versions[-len(waiting) :], "all from the first that failed"
        assert 1 < len(parked) < sum(map(len, told))
        still = await asyncio.to_thread(
            CliRunner().invoke, app, ["parked", "retry", service.name, stream]
        )
        assert still.exit_code == 1, still.output
        mend()
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["parked", "retry", service.name, stream]
        )
        assert (done.exit_code, f"{len(parked)} facts taken" in done.output) == (0, True), (
            done.output
        )
        assert await room.pool.fetch("SELECT FROM parked") == []
        return await rows(room, tables)


async def test_a_receipt_that_could_not_be_matched_is_matched_as_if_it_always_could(
    postgres: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its invoice waited behind it; the accrual, the match and our own log are the healthy ones."""
    told = papers()
    poisoned = {told[0][2].stream}

    async def fold(tx: Any, records: Sequence[Record], now: Any) -> None:
        if any(record.stream in poisoned for record in records):
            raise ArithmeticError("cannot be matched")
        await fold_matching(tx, records, now)

    expected = await never_poisoned(postgres, settlement, told, RECEIPTS)
    assert len(expected["receipt_lines"]) == 10
    monkeypatch.setattr("services.settlement.consumer.fold_matching", fold)
    found = await released(
        database, settlement, told, RECEIPTS, told[0][2].stream, poisoned.clear, monkeypatch
    )
    assert found == expected


async def test_a_delivery_that_could_not_be_kept_tells_its_tickets_what_it_would_have_told(
    postgres: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = some_records(random.Random(3), 12)
    told = (records[: len(records) // 2], records[len(records) // 2 :])
    streams = [one.stream for one in told[0]]
    stream = max(sorted(set(streams)), key=streams.count)
    order_id = stream.removeprefix("order-")
    poisoned = {order_id}
    store: Callable[..., Awaitable[None]] = deliveries.store

    async def keep(tx: Any, orders: Any, ended: Any, arrivals: Any) -> None:
        if poisoned & {row[0] for row in (*orders, *ended, *arrivals)}:
            raise ArithmeticError("cannot be kept")
        await store(tx, orders, ended, arrivals)

    expected = await never_poisoned(postgres, feedback, told, ARRIVALS)
    assert any(row[0] == order_id for row in expected["arrivals"])
    monkeypatch.setattr("services.feedback.consumer.store", keep)
    found = await released(database, feedback, told, ARRIVALS, stream, poisoned.clear, monkeypatch)
    assert found == expected
