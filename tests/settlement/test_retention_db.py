"""Retained surplus over a real PostgreSQL: registers in any order, one posting, races."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from services.settlement.api.retention import calculating
from services.settlement.api.retention.calculating import Run, calculated
from services.settlement.api.retention.drawing import drawn_of
from services.settlement.api.retention.inputs import _sent as set_inputs
from services.settlement.app import service
from services.settlement.clockwork import effects
from services.settlement.consumer import fold
from services.settlement.domain.accrual import OrderAccruals
from services.settlement.domain.completing import NOTHING, Drawn
from services.settlement.domain.retaining import RetentionStream
from services.settlement.domain.retention import Use
from services.settlement.domain.rules import SETTLING
from services.settlement.projections.agreed import Batch, find_batch
from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type
from shared.events.settlement import RetentionInputsSet, RetentionVariety
from shared.events.topics import REFERENCE
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.store.migrations import migrations_of
from shared.testing.postgres import MONDAY, desk_of, open_room, whole_log
from tests.settlement.papers import DISTRIBUTOR, HOSPITAL, MAKER, UNIT, Papers

BUREAU = Actor("bureau", "360100")
GENERIC = "amlodipine"


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def put(kind: str, id_: str, version: int = 1, **body: Any) -> Record:
    """An entry of a register, as the bus brings it."""
    return Record(
        topic=REFERENCE,
        stream=f"{kind}-{id_}",
        version=version,
        source="urn:jicai:360000",
        event_id=f"{kind}-{id_}-v{version}",
        type=reference_type(kind),
        occurred_at=MONDAY,
        recorded_at=MONDAY,
        fact=msgspec.json.encode(ResourcePut(kind=kind, id=id_, body=body)),
    )


def batch(version: int = 1, price: str = "2.5", **changes: Any) -> Record:
    """A batch of 2026 with one main product for all of the province."""
    return put(
        "batch", "B1", version,
        **{
            "effective_on": "2026-01-01", "ends_on": "2026-12-31",
            "main": [{"product_id": "P1", "divisions": ["360000"], "selected_price": price}],
            **changes,
        },
    )  # fmt: skip


def agreement(id_: str, version: int = 1, quantity: str = "70", **changes: Any) -> Record:
    return put(
        "agreement", id_, version,
        **{
            "batch_id": "B1", "hospital_id": HOSPITAL, "product_id": "P1",
            "distributor_id": DISTRIBUTOR, "agreed_quantity": quantity, **changes,
        },
    )  # fmt: skip


def report(id_: str, version: int = 1, quantity: str = "100", hospital: str = HOSPITAL) -> Record:
    return put(
        "demand-report", id_, version, batch_id="B1", hospital_id=hospital, generic_name=GENERIC,
        reported_quantity=quantity,
    )  # fmt: skip


def product(id_: str = "P1", version: int = 1) -> Record:
    return put("product", id_, version, name="x", generic_name=GENERIC, manufacturer_id=MAKER)


async def hear(room: Room, records: list[Record]) -> None:
    """One batch in one transaction, as the frame's consumer takes it."""
    async with room.pool.acquire() as tx, tx.transaction():
        await fold(tx, records, room)


async def the_batch(room: Room) -> Batch:
    found = await find_batch(room.pool, "B1")
    assert found is not None
    return found


async def drawn(room: Room, year: int = 2026) -> Drawn:
    """What is known of the hospital's year."""
    found = await drawn_of(room.pool, await the_batch(room), year, {HOSPITAL: [GENERIC]})
    return found.get(HOSPITAL, NOTHING)


def inputs(hospital: str = HOSPITAL, **changes: Any) -> RetentionInputsSet:
    """Everything but the prices before comes from registers and receipts."""
    return RetentionInputsSet(
        **{
            "batch_id": "B1", "year": 2026, "hospital_id": hospital, "assessment": "0.50",
            "accuracy": "1", "fund_ratio": "1", "insured_share": "1",
            "varieties": [RetentionVariety(generic_name=GENERIC, pre_price="10")], **changes,
        }
    )  # fmt: skip


