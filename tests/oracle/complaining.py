"""Histories in which hospitals complain: any history, with tickets laid over it in true time.

`complaining(history)` keeps every step and puts `("ask", actor, ticket_id, name, body)` between them:
`open` is a POST of the ticket, any other name a POST to it. Some products are complained about so often
that alarms are raised, cleared and raised anew; the crowds sit on the edges of the 30 days, of the five
tickets and of the three hospitals. Each ticket has a life of its own: replies in time, at the due and
behind it, promises kept, just missed and broken, reopenings, silence, steps out of their place. What
needs no instant of its own is said when the clock stops anyway: each stop costs the journeys time.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from tests.oracle.calendar import local_day, start_of
from tests.oracle.grievances import Asked, D, Grievance, H, S
from tests.oracle.histories import History, Step
from tests.oracle.province import Province

# Alarming histories that meet, with tickets, every boundary that test_concentrated.py names.
SEEDS = (4, 7)


def crowds(rng: random.Random, land: Province, first: date) -> Iterator[tuple[datetime, Any]]:
    """Openings that sit on the edges of the rule: when, of which hospital, about which product."""
    here, there, far = rng.sample(list(land.hospitals), 3)
    five, three, wide, four, busy, _ = rng.sample(land.products, 6)

    def at(day: int, hour: float) -> datetime:
        return start_of(first + day * D) + hour * H

    def opening(product: str, hospital: str, when: datetime) -> tuple[datetime, Any]:
        return when, {"product": product, "hospital": hospital}

    late = rng.randrange(4)
    # Five of two hospitals; when the first has left, a sixth at the very close that clears.
    for day, hour in ((1, 10), (9, 9), (9, 18), (11, 24), (12 + late, 9), (31, 24)):
        yield opening(five, rng.choice([here, there]), at(day, hour))
    # Three hospitals, the first and the last on the two ends of one window.
    for hospital, day, hour in ((here, 2, 0), (there, 6 + late, 18), (far, 32, 0)):
        yield opening(three, hospital, at(day, hour) - S * (day == 32))
    # The same, but a moment too late.
    for hospital, day, hour in ((here, 3, 24), (there, 8 + late, 9), (far, 33, 0)):
        yield opening(wide, hospital, at(day, hour) - S * (day == 3))
    # Four of two hospitals are none too many.
    for hospital, day in ((here, 4), (there, 5), (here, 7), (there, 7)):
        yield opening(four, hospital, at(day + late, 9))
    # Three hospitals at once, one of them twice; it clears when two of the three have left.
    for hospital, day in ((here, 2), (there, 2), (far, 5), (far, 9), (here, 5)):
        yield opening(busy, hospital, at(day + late, 18))


def complaining(told: History, crowded: bool = True, others: int = 8) -> History:
    """The same history with tickets; its clock goes on as long as it did."""
    rng = random.Random(f"complaining {told.seed}")
    first = local_day(told.start)
    openings = list(crowds(rng, told.land, first)) if crowded else []
    stops = [step[1] for step in told.steps if step[0] == "clock"]
    begun = [stop for stop in stops if stop < told.start + 28 * D]
    openings += [(rng.choice(begun), {}) for _ in range(others)]
    openings.sort(key=lambda one: one[0])
    asked: list[Asked] = []
    for serial, (at, fixed) in enumerate(openings, start=1):
        asked += Grievance(rng, told.land, stops, serial, at, **fixed).live()
    asked.sort(key=lambda one: one[0])
    return replace(told, steps=list(woven(told, asked)))


def woven(told: History, asked: list[Asked]) -> Iterator[Step]:
    """Both kinds of steps, each at its instant; what would come after the end is left out."""
    waiting, now = list(asked), told.start
    for step in told.steps:
        if step[0] == "clock":
            while waiting and waiting[0][0] < step[1]:
                at, ask = waiting.pop(0)
                if at > now:
                    now = at
                    yield ("clock", now)
                yield ask
            if step[1] == now:
                continue
            now = step[1]
        yield step
