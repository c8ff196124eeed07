"""A story from a seed (抽取): plots mixed with weather, every dice thrown before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tests.simulation.bus import LOST, SENT, UNACKNOWLEDGED
from tests.simulation.clerks import STEPS
from tests.simulation.ground import STARTS
from tests.simulation.journal import AFTER, BEFORE
from tests.simulation.plots import order_plot, ticket_plot
from tests.simulation.steps import (
    Announce,
    Clerk,
    Close,
    Hold,
    Move,
    Post,
    Relay,
    Resend,
    Step,
    Story,
    Take,
    Wait,
    Wake,
)

LENGTH: Final = (36, 60)
_LOGS: Final = ("orders", "feedback")
_GROUPS: Final = ("alerts", "alerts", "feedback", "settlement", "orders")
_CRASHES: Final = (None,) * 8 + (BEFORE, AFTER)
_AGAIN: Final = Resend(-1)
"""A sender without an answer asks again, if it is not the story that it forgets to."""
_WAITS: Final = (
    Wait(5), Wait(90), Wait(60 * 7), Wait(60 * 26), Wait(60 * 50), Wait(60 * 24 * 3),
    Wait(to="due"), Wait(to="due"), Wait(to="mark"), Wait(to="mark"), Wait(1, to="mark"),
)  # fmt: skip


def drawn(seed: int, times: int = 1) -> Story:
    """The story of a seed, the same for ever; `times` as long, with as many more plots."""
    dice = Random(seed)
    plots: list[Iterator[Post]] = [
        order_plot(dice, n) for n in range(times * dice.choice((1, 2, 3)))
    ]
    plots += [ticket_plot(dice, n) for n in range(times * dice.choice((0, 1, 2, 4)))]
    steps: list[Step] = []
    length = times * dice.randint(*LENGTH)
    while len(steps) < length:
        if plots and dice.random() < 0.5:
            _act(dice, plots, steps)
        else:
            steps.append(dice.choice(_WEATHER)(dice))
    return dice.randrange(len(STARTS)), steps


def _act(dice: Random, plots: list[Iterator[Post]], steps: list[Step]) -> None:
    plot = dice.choice(plots)
    post = next(plot, None)
    if post is None:
        plots.remove(plot)
        return
    post = post._replace(crash=dice.choice(_CRASHES), waits=dice.random() < 0.15)
    steps.append(post)
    if post.crash is not None and dice.random() < 0.7:
        steps.append(_AGAIN)
    elif dice.random() < 0.1:
        steps.append(dice.choice(_WAITS))


def _relay(dice: Random) -> Step:
    fate = dice.choice((SENT, SENT, SENT, LOST, UNACKNOWLEDGED))
    return Relay(dice.choice(_LOGS), dice.choice((1, 3, 20)), fate, dice.randrange(16))


def _take(dice: Random) -> Step:
    return Take(
        dice.choice(_GROUPS),
        dice.randrange(2),
        dice.choice((1, 4, 30)),
        dice.choice(_CRASHES),
        dice.random() < 0.15,
    )


_WEATHER: Final[tuple[Callable[[Random], Step], ...]] = (
    lambda dice: dice.choice(_WAITS),
    lambda dice: dice.choice(_WAITS),
    lambda dice: Resend(dice.randrange(60), dice.random() < 0.3, dice.choice(_CRASHES)),
    lambda dice: Wake(dice.choice((*_LOGS, "settlement")), dice.choice(_CRASHES)),
    _relay,
    _relay,
    _take,
    _take,
    _take,
    lambda dice: (
        Announce(dice.randrange(1, 9)) if dice.random() < 0.5 else Relay("feedback", 20, SENT)
    ),
    lambda dice: Close(dice.choice(("alerts", "settlement")), dice.choice(_CRASHES)),
    lambda dice: Move(dice.choice(_GROUPS), dice.randrange(8), dice.randrange(2)),
    lambda dice: Hold(dice.randrange(8), dice.random() < 0.5),
    lambda dice: Clerk(dice.randrange(4), dice.choice(STEPS), dice.choice(_CRASHES)),
)
