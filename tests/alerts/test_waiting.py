"""Which lines wait for a word, and what a list makes of them: sentences over facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.domain.late_list import Candidate, is_morning, is_spent, lists_at
from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, absorb, parts_of
from services.alerts.domain.waiting import is_late, waits
from shared.events.orders import OrderFact
from tests.alerts.facts import (
    ANSWER_DUE,
    DELIVERY_DUE,
    MICROSECOND,
    SENT,
    accepted,
    arrived,
    cancelled,
    cause,
    dispatched,
    due_moved,
    placed,
    received,
    refused,
    voided,
)

NINE = datetime(2026, 1, 8, 1, tzinfo=UTC)
VOID_AT = SENT + timedelta(days=7)


def told(*facts: OrderFact, recorded_at: datetime | None = None) -> LineFacts:
    """Line 1 after these facts; `recorded_at` is the order's."""
    line = NOTHING_KNOWN
    for version, fact in enumerate(facts, 1):
        at = recorded_at if version == 1 and recorded_at else fact.at
        for _, part in parts_of(version, cause(version), fact, at):
            line = absorb(line, part)
    return line


def test_a_line_waits_from_its_order_on() -> None:
    assert not waits(NOTHING_KNOWN)
    assert waits(told(placed()))


@pytest.mark.parametrize(
    "fact",
    [
        accepted(),
        refused(),
        refused(DELIVERY_DUE),
        cancelled(),
        dispatched(),
        arrived(DELIVERY_DUE),
        received(DELIVERY_DUE),
    ],
)
def test_an_answer_a_dispatch_or_a_cancellation_ends_it_however_late(fact: OrderFact) -> None:
    assert not waits(told(placed(), fact))
    assert not waits(told(placed(), voided(VOID_AT), fact))


@pytest.mark.parametrize("fact", [voided(VOID_AT), due_moved(DELIVERY_DUE)])
def test_a_void_or_a_moved_due_does_not_end_it(fact: OrderFact) -> None:
    assert waits(told(placed(), fact))


def test_a_back_entered_order_waits_for_nobody() -> None:
    assert not waits(told(placed(back_entered=True)))


def test_an_order_that_reaches_us_after_its_expiry_waits_for_nobody() -> None:
    """An importer's: nobody could have answered it here."""
    assert waits(told(placed(), recorded_at=ANSWER_DUE - MICROSECOND))
    assert not waits(told(placed(), recorded_at=ANSWER_DUE))


def test_late_means_after_the_expiry_not_at_it() -> None:
    line = told(placed())
    assert not is_late(line, ANSWER_DUE)
    assert is_late(line, ANSWER_DUE + MICROSECOND)


FACTS = st.sampled_from(
    [accepted(), refused(), cancelled(), dispatched(), arrived(DELIVERY_DUE), received(DELIVERY_DUE),
     voided(VOID_AT), due_moved(DELIVERY_DUE), placed()]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(FACTS, max_size=6), st.data())
def test_any_order_and_any_repetition_wait_the_same(
    facts: list[OrderFact], data: st.DataObject
) -> None:
    versions = list(enumerate(facts, 1))
    again = data.draw(st.lists(st.sampled_from(versions), max_size=4)) if versions else []
    shuffled = data.draw(st.permutations([*versions, *again]))

    def heard(some: list[tuple[int, OrderFact]]) -> LineFacts:
        line = NOTHING_KNOWN
        for version, fact in some:
            for _, part in parts_of(version, cause(version), fact, fact.at):
                line = absorb(line, part)
        return line

    assert waits(heard(versions)) is waits(heard(shuffled))
    assert is_late(heard(versions), NINE) is is_late(heard(shuffled), NINE)


@given(st.lists(FACTS, max_size=6))
def test_a_line_begins_to_wait_once_and_ends_once(facts: list[OrderFact]) -> None:
    """So a row of the waiting is written at most twice in a line's life."""
    line, turns, was = NOTHING_KNOWN, 0, False
    for version, fact in enumerate(facts, 1):
        for _, part in parts_of(version, cause(version), fact, fact.at):
            line = absorb(line, part)
        turns, was = turns + (waits(line) is not was), waits(line)
    assert turns <= 2


def candidate(line: LineFacts, n: str = "1", *, before: bool = False, **more: Any) -> Candidate:
    given_: dict[str, Any] = {
        "order_id": "H36010200001-1",
        "line_id": n,
        "distributor_id": "D",
        "bureau": "360102",
        "hospital_id": "H36010200001",
        "product_id": "P1",
        "facts": line,
        "listed_before": before,
    }
    return Candidate(**given_ | more)


def test_a_list_names_its_lines_by_expiry_and_says_which_come_again() -> None:
    young = told(placed(at=SENT + timedelta(hours=1), answer_due=ANSWER_DUE + timedelta(hours=1)))
    found = lists_at([candidate(young, "1"), candidate(told(placed()), "2", before=True)], NINE)
    ((addressee, lines),) = found.items()
    assert addressee == ("D", "360102")
    assert [(line.line_id, line.occurrence) for line in lines] == [("2", "again"), ("1", "first")]
    assert (lines[0].sent_at, lines[0].expired_at) == (SENT, ANSWER_DUE)


def test_one_list_for_each_distributor_and_bureau() -> None:
    line = told(placed())
    found = lists_at(
        [
            candidate(line, "1", bureau="360121"),
            candidate(line, "2", distributor_id="C"),
            candidate(line, "3"),
        ],
        NINE,
    )
    assert list(found) == [("C", "360102"), ("D", "360102"), ("D", "360121")]


def test_a_void_line_is_listed_once_and_then_no_more() -> None:
    void = told(placed(), voided(VOID_AT))
    assert lists_at([candidate(void)], NINE)
    assert not lists_at([candidate(void, before=True)], NINE)
    assert lists_at([candidate(told(placed()), before=True)], NINE)
    assert is_spent(candidate(void, before=True))
    assert not is_spent(candidate(void))
    assert not is_spent(candidate(told(placed()), before=True))


def test_nine_is_a_morning_and_midnight_the_end_of_a_day() -> None:
    assert is_morning(NINE)
    assert not is_morning(datetime(2026, 1, 8, 16, tzinfo=UTC))
