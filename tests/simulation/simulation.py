"""One seed, or one story, from its beginning to its verdict (单次仿真)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.simulation.drawing import drawn
from tests.simulation.invariants import check_everything
from tests.simulation.province import Province, told
from tests.simulation.steps import Story
from tests.simulation.wiring import HEALTHY, Wiring


@dataclass(frozen=True, slots=True)
class Failure:
    """What broke, and after how many steps."""

    kind: str
    words: str
    step: int

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


def tried(story: Story, wiring: Wiring = HEALTHY) -> Failure | Province:
    """The province as the story leaves it, or what broke on the way."""
    start, steps = story
    province = Province(start, wiring)
    done = 0
    try:
        for step in steps:
            done += 1
            province.do(step)
        told(province, [])
        check_everything(province, story, wiring)
    except Exception as error:
        return Failure(_kind(error), str(error), done)
    return province


def tried_seed(seed: int, wiring: Wiring = HEALTHY) -> Failure | Province:
    """The same for the story of a seed."""
    return tried(drawn(seed), wiring)


def _kind(error: BaseException) -> str:
    """What error, and where: a shorter story must not break something else."""
    frame: Any = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" in {frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}"
    return f"{type(error).__name__}{where}"
