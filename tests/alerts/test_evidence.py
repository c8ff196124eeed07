"""Which events decide a line: the evidence behind each rate."""

from __future__ import annotations

from datetime import timedelta

from services.alerts.domain.outcome import decided_by, due_at
from tests.alerts.facts import (
    ANSWER_DUE,
    DELIVERY_DUE,
    MICROSECOND,
    SENT,
    accepted,
    arrived,
    cause,
    dispatched,
    due_moved,
    placed,
    received,
)
from tests.alerts.facts import known_of_line_one as known


def test_evidence_names_the_order_and_what_decided() -> None:
    facts = known(placed(), accepted(), dispatched(), arrived(SENT), received(SENT))
    assert decided_by(facts, "response") == [cause(1), cause(2)]
    assert decided_by(facts, "delivery") == [cause(1), cause(3)]
    assert decided_by(facts, "on_time") == [cause(1), cause(4)]
    assert decided_by(facts, "receipt") == [cause(1), cause(5)]
    assert due_at(facts, "answered") == ANSWER_DUE
    assert due_at(facts, "receipt") == DELIVERY_DUE


def test_evidence_of_a_receipt_that_moved_the_arrival_is_the_receipt() -> None:
    facts = known(placed(), arrived(SENT), received(DELIVERY_DUE))
    assert decided_by(facts, "on_time") == [cause(1), cause(3)]


def test_evidence_of_a_late_line_shows_every_arrival_of_a_hit_those_in_time() -> None:
    late = DELIVERY_DUE + MICROSECOND
    miss = known(placed(), arrived(SENT, 60, "D1"), arrived(late, 40, "D2"))
    assert decided_by(miss, "on_time") == [cause(1), cause(2), cause(3)]
    assert decided_by(miss, "on_time_first") == [cause(1), cause(2)]
    hit = known(placed(), arrived(SENT, 100, "D1"), arrived(late, 40, "D2"))
    assert decided_by(hit, "on_time") == [cause(1), cause(2)]


def test_evidence_names_the_fact_that_moved_the_due() -> None:
    facts = known(placed(), due_moved(DELIVERY_DUE + timedelta(days=1)))
    assert decided_by(facts, "on_time") == [cause(1), cause(2)]
    assert decided_by(facts, "response") == [cause(1)]
