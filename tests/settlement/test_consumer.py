"""However deliveries come in, every received line accrues once: over a real PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from services.settlement.app import service
from services.settlement.consumer import fold
from services.settlement.consumer.accruing import Contradiction
from services.settlement.projections.accruals import AccrualFilter, list_accruals
from shared.events.envelope import Record
from shared.events.orders import RECEIVED, Received, ReceivedLine
from shared.events.topics import DELIVERIES
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX
from shared.testing.postgres import MONDAY, open_room, whole_log

HOSPITAL, DISTRIBUTOR, MAKER = "H36010200001", "91360000MA00000D15", "91360000MA00000M15"


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def a_receipt(order: int, receipt: str = "R1", **changes: Any) -> Record:
    """A receipt of two main lines and one backup line, as the bus brings it."""
    order_id, at = f"{HOSPITAL}-{order}", MONDAY - timedelta(hours=order)
    line: dict[str, Any] = {
        "product_id": "P1", "category": "drug", "generic_name": "amlodipine",
        "accepted": 15_000, "accepted_text": "1.5", "rejected": 0, "rejected_text": "0",
        "unit_price": 20_000, "unit_price_text": "2", "supplier_role": "main",
        "manufacturer_id": MAKER, **changes,
    }  # fmt: skip
    received = Received(
        order_id=order_id,
        hospital_id=HOSPITAL,
        distributor_id=DISTRIBUTOR,
        division="360102",
        at=at,
        delivery_id=f"D-{receipt}",
        lines=[],
        receipt_id=receipt,
        recorded=at,
        received=[
            ReceivedLine(line_id="1", **line),
            ReceivedLine(line_id="2", **line),
            ReceivedLine(line_id="3", **{**line, "supplier_role": "backup"}),
        ],
    )
    return Record(
        topic=DELIVERIES,
        stream=f"order-{order_id}",
        version=3,
        source=f"urn:jicai:{HOSPITAL}",
        event_id=f"{order_id}-{receipt}",
        type=RECEIVED,
        occurred_at=at,
        recorded_at=at + timedelta(minutes=1),
        fact=msgspec.json.encode(received),
    )


async def hear(room: Room, records: Sequence[Record]) -> None:
    """One batch in one transaction, as the frame's consumer takes it."""
    async with room.pool.acquire() as connection, connection.transaction():
        await fold(connection, records, room)


async def accrued(room: Room) -> list[tuple[Any, ...]]:
    """Every accrual as the list shows it."""
    everybody = Actor("ops", "360000")
    rows = await list_accruals(
        room.pool, everybody, AccrualFilter(), after=("", "", ""), limit=10_000
    )
    return [tuple(row) for row in rows]


async def test_any_order_and_any_repetition_give_the_same_accruals(room: Room) -> None:
    receipts = [a_receipt(order, f"R{part}") for order in range(1, 6) for part in (1, 2)]
    await hear(room, receipts)
    once, log = await accrued(room), await whole_log(room.pool)
    assert len(once) == len(log) == len(receipts) * 2
    assert {row["recorded_at"] for row in log} == {r.recorded_at for r in receipts}
    chance = random.Random(7)
    for _ in range(10):
        await hear(room, chance.choices(receipts, k=12))
    assert await accrued(room) == once
    assert await whole_log(room.pool) == log


async def test_a_batch_may_name_more_orders_than_a_transaction_may_lock(room: Room) -> None:
    receipts = [a_receipt(order) for order in range(1, STREAMS_MAX + 500)]
    await hear(room, receipts)
    await hear(room, receipts)
    assert len(await accrued(room)) == len(receipts) * 2


async def test_money_beyond_measure_stops_nobody(room: Room) -> None:
    most = 2**63 - 1
    await hear(room, [a_receipt(1, accepted=most, unit_price=most), a_receipt(2)])
    assert len(await accrued(room)) == 4


async def test_a_receipt_that_contradicts_itself_is_shown_and_pays_nothing(room: Room) -> None:
    await hear(room, [a_receipt(1)])
    before = await accrued(room)
    with pytest.raises(Contradiction):
        await hear(room, [a_receipt(2), a_receipt(1, unit_price=30_000)])
    assert await accrued(room) == before
