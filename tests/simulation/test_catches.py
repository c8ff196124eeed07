"""Who tests the testers: every planted fault is found by a few seeds, and its story becomes short."""

from __future__ import annotations

import pytest

from tests.simulation.drawing import drawn
from tests.simulation.plants import PLANTS
from tests.simulation.province import Province
from tests.simulation.shrinking import shrunk
from tests.simulation.simulation import Failure, tried
from tests.simulation.steps import Story
from tests.simulation.telling import words_of
from tests.simulation.wiring import Wiring

SEEDS = 250
SHORT = 9


def _first(wiring: Wiring) -> tuple[Story, Failure]:
    """The first story that notices the fault."""
    for seed in range(SEEDS):
        story = drawn(seed)
        found = tried(story, wiring)
        if isinstance(found, Failure):
            return story, found
    pytest.fail(f"{SEEDS} seeds noticed nothing")


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_caught_and_its_story_is_short(fault: str) -> None:
    """The shortest story breaks with the fault in it, and holds without: it is the fault's."""
    wiring = PLANTS[fault]
    whole, found = _first(wiring)
    story, failure = shrunk(whole, found, wiring)
    told = "\n".join(words_of(story))
    assert len(story[1]) <= SHORT, told
    assert failure.kind == found.kind
    assert isinstance(tried(story, wiring), Failure), told
    assert isinstance(tried(story), Province), told


def test_of_a_shrunk_story_no_step_can_be_left_out() -> None:
    """What is left is what it takes."""
    wiring = PLANTS["a writer leaves what is due to the worker"]
    (start, steps), failure = shrunk(*_first(wiring), wiring)
    for place in range(len(steps)):
        less = tried((start, steps[:place] + steps[place + 1 :]), wiring)
        assert not (isinstance(less, Failure) and less.kind == failure.kind), steps[place]
