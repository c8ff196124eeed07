"""The tester is tested: each planted fault is found under its own promise, and a sound history passes."""

from __future__ import annotations

import pytest

from tests.chaos.history.checker import checks, complaints
from tests.chaos.history.planted import FAULTS, Plant, told
from tests.chaos.history.sound import HOSPITAL, answer, event, row, sound

PLANTED = [(promise, plant) for promise, plants in FAULTS.items() for plant in plants]


def test_a_history_in_which_every_promise_was_kept_passes() -> None:
    """Duplicates, an unknown one that was sent again and a refusal are no faults."""
    assert complaints(sound()) == {}


@pytest.mark.parametrize(
    ("promise", "plant"), PLANTED, ids=[f"{p}: {plant.__name__}" for p, plant in PLANTED]
)
def test_a_planted_fault_is_found(promise: str, plant: Plant) -> None:
    """Under the promise that it breaks."""
    found = sound()
    plant(found)
    assert complaints(found).get(promise), f"{promise} does not see {plant.__name__}"


def test_every_promise_has_a_fault_planted() -> None:
    """A check that nothing can fail is found here."""
    assert checks(sound()).keys() == FAULTS.keys()
    assert all(FAULTS.values())


def test_an_unknown_event_may_stand_once_or_not_at_all() -> None:
    """Nobody can say what became of a request that was cut; refused in the end, it may still stand."""
    found = sound()
    made = {"what": "made", "event": event(HOSPITAL, "o1-7", "t")}
    unknown = {"what": "unknown", "ids": ["o1-7"]}
    told(found, made, unknown, answer("o1-7", "rejected", code="occurred_in_future"))
    assert "told is true" not in complaints(found)
    found.rows.append(row("orders", 4, "order-o1", 3, event(HOSPITAL, "o1-7", "t")))
    assert "told is true" not in complaints(found)
    found.rows.append(row("orders", 5, "order-o1", 4, event(HOSPITAL, "o1-7", "t")))
    assert "told is true" in complaints(found)