async def state(room: Room, one: RetentionInputsSet) -> None:
    """A bureau sets inputs."""
    sent = set_inputs(BUREAU, one, {"memo": one.assessment}, await room.now())
    [verdict] = await desk_of(room).submit([sent])
    assert verdict.status == "accepted"


async def run(room: Room, *hospitals: str, is_preview: bool = False) -> list[int]:
    """What each hospital retains."""
    asked = Run(await the_batch(room), 2026, BUREAU, is_preview)
    return [one.retained_fen for one in await calculated(room, asked, hospitals or [HOSPITAL])]


async def postings(room: Room) -> list[tuple[str, int, int]]:
    rows = await room.pool.fetch(
        "SELECT account, debit_fen, credit_fen FROM postings ORDER BY account"
    )
    return [tuple(row) for row in rows]


async def test_registers_and_receipts_in_any_order_and_repetition_say_the_same(room: Room) -> None:
    papers = [Papers(1), Papers(2), Papers(3)]
    told = [
        product(), batch(1, "9"), batch(2, "2.5"), batch(3, "2.5"), report("R1", 1, "1"),
        report("R1", 2, "60"), report("R2", 1, "40"), agreement("A1", 1, "5"),
        agreement("A1", 2, "50"), agreement("A2", 1, "20"),
        papers[0].receipt({"1": 30 * UNIT, "2": 5 * UNIT}), papers[1].receipt({"1": 55 * UNIT}),
        papers[2].receipt(
            {"1": 7 * UNIT, "2": 3 * UNIT}, supplier_role="none", batch_id=None, selected_price=None
        ),
    ]  # fmt: skip
    want = Drawn(
        reported={GENERIC: 100 * UNIT},
        agreed={GENERIC: 70 * UNIT},
        selected={GENERIC: 90 * UNIT},
        prices={GENERIC: frozenset({25_000})},
        non_selected={GENERIC: [Use(10 * UNIT, 25_000)]},
    )
    chance = random.Random(11)
    chance.shuffle(told)
    for record in told:
        await hear(room, [record])
    assert await drawn(room) == want
    for _ in range(8):
        await hear(room, chance.choices(told, k=9))
    assert await drawn(room) == want


async def test_only_receipts_of_the_batch_in_the_agreement_year_count(room: Room) -> None:
    begins, ends = "2026-01-06", "2026-01-31"
    term = {"from": begins, "to": ends}
    first = MONDAY.replace(hour=16)  # 2026-01-06T00:00:00+08:00
    last = first + timedelta(days=26)
    await hear(room, [
        product(), batch(), agreement("A1", **term),
        Papers(1).receipt({"1": 1 * UNIT}, at=first - timedelta(seconds=1)),
        Papers(2).receipt({"1": 2 * UNIT}, at=first),
        Papers(3).receipt({"1": 4 * UNIT}, at=last - timedelta(seconds=1)),
        Papers(4).receipt({"1": 8 * UNIT}, at=last),
        Papers(5).receipt({"1": 16 * UNIT}, at=first, batch_id="B2"),
        Papers(6).receipt({"1": 32 * UNIT}, at=first, supplier_role="backup"),
        Papers(7, hospital="H36010200002").receipt({"1": 64 * UNIT}, at=first),
    ])  # fmt: skip
    known = await drawn(room)
    assert known.selected == {GENERIC: 6 * UNIT}
    assert known.non_selected == {}
    assert await drawn(room, 2025) == await drawn(room, 2027) == NOTHING


async def test_a_run_posts_once_and_balances(room: Room) -> None:
    await hear(room, [product(), batch(), report("R1"), agreement("A1")])
    await state(room, inputs())
    assert await run(room, is_preview=True) == [50_000]  # 100 x 10 yuan, half of it
    assert await postings(room) == []
    assert await run(room) == [50_000]
    posted = [
        (f"retention:{HOSPITAL}:payable", 0, 50_000),
        ("retention:360100:expense", 50_000, 0),
    ]
    assert sorted(await postings(room)) == sorted(posted)
    await state(room, inputs(assessment="0.10"))
    await hear(room, [report("R1", 2, "1")])
    assert await run(room) == [50_000]
    assert sorted(await postings(room)) == sorted(posted)


