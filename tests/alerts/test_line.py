"""Whatever order the facts of a line were heard in, and however often: the same value, the same bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.domain.line import (
    NOTHING_KNOWN,
    LineFacts,
    absorb,
    from_bytes,
    parts_of,
    to_bytes,
)
from services.alerts.domain.outcome import decided_by, outcome
from services.alerts.policy import LINE_RATES
from shared.events.orders import OrderFact
from tests.alerts.facts import (
    DELIVERY_DUE,
    SENT,
    UNIT,
    a_line,
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

Versioned = tuple[int, OrderFact]
INSTANTS = st.integers(0, 12 * 24).map(lambda hours: SENT + timedelta(hours=hours))
UNITS = st.integers(1, 120)
DELIVERIES = st.sampled_from(["D1", "D2", "D3"])
REASONS = st.sampled_from(
    ["product_suspended", "no_agreement", "wrong_product", "hospital_request", "no_stock", None]
)
FACTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(accepted, INSTANTS),
    st.builds(refused, INSTANTS, REASONS, suspended=st.booleans()),
    st.builds(cancelled, INSTANTS),
    st.builds(voided, INSTANTS),
    st.builds(due_moved, INSTANTS),
    st.builds(dispatched, UNITS, DELIVERIES),
    st.builds(arrived, INSTANTS, UNITS, DELIVERIES),
    st.builds(received, INSTANTS, UNITS, UNITS, st.integers(0, 1), delivery_id=DELIVERIES),
)
PLACED = st.builds(
    lambda units, agreement, back: placed(
        a_line(quantity=units * UNIT, agreement_id=agreement), back_entered=back
    ),
    UNITS,
    st.sampled_from(["A1", None]),
    st.booleans(),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Versioned]:
    """A stream of facts, with or without its order, versions as in the stream."""
    facts = draw(st.lists(FACTS, max_size=8))
    if draw(st.booleans()):
        facts.insert(draw(st.integers(0, len(facts))), draw(PLACED))
    return list(enumerate(facts, 1))


def heard(history: list[Versioned]) -> LineFacts:
    line = NOTHING_KNOWN
    for version, fact in history:
        for _, part in parts_of(version, cause(version), fact, fact.at):
            # Through the stored form each time, as between two batches.
            line = absorb(from_bytes(to_bytes(line)), part)
    return line


@settings(max_examples=400)
@given(histories(), st.data())
def test_any_order_and_any_repetition_give_the_same_value(
    history: list[Versioned], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=5)) if history else []
    shuffled = data.draw(st.permutations([*history, *again]))
    one, other = heard(history), heard(shuffled)
    assert to_bytes(one) == to_bytes(other)
    assert outcome(one) == outcome(other)
    for rate in LINE_RATES:
        assert decided_by(one, rate) == decided_by(other, rate)


@given(histories())
def test_what_is_known_already_changes_nothing_not_even_the_object(
    history: list[Versioned],
) -> None:
    line = heard(history)
    for version, fact in history:
        for _, part in parts_of(version, cause(version), fact, fact.at):
            assert absorb(line, part) is line


@given(histories())
def test_hits_are_counted_and_quantities_lie_within_the_ordered(history: list[Versioned]) -> None:
    result = outcome(heard(history))
    if result is None:
        return
    assert result.accepted <= result.answered <= result.answer_counted
    assert result.on_time <= result.on_time_first <= result.delivery_counted
    assert 0 <= result.dispatched <= result.ordered
    assert 0 <= result.received <= result.ordered
    assert (result.ordered > 0) is result.delivery_counted
    if result.back_entered or result.excused:
        assert not result.answer_counted
        assert not result.delivery_counted


def test_facts_of_an_order_that_comes_later_are_kept() -> None:
    early: list[Versioned] = [(2, accepted()), (3, dispatched()), (4, arrived(DELIVERY_DUE))]
    assert outcome(heard(early)) is None
    result = outcome(heard([*early, (1, placed())]))
    assert result is not None
    assert result.accepted
    assert result.on_time
