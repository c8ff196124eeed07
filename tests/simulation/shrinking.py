"""From a story that fails to the shortest that fails alike (缩减): without chunks, then without single steps."""

from __future__ import annotations

from typing import Final

from tests.simulation.simulation import Failure, tried
from tests.simulation.steps import Step, Story
from tests.simulation.wiring import HEALTHY, Wiring

TRIES_MAX: Final = 1_500


def shrunk(story: Story, failure: Failure, wiring: Wiring = HEALTHY) -> tuple[Story, Failure]:
    """A story none of whose steps can be left out; it breaks with the same kind of error."""
    start, steps = story
    tries = 0

    def breaks(less: list[Step]) -> Failure | None:
        nonlocal tries
        tries += 1
        found = tried((start, less), wiring)
        return found if isinstance(found, Failure) and found.kind == failure.kind else None

    size = max(1, len(steps) // 2)
    while tries < TRIES_MAX:
        place, shorter = 0, False
        while place < len(steps) and tries < TRIES_MAX:
            less = steps[:place] + steps[place + size :]
            found = breaks(less)
            if found is None:
                place += size
            else:
                steps, failure, shorter = less, found, True
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    steps, failure = _calmer(start, steps, failure, wiring)
    return (start, steps), failure


def _calmer(
    start: int, steps: list[Step], failure: Failure, wiring: Wiring
) -> tuple[list[Step], Failure]:
    """Without the deaths and batches that it does not need."""
    for number, step in enumerate(steps):
        for plain in ({"crash": None}, {"waits": False}, {"asleep": False}):
            name, value = next(iter(plain.items()))
            if getattr(step, name, value) == value:
                continue
            less = [*steps]
            less[number] = step._replace(**plain)  # type: ignore[arg-type]
            found = tried((start, less), wiring)
            if isinstance(found, Failure) and found.kind == failure.kind:
                steps, failure = less, found
                step = less[number]
    return steps, failure
