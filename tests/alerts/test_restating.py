"""Which events changed a published figure: worked by hand, line by line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.alerts.domain.line import LineFacts
from services.alerts.domain.outcome import outcome
from services.alerts.domain.restating import caused_by
from services.alerts.policy import DELIVERY_RATES, ORDERS_YTD, RATES, RESPONSE_RATES
from tests.alerts.facts import (
    DELIVERY_DUE,
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
from tests.alerts.facts import known_of_line_one as known

HOUR = timedelta(hours=1)
LATE = DELIVERY_DUE + HOUR


def causes(rate: str, *facts: Any, published: int) -> list[int]:
    """The stream versions of the causes, when so many of the facts were known then."""
    then = known(*facts[:published]) if published else None
    found = caused_by(then, known(*facts), rate)
    numbers = {cause(n): n for n in range(1, len(facts) + 1)}
    return [numbers[one] for one in found]


def test_a_receipt_that_moves_the_arrival_is_the_cause() -> None:
    story = (placed(), dispatched(), arrived(SENT + HOUR), received(LATE))
    assert causes("on_time", *story, published=3) == [4]
    assert causes("receipt", *story, published=3) == [4]
    assert causes("delivery", *story, published=3) == []
    assert causes("response", *story, published=3) == []


def test_a_receipt_that_says_nothing_new_of_the_arrival_is_none_for_it() -> None:
    arrival = SENT + HOUR
    story = (placed(), dispatched(), arrived(arrival), received(arrival))
    assert causes("on_time", *story, published=2) == [3]
    assert causes("receipt", *story, published=2) == [4]


def test_an_order_known_since_is_a_cause_of_every_rate() -> None:
    for rate in (*RESPONSE_RATES, *DELIVERY_RATES, ORDERS_YTD):
        assert causes(rate, placed(), published=0) == [1]


def test_an_answer_causes_answers_and_an_acceptance_nothing_else() -> None:
    story = (placed(), accepted())
    assert causes("response", *story, published=1) == [2]
    assert causes(ORDERS_YTD, *story, published=1) == [2]
    assert causes("on_time", *story, published=1) == []


def test_an_excuse_that_is_borne_out_causes_every_rate() -> None:
    story = (placed(), refused(SENT, "hospital_request"), cancelled(LATE))
    for rate in ("response", "answered", "on_time", "delivery"):
        assert causes(rate, *story, published=2) == [3]
    assert causes("on_time", *story, published=1) == [2, 3]


def test_a_moved_due_causes_what_is_judged_by_it_and_a_void_causes_nothing() -> None:
    story = (placed(), due_moved(LATE + HOUR), voided(LATE))
    assert causes("on_time", *story, published=1) == [2]
    assert causes("answered", *story, published=1) == []


def test_a_fact_told_before_the_ones_it_follows_counts_where_it_turns_the_line() -> None:
    """What is known of a delivery comes in any order: the step that changed what it says is meant."""
    then = known(placed(), dispatched(50))
    now = known(placed(), dispatched(50), arrived(SENT + HOUR, 50), arrived(LATE, 50, "D2"))
    assert caused_by(then, now, "on_time_first") == [cause(3), cause(4)]
    assert caused_by(then, now, "delivery") == [cause(4)]


@pytest.mark.parametrize("published", range(6))
@pytest.mark.parametrize("first", range(5))
def test_a_line_that_counts_otherwise_has_a_cause(first: int, published: int) -> None:
    facts = [
        refused(SENT, "hospital_request"),
        cancelled(SENT + HOUR),
        dispatched(40),
        arrived(LATE, 60, "D2"),
        received(SENT + HOUR, 100, 90, 10, delivery_id="D1"),
    ]
    story = (placed(), *facts[first:], *facts[:first])
    then, now = known(*story[:published]), known(*story)
    for rate in RATES:
        if share(then, rate) != share(now, rate):
            found = caused_by(then, now, rate)
            assert found
            assert not {cause(n) for n in range(1, published + 1)} & set(found)


def share(facts: LineFacts, rate: str) -> Any:
    result = outcome(facts)
    if result is None:
        return None
    return {
        "response": (result.answer_counted, result.accepted),
        "answered": (result.answer_counted, result.answered),
        ORDERS_YTD: (result.answer_counted, result.answered),
        "on_time": (result.delivery_counted, result.on_time),
        "on_time_first": (result.delivery_counted, result.on_time_first),
        "delivery": (result.ordered, result.dispatched),
        "receipt": (result.ordered, result.received),
    }.get(rate)
