"""Any interleaving of what people do with tickets, of time and of restarts ends in the model's state.

The machine plays over HTTP against one sandbox a bus, and compares after every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.testing.sandbox import running_sandbox
from tests.journeys.ticket_desk import HOSPITALS, Desk, Pair, load_all, move_all
from tests.oracle import ticket_acts as wishes
from tests.oracle.ticket_town import COUNTY

assert running_sandbox  # what makes the journeys' conftest play this module on each bus

# A failing play cannot be told again at the instant at which it failed, for time goes on: nothing
# is shrunk, and the steps stand in the report.
SETTINGS = settings(
    stateful_step_count=30, deadline=None, derandomize=True, database=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
PLAYS = {"log": 25, "kafka": 10}
"""The rules are the same over a broker, but every step of the clock waits for it."""

RESTARTS = {"log": 2, "kafka": 1}
MOST_TICKETS = 3

hospitals = st.sampled_from((*HOSPITALS, COUNTY))
numbers = st.integers(0, MOST_TICKETS - 1)


class Tickets(RuleBasedStateMachine):
    """A play: up to three tickets that share their time, their calendar and their server."""

    desk: ClassVar[Desk]
    restarts: ClassVar[int]
    played: ClassVar[list[Pair]]

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[Pair] = []

    def pair(self, number: int) -> Pair:
        """One of the tickets there are."""
        return self.pairs[number % len(self.pairs)]

    @initialize(hospital=hospitals, prominent=st.booleans())
    def begins(self, hospital: str, prominent: bool) -> None:
        self.open(hospital, prominent)

    @precondition(lambda self: 0 < len(self.pairs) < MOST_TICKETS)
    @rule(hospital=hospitals, prominent=st.booleans())
    def opens(self, hospital: str, prominent: bool) -> None:
        self.open(hospital, prominent)

    def open(self, hospital: str, prominent: bool) -> None:
        """A ticket more."""
        self.pairs.append(Pair(self.desk, hospital, prominent))
        self.played.append(self.pairs[-1])

    @rule(number=numbers)
    def opens_again(self, number: int) -> None:
        pair = self.pair(number)
        assert pair.open_again().status_code == 200
        other = pair.open_again(description="另一问题")
        assert (other.status_code, other.json()["code"]) == (409, "conflicting_duplicate")

    @rule(wait=wishes.waits)
    def waits(self, wait: wishes.Wait) -> None:
        move_all(self.desk, self.pairs, wait)

    @rule(number=numbers, act=wishes.acts)
    def acts(self, number: int, act: wishes.Act) -> None:
        self.pair(number).act(act)

    @rule(number=numbers, act=wishes.acts, wait=wishes.waits)
    def acts_later(self, number: int, act: wishes.Act, wait: wishes.Wait) -> None:
        move_all(self.desk, self.pairs, wait)
        self.pair(number).act(act)

    @rule(number=numbers, act=wishes.acts)
    def acts_twice_under_one_key(self, number: int, act: wishes.Act) -> None:
        self.pair(number).act(act, twice=True)

    @rule(notice=wishes.notices)
    def loads_a_year(self, notice: wishes.Notice) -> None:
        load_all(self.desk, self.pairs, notice)

    @precondition(lambda self: type(self).restarts > 0)
    @rule()
    def restarts_the_sandbox(self) -> None:
        type(self).restarts -= 1
        self.desk.restart()

    @invariant()
    def is_the_models(self) -> None:
        for pair in self.pairs:
            pair.compare()


@pytest.fixture(scope="module")
def desk(bus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A sandbox that can be killed, at the end of a year whose next is not announced."""
    running = Desk("2026-11-16T09:00:00+08:00", tmp_path_factory.mktemp("tickets"))
    try:
        yield running
    finally:
        running.close()


def test_any_interleaving_ends_in_the_models_state(bus: str, desk: Desk) -> None:
    machine = type(
        "Played", (Tickets,), {"desk": desk, "restarts": RESTARTS[bus], "played": []}
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=PLAYS[bus]))
    assert machine.restarts == 0
    histories = [[step.type for step in pair.model.history] for pair in machine.played]
    reached = {type_ for history in histories for type_ in history}
    assert reached == {
        "opened", "replied", "solved", "confirmed", "reopened", "reply_overdue", "promise_broken",
        "supervision_began", "escalated", "province_overdue", "supervised", "closed",
    }  # fmt: skip
    # Whoever follows the feed has seen what the histories said, and what came after their plays.
    feed = followed(desk)
    for pair, history in zip(machine.played, histories, strict=True):
        told = [type_ for type_ in feed[pair.ticket_id] if type_ != "deadline_moved"]
        assert told[: len(history)] == history


def followed(desk: Desk) -> dict[str, list[str]]:
    """The facts of each ticket on the feed of feedback, in commit order."""
    found: dict[str, list[str]] = {}
    after = ""
    while True:
        page = desk.get(f"/feedback/v1/changes?limit=1000{after}")
        for event in page["items"]:
            if event["type"].startswith("jicai.ticket."):
                type_ = event["type"].removeprefix("jicai.ticket.").removesuffix(".v1")
                found.setdefault(event["data"]["ticket_id"], []).append(type_)
        if not page["items"]:
            return found
        after = f"&after={page['next']}"
