"""Whether what was ordered has arrived, whatever order the facts were heard in, and however often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.consumer import hear
from services.feedback.domain.arriving import KnownOrder, MeasuredLine, measure, verdict
from services.feedback.domain.deliveries import arrived_lines, ordered_lines
from shared.events.envelope import Record
from shared.events.orders import OrderFact
from tests.feedback.order_facts import (
    DISTRIBUTOR,
    HOSPITAL,
    MAKER,
    ORDER,
    SENT,
    UNIT,
    arrived,
    cancelled,
    dispatched,
    ordered,
    placed,
    received,
    record,
    records,
    voided,
)

DAY = timedelta(days=1)


def known(heard: Iterable[Record]) -> KnownOrder:
    """The one order that these records are about, as it would be read back."""
    rows = hear(list(heard))
    [order] = rows.orders
    return KnownOrder(
        order.order_id,
        order.distributor_id,
        ordered_lines(order.lines),
        [(row.arrived_at, arrived_lines(row.lines)) for row in rows.arrivals],
        frozenset(row.line_id for row in rows.ended if row.is_cancelled),
        frozenset(row.line_id for row in rows.ended if not row.is_cancelled),
    )


def lines_after(*facts: OrderFact) -> list[MeasuredLine]:
    """The lines of P1 after these facts."""
    return measure(known(records(*facts)), "P1")


def line_after(*facts: OrderFact) -> tuple[str, int, Any]:
    """The one line of P1: its state, what arrived in units, and when."""
    [line] = lines_after(*facts)
    return line.state, line.arrived // UNIT, line.arrived_at


def test_an_order_that_nobody_delivered_has_not_arrived() -> None:
    assert line_after(placed()) == ("not_arrived", 0, None)


def test_what_is_on_its_way_has_not_arrived() -> None:
    assert line_after(placed(), dispatched()) == ("not_arrived", 0, None)


def test_goods_handed_over_have_arrived_before_anybody_checks_them_in() -> None:
    facts = placed(), dispatched(), arrived(SENT + DAY)
    assert line_after(*facts) == ("arrived", 100, SENT + DAY)


def test_a_receipt_corrects_the_arrival_of_its_delivery_and_adds_nothing_to_it() -> None:
    facts = placed(), arrived(SENT + DAY), received(SENT + 2 * DAY, rejected=30)
    assert line_after(*facts) == ("partly", 70, SENT + 2 * DAY)


def test_goods_all_rejected_for_a_fault_have_not_arrived() -> None:
    assert line_after(placed(), received(SENT + DAY, rejected=100)) == ("not_arrived", 0, None)


def test_a_line_is_complete_at_the_delivery_that_completes_it_not_at_a_later_one() -> None:
    facts = [
        placed(),
        arrived(SENT + 3 * DAY, "D3", _1=60),
        arrived(SENT + DAY, "D2", _1=60),
        arrived(SENT + 5 * DAY, "D1", _1=10),
    ]
    assert line_after(*facts) == ("arrived", 130, SENT + 3 * DAY)
    assert line_after(facts[0], facts[2]) == ("partly", 60, SENT + DAY)


def test_a_line_that_was_cancelled_or_became_void_is_said_so() -> None:
    assert line_after(placed(), cancelled()) == ("cancelled", 0, None)
    assert line_after(placed(), voided()) == ("void", 0, None)


def test_only_the_lines_of_the_product_are_measured() -> None:
    order = placed(ordered("1"), ordered("2", product_id="P2"), ordered("3"))
    facts = order, arrived(SENT + DAY, _1=100, _2=100)
    assert [(line.line_id, line.state) for line in lines_after(*facts)] == [
        ("1", "arrived"), ("3", "not_arrived"),
    ]  # fmt: skip
    assert measure(known(records(*facts)), "P3") == []


def a_line(state: Any) -> MeasuredLine:
    quantity = {"arrived": 2, "partly": 1}.get(state, 0)
    return MeasuredLine("1", "P1", 2, quantity, SENT if quantity else None, state)


@pytest.mark.parametrize(
    ("states", "missing", "expected"),
    [
        (["arrived", "arrived"], 0, "arrived"),
        (["arrived", "cancelled"], 0, "arrived"),
        (["arrived", "void"], 0, "partly"),
        (["arrived", "not_arrived"], 0, "partly"),
        (["arrived"], 1, "partly"),
        (["partly"], 0, "partly"),
        (["not_arrived"], 0, "not_arrived"),
        (["not_arrived"], 1, "not_arrived"),
        (["void", "cancelled"], 0, "not_arrived"),
        (["cancelled"], 0, "not_arrived"),
        ([], 1, "unknown"),
        ([], 0, "unknown"),
    ],
)
def test_everything_has_arrived_only_if_every_line_that_is_waited_for_has(
    states: list[str], missing: int, expected: str
) -> None:
    lines = [a_line(state) for state in states]
    assert verdict(lines, missing=missing) == expected
    assert verdict(lines[::-1], missing=missing) == expected


UNITS = st.integers(0, 120)
DAYS = st.integers(0, 9).map(lambda days: SENT + days * DAY)
DELIVERIES = st.sampled_from(["D1", "D2", "D3"])
FACTS: st.SearchStrategy[OrderFact] = st.one_of(
    st.builds(dispatched, DELIVERIES, _1=UNITS, _2=UNITS),
    st.builds(arrived, DAYS, DELIVERIES, _1=UNITS, _2=UNITS),
    st.builds(received, DAYS, DELIVERIES, rejected=st.integers(0, 9), _1=UNITS, _2=UNITS),
    st.sampled_from([cancelled("3"), voided("4")]),
)
STREAMS = st.lists(FACTS, max_size=8).map(lambda facts: [placed(), *facts])


@given(st.data(), STREAMS)
def test_any_permutation_and_duplication_of_the_facts_gives_the_same_bytes(
    data: st.DataObject, facts: Sequence[OrderFact]
) -> None:
    stream = records(*facts)
    again = data.draw(st.lists(st.sampled_from(stream), max_size=8))
    shuffled = data.draw(st.permutations([*stream, *again]))
    first, other = hear(stream), hear(shuffled)
    assert other.orders == first.orders
    assert other.ended == first.ended
    assert other.arrivals == first.arrivals


def test_rows_are_written_in_the_order_of_their_keys() -> None:
    """Else two owners with the same orders in their hands could wait for each other for ever."""
    ids = [f"{HOSPITAL}-{number}" for number in (3, 1, 2)]
    heard = hear(
        [
            record(fact, version)
            for order_id in ids
            for version, fact in enumerate(
                [
                    placed(order_id=order_id),
                    *(cancelled(line_id, order_id=order_id) for line_id in "21"),
                    *(arrived(SENT, name, order_id=order_id) for name in ("D2", "D1")),
                ],
                1,
            )
        ]
    )
    assert [row.order_id for row in heard.orders] == sorted(ids)
    for rows in (heard.ended, heard.arrivals):
        keys = [row[:2] for row in rows]
        assert len(keys) == 6
        assert keys == sorted(keys)


def test_an_order_keeps_of_its_fact_whose_it_is_and_what_was_ordered() -> None:
    [row] = hear(records(placed(ordered("7", units=12)))).orders
    assert row[:3] == (ORDER, HOSPITAL, DISTRIBUTOR)
    [line] = ordered_lines(row.lines)
    assert (line.line_id, line.product_id, line.manufacturer_id) == ("7", "P1", MAKER)
    assert line.quantity == 12 * UNIT
