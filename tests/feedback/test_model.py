"""The decider of tickets against the model that reads the contract: thousands of interleavings.

Awake, the worker comes at every due; asleep, it never does, and acts and readers find what is due.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from shared.events.feedback import ESCALATED, SOLVED, DeadlineMoved
from shared.kernel.decider import Decider
from tests.feedback.ticket_plays import Play, beginning
from tests.oracle import ticket_acts as wishes
from tests.oracle.ticket_town import CITY, COUNTY, PROVINCIAL

PLAYS = 600
BEGINNINGS = [
    "2026-01-05T09:00:00", "2026-02-12T23:59:59", "2026-04-30T16:00:00", "2026-09-18T00:00:00",
    "2026-09-29T12:00:00", "2026-12-21T10:00:00", "2026-12-30T09:00:00", "2027-01-29T08:00:00",
]  # fmt: skip

steps = st.lists(
    st.tuples(wishes.waits, st.one_of(wishes.acts, wishes.acts, st.none())),
    min_size=6,
    max_size=30,
)
openings = st.lists(
    st.tuples(st.sampled_from((COUNTY, COUNTY, CITY, PROVINCIAL)), st.sampled_from((False, True))),
    min_size=1,
    max_size=2,
)


years = st.lists(
    st.tuples(wishes.waits, st.one_of(wishes.acts, wishes.acts, wishes.notices)),
    min_size=6,
    max_size=24,
)


def played(
    told: st.SearchStrategy[Any],
    awake: bool,
    decider: Decider[Ticket, World] = TICKETS,
    phases: Collection[Phase] = tuple(Phase),
) -> list[Play]:
    """Many plays, each compared step by step and sixty days after its end."""
    plays: list[Play] = []

    @settings(
        max_examples=PLAYS, deadline=None, derandomize=True, database=None, phases=phases,
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(at=st.sampled_from(BEGINNINGS), opened=openings, told=told)
    def one(at: str, opened: list[tuple[str, bool]], told: list[Any]) -> None:
        play = beginning(at, awake, opened, decider)
        plays.append(play)
        for number, (wait, done) in enumerate(told):
            play.wait(wait)
            if isinstance(done, wishes.Notice):
                play.load(done)
            elif done is not None:
                play.act(number, done)
            play.compare()
        play.wait(wishes.Wait("days", 60))
        play.compare()

    one()
    return plays


@pytest.mark.parametrize("awake", [True, False], ids=["awake", "asleep"])
def test_any_interleaving_ends_in_the_models_state(awake: bool) -> None:
    plays = played(steps, awake)
    histories = [
        [step.type for step in model.history] for play in plays for model in play.models.values()
    ]
    assert len(histories) > PLAYS
    for rare in ("confirmed", "promise_broken", "province_overdue", "supervised", "closed"):
        assert sum(rare in history for history in histories) > 20, rare
    assert sum(history.count("reopened") > 1 for history in histories) > 20
    assert sum(history.count("escalated") > 1 for history in histories) > 100


@pytest.mark.parametrize("awake", [True, False], ids=["awake", "asleep"])
def test_years_loaded_in_between_move_what_the_model_moves(awake: bool) -> None:
    plays = played(years, awake)
    facts = [fact for play in plays for told in play.log.facts.values() for _, fact in told]
    assert sum(isinstance(fact, DeadlineMoved) for fact in facts) > 50


def _a_second_late(ticket: Ticket) -> datetime | None:
    due = TICKETS.due(ticket)
    return due and due + wishes.SECOND


def _never_climbs_at_a_reopen(ticket: Ticket | None, type_: str, fact: Any) -> Ticket:
    after = TICKETS.evolve(ticket, type_, fact)
    after.reopened_under_supervision = False
    return after


def _runs_on_while_solved(ticket: Ticket | None, type_: str, fact: Any) -> Ticket:
    before = {} if ticket is None else dict(ticket.running)
    after = TICKETS.evolve(ticket, type_, fact)
    if type_ == SOLVED and "level_due" in before:
        after.running["level_due"] = before["level_due"]
    return after


def _waits_on_every_level(ticket: Ticket | None, type_: str, fact: Any) -> Ticket:
    after = TICKETS.evolve(ticket, type_, fact)
    if type_ == ESCALATED and after.prominent:
        after.level = fact.from_level
    return after


@pytest.mark.parametrize(
    "wrong",
    [
        {"due": _a_second_late},
        {"evolve": _never_climbs_at_a_reopen},
        {"evolve": _runs_on_while_solved},
        {"evolve": _waits_on_every_level},
    ],
    ids=lambda wrong: next(iter(wrong.values())).__name__.strip("_"),
)
def test_a_decider_that_is_wrong_in_one_place_is_found_out(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        played(steps, False, replace(TICKETS, **wrong), [Phase.generate])
