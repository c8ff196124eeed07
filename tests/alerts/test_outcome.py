"""What one line counts for: section 7 of the contract, sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.alerts.domain.outcome import Outcome, outcome
from shared.events.orders import OrderFact
from tests.alerts.facts import (
    ANSWER_DUE,
    DELIVERY_DUE,
    MICROSECOND,
    SENT,
    UNIT,
    a_line,
    accepted,
    arrived,
    cancelled,
    dispatched,
    due_moved,
    placed,
    received,
    refused,
    voided,
)
from tests.alerts.facts import known_of_line_one as known


def given(*facts: OrderFact) -> Outcome:
    result = outcome(known(*facts))
    assert result is not None
    return result


def test_an_order_that_has_not_arrived_counts_for_nothing() -> None:
    assert outcome(known(accepted())) is None


def test_a_silent_line_is_counted_and_missed_everywhere() -> None:
    result = given(placed())
    assert result.answer_counted
    assert result.delivery_counted
    assert not result.accepted
    assert not result.answered
    assert not result.on_time
    assert not result.on_time_first
    assert (result.ordered, result.dispatched, result.received) == (100 * UNIT, 0, 0)


def test_a_deadline_at_24_belongs_to_the_day_it_ends() -> None:
    result = given(placed())
    assert result.delivery_day == date(2026, 1, 8)
    assert result.response_day == date(2026, 1, 7)
    midnight = datetime(2026, 1, 6, 16, tzinfo=UTC)
    assert given(placed(answer_due=midnight)).response_day == date(2026, 1, 6)
    assert given(placed(answer_due=midnight + MICROSECOND)).response_day == date(2026, 1, 7)


@pytest.mark.parametrize(("late", "hit"), [(timedelta(0), True), (MICROSECOND, False)])
def test_an_acceptance_exactly_at_48_h_is_in_time(late: timedelta, hit: bool) -> None:
    result = given(placed(), accepted(ANSWER_DUE + late))
    assert result.accepted is hit
    assert result.answered is hit
    assert result.answer_counted


def test_a_refusal_is_an_answer_but_no_success() -> None:
    result = given(placed(), refused(ANSWER_DUE))
    assert result.answered
    assert not result.accepted
    assert result.answer_counted
    assert result.delivery_counted
    assert not result.excused


def test_the_first_answer_stands() -> None:
    result = given(placed(), refused(), accepted())
    assert not result.accepted
    assert result.answered


EXCUSES: list[tuple[str, Callable[[], list[Any]], Callable[[], list[Any]]]] = [
    (
        "product_suspended",
        lambda: [placed(), refused(ANSWER_DUE, "product_suspended", suspended=True)],
        lambda: [placed(), refused(ANSWER_DUE, "product_suspended")],
    ),
    (
        "no_agreement",
        lambda: [placed(a_line(agreement_id=None)), refused(ANSWER_DUE, "no_agreement")],
        lambda: [placed(), refused(ANSWER_DUE, "no_agreement")],
    ),
    (
        "wrong_product",
        lambda: [placed(), refused(reason="wrong_product"), cancelled(DELIVERY_DUE)],
        lambda: [placed(), refused(reason="wrong_product")],
    ),
    (
        "hospital_request",
        lambda: [placed(), refused(reason="hospital_request"), cancelled(DELIVERY_DUE)],
        lambda: [placed(), refused(reason="hospital_request")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "borne_out", "not_borne_out"), EXCUSES)
def test_an_excuse_counts_only_where_our_own_data_bear_it_out(
    reason: str, borne_out: Callable[[], list[Any]], not_borne_out: Callable[[], list[Any]]
) -> None:
    left_out = given(*borne_out())
    assert left_out.excused
    assert not left_out.answer_counted
    assert not left_out.delivery_counted
    assert left_out.ordered == 0
    counted = given(*not_borne_out())
    assert not counted.excused
    assert counted.answer_counted
    assert counted.delivery_counted


def test_an_excuse_after_the_response_due_is_none() -> None:
    facts = [
        placed(),
        refused(ANSWER_DUE + MICROSECOND, "product_suspended", suspended=True),
    ]
    assert not given(*facts).excused


def test_a_back_entered_line_counts_nowhere_and_is_counted_as_such() -> None:
    result = given(placed(back_entered=True), accepted(), dispatched(), arrived(SENT))
    assert result.back_entered
    assert not result.answer_counted
    assert not result.delivery_counted
    assert result.ordered == result.dispatched == 0


def test_a_back_entered_line_with_an_excuse_is_both() -> None:
    result = given(
        placed(a_line(agreement_id=None), back_entered=True), refused(reason="no_agreement")
    )
    assert result.back_entered
    assert result.excused


@pytest.mark.parametrize(("late", "counted"), [(timedelta(0), False), (MICROSECOND, True)])
def test_a_line_without_answer_cancelled_by_the_response_due_leaves_response(
    late: timedelta, counted: bool
) -> None:
    assert given(placed(), cancelled(ANSWER_DUE + late)).answer_counted is counted


def test_a_line_that_was_answered_stays_in_response_though_cancelled() -> None:
    result = given(placed(), accepted(), cancelled(SENT))
    assert result.answer_counted
    assert result.accepted
    assert not result.delivery_counted


@pytest.mark.parametrize(("late", "counted"), [(timedelta(0), False), (MICROSECOND, True)])
def test_a_line_cancelled_by_the_delivery_due_leaves_the_delivery_rates(
    late: timedelta, counted: bool
) -> None:
    result = given(placed(), cancelled(DELIVERY_DUE + late))
    assert result.delivery_counted is counted
    assert result.ordered == (100 * UNIT if counted else 0)


def test_refused_unanswered_and_void_lines_stay_in_on_time() -> None:
    assert given(placed(), refused()).delivery_counted
    assert given(placed(), voided(SENT + timedelta(days=7))).delivery_counted


@pytest.mark.parametrize(("late", "hit"), [(timedelta(0), True), (MICROSECOND, False)])
def test_an_arrival_exactly_at_the_due_is_on_time(late: timedelta, hit: bool) -> None:
    result = given(placed(), dispatched(), arrived(DELIVERY_DUE + late))
    assert result.on_time is hit
    assert result.on_time_first is hit
    assert result.dispatched == 100 * UNIT


def test_several_deliveries_reach_the_quantity_together() -> None:
    half = [placed(), arrived(SENT, 60, "D1")]
    assert not given(*half).on_time
    assert given(*half).on_time_first
    assert given(*half, arrived(DELIVERY_DUE, 40, "D2")).on_time
    assert not given(*half, arrived(DELIVERY_DUE + MICROSECOND, 40, "D2")).on_time


def test_what_its_receipt_rejected_does_not_arrive() -> None:
    facts = [placed(), dispatched(), arrived(SENT)]
    short = given(*facts, received(SENT, accepted_units=90, rejected_units=10))
    assert not short.on_time
    assert short.on_time_first
    assert short.received == 90 * UNIT
    own = given(*facts, received(SENT, accepted_units=90, rejected_units=10, arrives=100))
    assert own.on_time
    none = given(*facts, received(SENT, accepted_units=0, rejected_units=100))
    assert not none.on_time_first


def test_quantities_count_whenever_they_came_and_never_more_than_ordered() -> None:
    late = DELIVERY_DUE + timedelta(days=30)
    result = given(placed(), dispatched(150), received(late, 150, accepted_units=150))
    assert result.dispatched == result.received == result.ordered == 100 * UNIT
    assert not result.on_time


def test_over_delivery_of_one_delivery_fills_the_line() -> None:
    result = given(placed(), arrived(SENT, 30, "D1"), arrived(SENT, 80, "D2"))
    assert result.on_time
    assert result.dispatched == 100 * UNIT


def test_the_last_moved_due_judges() -> None:
    later = DELIVERY_DUE + timedelta(days=1)
    result = given(placed(), arrived(later), due_moved(later))
    assert result.on_time
    assert result.delivery_day == date(2026, 1, 9)
    back = given(placed(), arrived(later), due_moved(later), due_moved(DELIVERY_DUE))
    assert not back.on_time


def test_the_due_of_the_fact_is_taken_as_it_is() -> None:
    """An importer's `required_by`, an emergency's four hours: only `orders` computes dues."""
    hour = SENT + timedelta(hours=4)
    result = given(placed(a_line(delivery_due=hour), importer=True), arrived(hour))
    assert result.on_time
    assert result.delivery_day == date(2026, 1, 5)


def test_the_latest_fact_of_a_delivery_is_how_it_stands() -> None:
    late = DELIVERY_DUE + timedelta(days=1)
    facts = known(placed(), arrived(late), received(DELIVERY_DUE))
    result = outcome(facts)
    assert result is not None
    assert result.on_time
