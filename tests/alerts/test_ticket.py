"""What one ticket says to `feedback.v1`, whatever order its facts came in: worked by hand."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.feedback import (
    ticket_caused_by,
    ticket_decided_by,
    ticket_due,
    ticket_outcome,
)
from services.alerts.domain.ticket import TicketFacts, ticket_from_bytes, ticket_to_bytes
from shared.kernel.clock import due_day
from tests.alerts.complaints import (
    HOUR,
    PROMISED,
    REPLY_DUE,
    cause,
    closed,
    complaints_of,
    known,
    known_of,
    moved,
    opened,
    reopened,
    replied,
    solved,
    some_tickets,
    story,
)
from tests.alerts.facts import HOSPITAL, MICROSECOND, SENT

DAY = timedelta(days=1)


def is_hit(facts: TicketFacts) -> bool:
    outcome = ticket_outcome(facts)
    assert outcome is not None
    return outcome.solved


def causes(*versions: int) -> list[object]:
    return [cause(f"{HOSPITAL}-T1", version) for version in versions]


def test_without_an_accepted_reply_the_reply_due_is_judged() -> None:
    assert ticket_due(known(opened())) == REPLY_DUE
    assert is_hit(known(opened(), solved(REPLY_DUE)))
    assert not is_hit(known(opened(), solved(REPLY_DUE + MICROSECOND)))


def test_with_a_reply_in_time_the_promise_is_judged() -> None:
    at_the_last_moment = replied(REPLY_DUE)
    assert ticket_due(known(opened(), at_the_last_moment)) == PROMISED
    assert is_hit(known(opened(), at_the_last_moment, solved(PROMISED)))
    assert not is_hit(known(opened(), at_the_last_moment, solved(PROMISED + MICROSECOND)))


def test_a_late_reply_promises_nothing() -> None:
    facts = known(opened(), replied(REPLY_DUE + MICROSECOND, late=True), solved(PROMISED))
    assert ticket_due(facts) == REPLY_DUE
    assert not is_hit(facts)
    assert ticket_decided_by(facts) == causes(1, 3)


def test_a_promise_may_lie_before_the_reply_due() -> None:
    early = known(opened(), replied(SENT, SENT + HOUR), solved(REPLY_DUE))
    assert not is_hit(early)


def test_a_reply_due_that_was_moved_decides_whether_a_reply_was_in_time() -> None:
    reply = replied(REPLY_DUE + HOUR)
    assert ticket_due(known(opened(), moved(REPLY_DUE + DAY), reply)) == PROMISED
    back = known(opened(), moved(REPLY_DUE + DAY), moved(REPLY_DUE), reply)
    assert ticket_due(back) == REPLY_DUE


def test_other_deadlines_that_move_change_nothing() -> None:
    assert ticket_due(known(opened(), moved(REPLY_DUE + DAY, "promise_limit"))) == REPLY_DUE


def test_a_solution_that_was_reopened_does_not_stand_and_the_last_one_counts() -> None:
    again = (opened(), solved(SENT + HOUR), reopened(SENT + 2 * HOUR))
    assert not is_hit(known(*again))
    assert is_hit(known(*again, solved(REPLY_DUE)))
    assert not is_hit(known(*again, solved(REPLY_DUE + HOUR)))


def test_closing_changes_nothing() -> None:
    assert not is_hit(known(opened(), closed(SENT + HOUR)))
    assert is_hit(known(opened(), solved(SENT + HOUR), closed(SENT + 2 * HOUR)))


def test_a_ticket_whose_opening_has_not_arrived_counts_nowhere() -> None:
    late = known_of(story(opened(), solved(SENT + HOUR))[1:])
    assert ticket_outcome(late) is None
    assert ticket_decided_by(late) == []


def test_evidence_names_what_decided_and_nothing_else() -> None:
    whole = known(opened(), moved(REPLY_DUE + DAY), replied(), solved(SENT + HOUR))
    assert ticket_decided_by(whole) == causes(1, 2, 3, 4)
    missed = known(opened(), solved(SENT + HOUR), reopened(SENT + 2 * HOUR))
    assert ticket_decided_by(missed) == causes(1, 2, 3)
    mended = known(opened(), solved(SENT), reopened(SENT), solved(SENT + HOUR))
    assert ticket_decided_by(mended) == causes(1, 4)


@pytest.mark.parametrize("seed", range(60))
def test_a_ticket_that_counts_otherwise_has_a_cause_that_was_not_known(seed: int) -> None:
    random = Random(seed)
    records = some_tickets(random, 1)
    random.shuffle(records)
    for cut in range(len(records)):
        then, now = known_of(records[:cut]), known_of(records)
        found = ticket_caused_by(then, now)
        assert not {one.event_id for one in records[:cut]} & {one.id for one in found}
        if ticket_outcome(then) != ticket_outcome(now):
            assert found


@given(st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_bytes(random: Random) -> None:
    records = some_tickets(random, 1)
    expected = known_of(records)
    shuffled = [*records, *random.choices(records, k=3)]
    random.shuffle(shuffled)
    assert known_of(shuffled) == expected
    stored = ticket_to_bytes(known_of(shuffled))
    assert stored == ticket_to_bytes(expected)
    assert ticket_from_bytes(stored) == expected


@given(st.randoms(use_true_random=False))
def test_a_ticket_says_what_its_facts_say_one_after_another(random: Random) -> None:
    records = some_tickets(random, 1)
    [told] = complaints_of(records)
    outcome = ticket_outcome(known_of(records))
    assert outcome == (due_day(told.due), told.hit)
