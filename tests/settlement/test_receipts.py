"""However receipts, invoices and returns come in, their rows are the same: over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.settlement.app import service
from services.settlement.consumer import fold
from services.settlement.consumer.matching import fold_matching
from services.settlement.projections.receipts import UnmatchedFilter, list_unmatched
from shared.events.envelope import Record
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY, open_room
from tests.settlement.papers import (
    DISTRIBUTOR,
    HOSPITAL,
    MAKER,
    SELECTED,
    UNIT,
    Papers,
    outcomes,
    tell,
)

TABLES = ("receipt_lines", "invoice_lines", "return_lines")


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


async def rows_of(room: Room) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the three tables."""
    return {
        table: [
            tuple(row) for row in await room.pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
        ]
        for table in TABLES
    }


async def forget(room: Room) -> None:
    """Empty the tables, for the same story told otherwise."""
    for table in TABLES:
        await room.pool.execute(f"DELETE FROM {table}")


def an_order(number: int) -> list[Record]:
    """Two receipts, one invoiced in two parts and one credited, and a return."""
    papers = Papers(number)
    return [
        papers.receipt({"1": 3 * UNIT, "2": UNIT}),
        papers.receipt({"1": UNIT}, "R2"),
        papers.invoice({"1": (2 * UNIT, SELECTED), "2": (UNIT, SELECTED + 1)}, "I1"),
        papers.invoice({"1": (UNIT, 20_000)}, "I2", at=MONDAY + timedelta(hours=1)),
        papers.invoice({"1": (UNIT, SELECTED)}, "I3", receipt="R2"),
        papers.invoice({"1": (UNIT, SELECTED)}, "I4", "credit", receipt="R2"),
        papers.invoice({"1": (UNIT, SELECTED)}, "I5", "credit", return_id="T1"),
        papers.answered_return({"1": UNIT}),
    ]


async def test_any_order_and_any_repetition_give_the_same_rows(room: Room) -> None:
    records = [record for number in range(5) for record in an_order(number)]
    await tell(room, records)
    once = await rows_of(room)
    assert [len(once[table]) for table in TABLES] == [15, 30, 5]
    chance = Random(7)
    for _ in range(10):
        await tell(room, chance.choices(records, k=12))
    assert await rows_of(room) == once
    for round_ in range(5):
        await forget(room)
        shuffled = chance.sample(records, len(records))
        for start in range(0, len(shuffled), 3 + round_):
            await tell(room, shuffled[start : start + 3 + round_])
        assert await rows_of(room) == once


async def test_a_whole_batch_accrues_and_is_matched(room: Room) -> None:
    records = an_order(1)
    async with room.pool.acquire() as tx, tx.transaction():
        await fold(tx, records, room)
    order_id = f"{HOSPITAL}-1"
    assert await outcomes(room) == {
        (order_id, "R1", "1"): ("matched", 600),
        (order_id, "R1", "2"): ("price_above_selected", 250),
        (order_id, "R2", "1"): ("no_invoice", 250),
    }
    assert await room.pool.fetchval("SELECT count(*) FROM accruals") == 3


@pytest.mark.parametrize("hours", [0, 1])
async def test_of_two_sales_the_later_sets_the_price_whichever_comes_first(
    room: Room, hours: int
) -> None:
    """Of one instant it is the one that stands later in the stream; in one batch or in two."""
    for number, in_one_batch in enumerate((True, True, False, False)):
        papers = Papers(number)
        told = [
            papers.invoice({"1": (UNIT, 10_000)}, "I1"),
            papers.invoice({"1": (UNIT, 20_000)}, "I2", at=MONDAY + timedelta(hours=hours)),
        ]
        receipt, ordered = papers.receipt({"1": 2 * UNIT}), told[:: 1 - number % 2 * 2]
        batches = (
            [[receipt, *ordered]] if in_one_batch else [[receipt], *([one] for one in ordered)]
        )
        for batch in batches:
            await tell(room, batch)
    assert list((await outcomes(room)).values()) == [("matched", 400)] * 4


async def test_a_row_says_whose_line_it_is_and_when_it_was_received(room: Room) -> None:
    papers = Papers(1, hospital="H36000000007")
    await tell(room, [papers.receipt({"1": UNIT})])
    row = await room.pool.fetchrow("SELECT * FROM receipt_lines")
    assert {name: row[name] for name in ("hospital_id", "payee_id", "pool", "product_id")} == {
        "hospital_id": "H36000000007",
        "payee_id": DISTRIBUTOR,
        "pool": "360000",
        "product_id": "P1",
    }
    assert (row["manufacturer_id"], row["batch_id"]) == (MAKER, "B1")
    assert (row["selected_price"], row["accepted"]) == (SELECTED, UNIT)
    assert row["occurred_at"] == MONDAY
    assert row["recorded_at"] == MONDAY + timedelta(minutes=3)


async def test_only_main_lines_of_which_something_was_accepted_are_there(room: Room) -> None:
    papers = Papers()
    await tell(
        room,
        [
            papers.receipt({"1": UNIT, "2": 0}),
            papers.receipt({"1": UNIT}, "R2", supplier_role="backup", selected_price=None),
            papers.invoice({"1": (UNIT, 1)}, "I2", receipt="R2", supplier_role="backup"),
            papers.answered_return({"1": UNIT}, "T2", supplier_role="backup"),
        ],
    )
    assert list(await outcomes(room)) == [(papers.order_id, "R1", "1")]
    assert (await rows_of(room))["return_lines"] == []


