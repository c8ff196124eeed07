"""What is owed over sets is what the pure rules say, for every hospital and payee at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.settlement.api.hospital_pays.owing import arrears_of_pairs
from services.settlement.app import service
from services.settlement.domain.ageing import aged
from services.settlement.domain.dues import Accepted, Dues, GivenBack, LineKey, Paid, dues_of
from services.settlement.domain.receipts import InvoiceLine, ReceiptLine, ReturnLine
from services.settlement.policy import PaymentTerms
from services.settlement.projections.receipts import add_return_lines
from services.settlement.sets.dues import START, due_lines, pair_buckets
from services.settlement.sets.matching import absorb
from shared.kernel.clock import day_start
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY, open_room
from tests.settlement import owing
from tests.settlement.owing import LINES

PAYEES = ("91360000MA00000D15", "91360000MA00000D23")
_hospitals = count(1)

_PAY = """
INSERT INTO hospital_payments (payment_id, hospital_id, payee_id, amount_fen, paid_on,
                               bank_reference, state, reported_at, reported_by)
VALUES ($1, $2, $3, $4, $5, $1, $6, now(), 'hospital')"""

_CLAIM = """
INSERT INTO statement_lines (statement, order_id, receipt_id, order_line_id, product_id, quantity,
                             unit_price, amount_fen, freed_at)
