"""The match over sets says what the pure match says, whatever is told and however it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.app import service
from services.settlement.consumer.matching import hear_lines
from services.settlement.domain.matching import Invoiced, Matched, match
from services.settlement.sets.matching import PairTotal, sum_matched
from shared.events.envelope import Record
from shared.kernel.clock import parse_instant
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY, open_room
from tests.settlement.papers import DISTRIBUTOR, HOSPITAL, SELECTED, UNIT, Papers, outcomes, tell

_numbers = count(1)

quantities = st.sampled_from([1, UNIT // 2, UNIT, 2 * UNIT, 3 * UNIT])
prices = st.sampled_from([0, 3_350, SELECTED - 1, SELECTED, SELECTED + 1])


class Told(NamedTuple):
    """One invoice of the story."""

    receipt: str
    lines: dict[str, tuple[int, int]]
    kind: str
    return_id: str | None
    hours: int


stories = st.fixed_dictionaries(
    {
        "receipts": st.lists(
            st.dictionaries(
                st.sampled_from(["1", "2"]), st.one_of(st.just(0), quantities), min_size=1
            ),
            min_size=1,
            max_size=2,
        ),
        "invoices": st.lists(
            st.builds(
                Told,
                receipt=st.sampled_from(["R0", "R1"]),
                lines=st.dictionaries(
                    st.sampled_from(["1", "2"]), st.tuples(quantities, prices), min_size=1
                ),
                kind=st.sampled_from(["sale", "sale", "credit"]),
                return_id=st.sampled_from([None, None, "T1"]),
                hours=st.integers(0, 2),
            ),
            max_size=6,
        ),
        "selected": st.sampled_from([SELECTED, SELECTED, None]),
        "arrival": st.randoms(use_true_random=False),
    }
)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def told(story: dict[str, Any]) -> tuple[Papers, list[Record]]:
    """The story as facts of an order that nobody has heard of."""
    papers = Papers(next(_numbers))
    records = [
        papers.receipt(accepted, f"R{n}", selected_price=story["selected"])
        for n, accepted in enumerate(story["receipts"])
    ]
    for n, one in enumerate(story["invoices"]):
        at = MONDAY + timedelta(hours=one.hours)
        records.append(
            papers.invoice(one.lines, f"I{n}", one.kind, one.receipt, one.return_id, at=at)
        )
    return papers, records


def expected(records: list[Record]) -> dict[tuple[str, str, str], tuple[str, int | None]]:
    """What the pure match says of every receipt line, with its amount where it is matched."""
    heard = hear_lines(records)
    verdicts = {}
    for line in heard.receipts:
        invoices = [
            Invoiced(i.kind, i.quantity, i.unit_price, i.occurred_at, i.version, i.return_id)
            for i in heard.invoices
            if (i.order_id, i.receipt_id, i.order_line_id) == line[:3]
        ]
        verdict = match(line.accepted, line.selected_price, invoices)
        if isinstance(verdict, Matched):
            verdicts[line[:3]] = ("matched", verdict.amount_fen)
        else:
            verdicts[line[:3]] = (verdict, None)
    return verdicts


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=stories)
async def test_rows_say_what_the_pure_match_says(room: Room, story: dict[str, Any]) -> None:
    papers, records = told(story)
    await arrive(room, records, story["arrival"])
    known = {
        key: (outcome, amount if outcome == "matched" else None)
        for key, (outcome, amount) in (await outcomes(room)).items()
        if key[0] == papers.order_id and outcome is not None
    }
    assert known == expected(records)


async def arrive(room: Room, records: list[Record], chance: Random) -> None:
    """Everything at least once, in any order, in batches of any size, by two owners at once."""
    heard = chance.sample(records, len(records)) + chance.choices(records, k=3)
    owners: list[list[list[Record]]] = [[], []]
    while heard:
        size = chance.randint(1, 4)
        owners[chance.randrange(2)].append(heard[:size])
        heard = heard[size:]

    async def own(batches: list[list[Record]]) -> None:
        for batch in batches:
            await tell(room, batch)

    await asyncio.gather(*map(own, owners))


async def test_a_month_adds_up_what_is_matched_by_hospital_and_payee(room: Room) -> None:
    month_end = MONDAY + timedelta(days=20)
    other = Papers(2, hospital="H36050200009")
    records = []
    for papers in (Papers(1), other):
        for line, at in (("1", MONDAY), ("2", month_end - timedelta(seconds=1)), ("3", month_end)):
            records.append(papers.receipt({line: 3 * UNIT}, f"R{line}", at=at))
            records.append(
                papers.invoice({line: (3 * UNIT, 3_350)}, f"I{line}", receipt=f"R{line}", at=at)
            )
    records.append(Papers(3).receipt({"1": UNIT}))
    await tell(room, records)
    assert await sum_matched(room.pool, begins=MONDAY, ends=month_end) == [
        PairTotal(HOSPITAL, DISTRIBUTOR, 2, 202),
        PairTotal("H36050200009", DISTRIBUTOR, 2, 202),
    ]


async def test_what_the_draft_of_a_month_could_not_take_the_next_one_sees(room: Room) -> None:
    """It was matched later, occurred later, or was heard of later: its invoice was parked."""
    january, february, march = (
        parse_instant(f"2026-0{month}-01T00:00:00+08:00") for month in (1, 2, 3)
    )
    draft = february + timedelta(days=6)
    papers = Papers()
    taken = [papers.receipt({"1": UNIT, "2": UNIT}), papers.invoice({"1": (UNIT, SELECTED)}, "I1")]
    parked = papers.invoice({"2": (UNIT, SELECTED)}, "I2")
    later = Papers(2)
    first_minute = later.receipt({"1": 2 * UNIT}, at=february)
    invoiced_at_once = later.invoice({"1": (2 * UNIT, SELECTED)}, at=february)
    await tell(room, taken)
    await tell(room, [first_minute, invoiced_at_once], now=february - timedelta(minutes=4))
    of_january = await sum_matched(room.pool, begins=january, ends=february)
    assert of_january == [PairTotal(HOSPITAL, DISTRIBUTOR, 1, 250)]
    await tell(room, taken, now=draft + timedelta(days=1))  # again, which is no change
    assert await sum_matched(room.pool, begins=february, ends=march) == [
        PairTotal(HOSPITAL, DISTRIBUTOR, 1, 500)
    ]
    await tell(room, [parked], now=draft + timedelta(days=2))
    for _ in range(2):
        assert await sum_matched(room.pool, begins=february, ends=march) == [
            PairTotal(HOSPITAL, DISTRIBUTOR, 2, 750)
        ]
        await tell(room, [parked, *taken])