async def test_a_return_that_was_refused_leaves_no_row(room: Room) -> None:
    papers = Papers()
    await tell(room, [papers.answered_return({"1": UNIT}, "T1", confirmed=False)])
    assert (await rows_of(room))["return_lines"] == []


async def test_an_invoice_that_overtakes_its_receipt_waits_for_it_unseen(room: Room) -> None:
    papers = Papers()
    receipt, invoice = papers.receipt({"1": UNIT}), papers.invoice({"1": (UNIT, SELECTED)})
    await tell(room, [invoice])
    key = (papers.order_id, "R1", "1")
    assert await outcomes(room) == {key: (None, None)}
    assert await unmatched(room) == []
    await tell(room, [receipt])
    assert await outcomes(room) == {key: ("matched", 250)}


async def test_money_beyond_measure_stops_nobody(room: Room) -> None:
    most, papers = 10**16 - 1, Papers(1)
    absurd = [papers.invoice({"1": (most, most)}, f"I{n}") for n in range(1_000)]
    await tell(room, [papers.receipt({"1": most}), *absurd, Papers(2).receipt({"1": UNIT})])
    assert {outcome for outcome, _ in (await outcomes(room)).values()} == {
        "quantity_differs",
        "no_invoice",
    }


async def test_two_owners_of_one_order_lose_nothing_of_each_other(room: Room) -> None:
    """Each in its open transaction: the second waits for the first and adds to what it wrote."""
    papers = Papers()
    halves = [papers.invoice({"1": (UNIT, SELECTED)}, f"I{n}") for n in (1, 2)]
    receipt = papers.receipt({"1": 2 * UNIT})
    async with room.pool.acquire() as one, one.transaction():
        await fold_matching(one, [receipt, halves[0]], MONDAY)
        other = asyncio.create_task(tell(room, [halves[1], halves[0], receipt]))
        done, _ = await asyncio.wait([other], timeout=0.3)
        assert not done, "the second owner did not wait for the first"
    await other
    assert await outcomes(room) == {(papers.order_id, "R1", "1"): ("matched", 500)}


async def test_who_reads_the_sum_and_writes_it_loses_an_invoice(room: Room) -> None:
    """The naive way: both owners read before either has written."""
    await tell(room, [Papers().receipt({"1": 2 * UNIT})])
    both_have_read = asyncio.Barrier(2)

    async def naive() -> None:
        async with room.pool.acquire() as tx, tx.transaction():
            invoiced = await tx.fetchval("SELECT invoiced FROM receipt_lines")
            await both_have_read.wait()
            await tx.execute("UPDATE receipt_lines SET invoiced = $1", invoiced + UNIT)

    await asyncio.gather(naive(), naive())
    assert await room.pool.fetchval("SELECT invoiced FROM receipt_lines") == UNIT != 2 * UNIT


async def test_owners_who_hear_of_the_same_lines_never_wait_in_a_circle(room: Room) -> None:
    """One hears receipts where the other hears invoices; a hashed join gives one kind first."""
    orders = [Papers(number) for number in range(400)]
    receipts = [papers.receipt({"1": 3 * UNIT}) for papers in orders]

    async def owner(number: int) -> None:
        here, there = number % 2, 1 - number % 2
        invoices = [papers.invoice({"1": (UNIT, SELECTED)}, f"I{number}") for papers in orders]
        async with room.pool.acquire() as tx, tx.transaction():
            await tx.execute("SET LOCAL enable_mergejoin = off")
            await fold_matching(tx, [*receipts[here::2], *invoices[there::2]], MONDAY)

    await asyncio.gather(*map(owner, range(6)))
    assert set((await outcomes(room)).values()) == {("matched", 750)}


async def test_who_writes_in_the_order_of_arrival_waits_in_a_circle(room: Room) -> None:
    """The naive way: a statement for each fact, as it comes."""
    first, second = Papers(1).receipt({"1": UNIT}), Papers(2).receipt({"1": UNIT})
    both_hold_one = asyncio.Barrier(2)

    async def naive(records: Sequence[Record]) -> None:
        async with room.pool.acquire() as tx, tx.transaction():
            await fold_matching(tx, records[:1], MONDAY)
            await both_hold_one.wait()
            await fold_matching(tx, records[1:], MONDAY)

    with pytest.raises(asyncpg.DeadlockDetectedError):
        await asyncio.gather(naive([first, second]), naive([second, first]))


async def unmatched(
    room: Room, actor: Actor | None = None, after: tuple[str, ...] = ("",) * 4, **wanted: Any
) -> list[tuple[str, str]]:
    """Order and reason of what this caller sees as unmatched."""
    rows = await list_unmatched(
        room.pool, actor or Actor("ops", "360000"), UnmatchedFilter(**wanted), after=after, limit=2
    )
    return [(row["order_id"], row["outcome"]) for row in rows]


async def test_the_list_of_the_unmatched_goes_by_id_and_from_page_to_page(room: Room) -> None:
    far = Papers(1, hospital="H36050200009")
    await tell(room, [far.receipt({"1": UNIT}), *(r for n in (2, 1) for r in an_order(n))])
    one, two = f"{HOSPITAL}-1", f"{HOSPITAL}-2"
    assert await unmatched(room) == [(one, "price_above_selected"), (one, "no_invoice")]
    behind = (HOSPITAL, one, "R2", "1")
    assert await unmatched(room, after=behind) == [
        (two, "price_above_selected"),
        (two, "no_invoice"),
    ]
    assert await unmatched(room, after=(HOSPITAL, two, "R2", "1")) == [(far.order_id, "no_invoice")]
    assert await unmatched(room, hospital_id="H36050200009") == [(far.order_id, "no_invoice")]
    assert await unmatched(room, payee_id=MAKER) == []
