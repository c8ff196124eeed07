"""Plays a history against the model alone: what a test then compares with the product's answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.oracle.histories import History, Step
from tests.oracle.orders import Orders, Verdict
from tests.oracle.world import World


@dataclass
class Played:
    """The model after a step, the clock, and what a POST of events or of a ticket is answered."""

    step: Step
    now: datetime
    model: Orders
    verdicts: list[Verdict]
    status: int | None = None


def beginning(history: History) -> Orders:
    """A model that knows the province, at the clock's start."""
    world = World()
    for path, body in history.puts:
        world.put(history.start, path, body)
    return Orders(world)


def play(history: History) -> Iterator[Played]:
    """Step by step; the same model object is yielded each time, as it then stands."""
    model, now = beginning(history), history.start
    for step in history.steps:
        verdicts: list[Verdict] = []
        status = None
        if step[0] == "clock":
            now = step[1]
            model.advance(now)
        elif step[0] == "put":
            model.world.put(now, step[1], step[2])
        elif step[0] == "ask":
            status = model.complaints.ask(model.world, now, *step[2:])
        else:
            verdicts = model.post(now, step[1], step[2])
        yield Played(step, now, model, verdicts, status)


def played(history: History) -> tuple[Orders, datetime, list[tuple[Any, Verdict]]]:
    """The whole history at once: the model, the last instant, every event with its verdict."""
    model, now, told = beginning(history), history.start, []
    for one in play(history):
        model, now = one.model, one.now
        if one.step[0] == "post":
            told += list(zip(one.step[2], one.verdicts, strict=True))
    return model, now, told


def http_status(verdicts: list[Verdict]) -> int:
    """What the POST as a whole answers: 422 when all are rejected, 207 when some are, else 200."""
    rejected = sum(verdict.status == "rejected" for verdict in verdicts)
    if rejected == 0:
        return 200
    return 422 if rejected == len(verdicts) else 207