VALUES (1, $1, $2, $3, 'P1', 1, 1, 1, $4)"""


class Story(NamedTuple):
    """What one hospital and one payee have done; `unmatched` and `claimed` lines are not owed."""

    accepted: list[Accepted]
    given_back: list[GivenBack]
    payments: list[Paid]
    unmatched: set[LineKey]
    claimed: set[LineKey]
    freed: set[LineKey]

    def owed(self) -> list[Accepted]:
        return [one for one in self.accepted if one.key not in self.unmatched | self.claimed]


some_lines = st.one_of(st.just(set()), st.just(set()), st.sets(st.sampled_from(LINES), max_size=1))
stories = st.builds(
    Story, owing.accepted, owing.given_back, owing.payments, some_lines, some_lines, some_lines
)

THIRTY = PaymentTerms("v", 30, None, (30, 60, 90))

OUT_OF_ORDER = Story(
    [
        Accepted(LINES[0], owing.FIRST + timedelta(days=1), owing.UNIT, 25_000),
        Accepted(LINES[1], owing.FIRST, owing.UNIT, 25_000),
    ],
    [GivenBack("T1", LINES[0], owing.FIRST + timedelta(days=1), owing.UNIT // 2)],
    [Paid("A", owing.FIRST + timedelta(days=1), 34)],
    set(), set(), set(),
)  # fmt: skip
"""What is due first is not first by its key, and everything happens on the day that is asked for."""

HALVES = Story(
    [Accepted(LINES[0], owing.FIRST, 2 * owing.UNIT, 50), Accepted(LINES[2], owing.FIRST, 1, 25_000)],
    [GivenBack(id_, LINES[0], owing.FIRST, owing.UNIT) for id_ in ("T1", "T2")],
    [], set(), set(), set(),
)  # fmt: skip
"""Two returns are rounded to more than the line they go back of."""


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def placed(story: Story, hospital: str, payee: str) -> Story:
    """The story under orders that nobody has heard of, in the same order of keys."""

    def key(of: LineKey) -> LineKey:
        return (f"{hospital}-{PAYEES.index(payee)}-{of[0]}", *of[1:])

    return Story(
        [one._replace(key=key(one.key)) for one in story.accepted],
        [one._replace(key=key(one.key)) for one in story.given_back],
        [one._replace(payment_id=f"{hospital}-{payee}-{one.payment_id}") for one in story.payments],
        *({key(one) for one in lines} for lines in story[3:]),
    )  # fmt: skip


async def told(room: Room, story: Story, hospital: str, payee: str) -> None:
    """The story as rows, as the fold and the doors would write them."""
    receipts, invoices = [], []
    for number, line in enumerate(story.accepted):
        at = day_start(line.accepted_on)
        receipts.append(
            ReceiptLine(
                *line.key, hospital, payee, "360100", "P1", "M", "B1", 25_000, line.quantity, at, at
            )
        )
        short = line.key in story.unmatched
        invoices.append(
            InvoiceLine(
                line.key[0], f"I{number}", line.key[2], line.key[1], "sale", None,
                line.quantity + short, line.unit_price, at, 1, at,
            )
        )  # fmt: skip
    backs = [
        ReturnLine(
            back.key[0], back.return_id, back.key[2], back.key[1], hospital, payee, "360100", "P1",
            back.quantity, day_start(back.confirmed_on), day_start(back.confirmed_on),
        )
        for back in story.given_back
    ]  # fmt: skip
    async with room.pool.acquire() as tx, tx.transaction():
        await absorb(tx, receipts, invoices, MONDAY)
        await add_return_lines(tx, backs)
        for line in story.claimed:
            await tx.execute(_CLAIM, *line, None)
        for line in story.freed - story.claimed:
            await tx.execute(_CLAIM, *line, MONDAY)
        for paid in story.payments:
            await tx.execute(
                _PAY, paid.payment_id, hospital, payee, paid.amount_fen, paid.paid_on, paid.state
            )


async def every_line(
    room: Room, hospital: str, terms: PaymentTerms, day: date, **wanted: Any
) -> list[Any]:
    """All lines of a hospital, a page of two at a time."""
    rows: list[Any] = []
    after = START
    while True:
        page = await due_lines(
            room.pool, hospital, None, terms, day, after=after, limit=2, **wanted
        )
        rows += page
        if len(page) < 2:
            return rows
        last = page[-1]
        after = (last["payee_id"], last["due_on"], *key_of(last))


def key_of(row: Any) -> LineKey:
    return row["order_id"], row["receipt_id"], row["order_line_id"]


def figures(row: Any) -> tuple[Any, ...]:
    fen = (row["amount_fen"], row["returned_fen"], row["paid_fen"], row["open_fen"])
    return (row["payee_id"], row["due_on"], key_of(row), *map(int, fen))


def expected(payee: str, dues: Dues) -> list[tuple[Any, ...]]:
    return [
        (payee, d.due_on, d.key, d.amount_fen, d.returned_fen, d.paid_fen, d.open_fen)
        for d in dues.lines
    ]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(pair=(OUT_OF_ORDER, HALVES), terms=THIRTY, day=owing.FIRST + timedelta(days=1))
@given(
    pair=st.tuples(stories, stories), terms=owing.terms, day=owing.days,
)  # fmt: skip
async def test_rows_say_what_the_pure_rules_say(
    room: Room, pair: Sequence[Story], terms: PaymentTerms, day: date
) -> None:
    hospital = f"H360102{next(_hospitals):05}"
    lines, sums = [], []
    for payee, story in zip(PAYEES, pair, strict=True):
        one = placed(story, hospital, payee)
        await told(room, one, hospital, payee)
        dues = dues_of(one.owed(), one.given_back, one.payments, terms, day)
        lines += expected(payee, dues)
        arrears = aged(dues, day, terms.ageing_days)
        if dues.lines or dues.paid_fen:
            sums.append((hospital, payee, arrears))
    found = await every_line(room, hospital, terms, day, paid_too=True)
    assert [figures(row) for row in found] == lines
    still_open = [line for line in lines if line[-1]]
    found = await every_line(room, hospital, terms, day)
    assert [figures(row) for row in found] == still_open
    found = await every_line(room, hospital, terms, day, overdue_only=True)
    assert [figures(row) for row in found] == [line for line in still_open if line[1] < day]
    buckets = await pair_buckets(room.pool, [hospital], None, terms, day)
    assert arrears_of_pairs(buckets, terms.ageing_days) == sums
    of_second = await pair_buckets(room.pool, [hospital], PAYEES[1], terms, day)
    assert arrears_of_pairs(of_second, terms.ageing_days) == [
        one for one in sums if one[1] == PAYEES[1]
    ]


async def test_what_the_fund_has_taken_the_hospital_does_not_owe(room: Room) -> None:
    """A pool that changes its mode pays nothing twice; a line that a dispute freed is owed again."""
    hospital, terms = "H36010299999", THIRTY
    line = Accepted(LINES[0], owing.FIRST, owing.UNIT, 25_000)
    story = placed(Story([line], [], [], set(), {line.key}, set()), hospital, PAYEES[0])
    await told(room, story, hospital, PAYEES[0])
    assert await pair_buckets(room.pool, [hospital], None, terms, owing.FIRST) == []
    await room.pool.execute("UPDATE statement_lines SET freed_at = now()")
    [owed] = await pair_buckets(room.pool, [hospital], None, terms, owing.FIRST)
    assert owed.open_fen == 250