async def test_many_at_once_calculate_one_result(room: Room) -> None:
    await hear(room, [batch(), report("R1")])
    await state(room, inputs())
    results = await asyncio.gather(*(run(room) for _ in range(6)))
    assert results == [[50_000]] * 6
    log = await whole_log(room.pool)
    assert [row["type"].split(".")[2] for row in log] == [
        "retention_inputs_set", "retention_calculated"
    ]  # fmt: skip
    assert len(await postings(room)) == 2


async def test_inputs_set_between_the_look_and_the_locks_are_not_missed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look asks for the generics that the inputs name: others would count as never reported."""
    await hear(room, [batch(), report("R1")])
    await state(room, inputs(varieties=[RetentionVariety(generic_name="another")]))
    looked: list[Any] = []

    async def looking(*asked: Any) -> Any:
        found = await drawn_of(*asked)
        if not looked:
            await state(room, inputs())
        looked.append(asked[3])
        return found

    monkeypatch.setattr(calculating, "drawn_of", looking)
    assert await run(room) == [50_000]
    assert looked == [{HOSPITAL: ["another"]}, {HOSPITAL: [GENERIC]}]


async def test_a_fault_while_posting_leaves_nothing_behind(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear(room, [batch(), report("R1")])
    await state(room, inputs())

    async def failing(*_asked: Any) -> None:
        raise RuntimeError("a row fails")

    with monkeypatch.context() as broken:
        broken.setattr(effects, "insert_retentions", failing)
        with pytest.raises(RuntimeError):
            await run(room)
    assert len(await whole_log(room.pool)) == 1
    assert await postings(room) == []
    assert await run(room) == [50_000]


async def test_more_hospitals_than_a_chunk_holds_each_get_theirs(room: Room) -> None:
    hospitals = [f"H36010200{number:03}" for number in range(1, 232)]
    await hear(room, [batch(), *(report(f"R-{one}", 1, "10", one) for one in hospitals)])
    for one in hospitals:
        await state(room, inputs(one))
    assert await run(room, *hospitals) == [5_000] * len(hospitals)
    assert await run(room, *hospitals) == [5_000] * len(hospitals)
    assert len(await postings(room)) == 2 * len(hospitals)


async def test_a_result_cannot_stand_twice_in_the_rows(room: Room) -> None:
    await hear(room, [batch(), report("R1")])
    await state(room, inputs())
    await run(room)
    with pytest.raises(asyncpg.UniqueViolationError):
        await room.pool.execute("INSERT INTO retentions SELECT * FROM retentions")


async def test_accruals_of_before_are_told_from_the_other_kinds_of_stream(room: Room) -> None:
    """States were all of one kind once; the migration marks them, and nothing else."""
    old = msgspec.json.encode([f"{HOSPITAL}-1", HOSPITAL, DISTRIBUTOR, 2, 250])
    await state(room, inputs())
    await room.pool.execute(
        "INSERT INTO streams (stream, version, state, first_position) VALUES ($1, 2, $2, 1)",
        f"accrual-{HOSPITAL}-1",
        old,
    )
    [script] = [
        m.sql for m in migrations_of(service.migrations) if m.name.endswith("_retention.sql")
    ]
    await room.pool.execute(script[script.index("UPDATE streams") :])
    rows = await room.pool.fetch("SELECT state FROM streams ORDER BY stream")
    first, second = (SETTLING.decode(row["state"]) for row in rows)
    assert first == OrderAccruals(f"{HOSPITAL}-1", HOSPITAL, DISTRIBUTOR, 2, 250)
    assert isinstance(second, RetentionStream)
