"""A seeded history: a small province, and months of orders as steps that a test can play.

`history(seed)` always gives the same steps. In true time the clock starts at 2026-01-30 09:00, so that
the Spring Festival lies inside, and each side posts as itself. With `importer=True` one importer posts
the whole past (the National Day break of 2025 and the days after it) in batches, orders interleaved.

Steps, in order: `("clock", instant)`, `("put", path, body)`, `("post", actor, [events])`. The clock
never goes back, and every POST happens at the instant of the last clock step.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.calendar import end_of, local_day, start_of
from tests.oracle.mischief import Mischief
from tests.oracle.province import Province, Put, province
from tests.oracle.scripts import Script
from tests.oracle.wire import parse_time
from tests.oracle.wording import IMPORTER, Move

Step = tuple[Any, ...]
REFERENCE_ACTOR = "bureau:360000"
START = parse_time("2026-01-30T09:00:00+08:00")
IMPORT_FIRST = parse_time("2025-09-22T09:00:00+08:00")


@dataclass
class History:
    """Where the clock starts, the reference data of the beginning, and what happens then."""

    seed: int
    start: datetime
    importer: bool
    land: Province
    puts: list[Put]
    steps: list[Step]


def history(seed: int, orders: int = 40, days: int = 30, importer: bool = False) -> History:
    """The history of a seed; PUT `puts` as REFERENCE_ACTOR first, then play `steps`."""
    rng = random.Random(seed)
    first = IMPORT_FIRST if importer else START
    start = first + timedelta(days=days + 60) if importer else first
    land = province(rng, first, days)
    moves: list[Move] = []
    for serial in range(1, orders + 1):
        sent = sending(rng, first, days)
        script = Script(rng, land, serial, sent, importer)
        moves += uploads(rng, script.play())
    moves.sort(key=lambda move: move.at)
    steps = imported(rng, land, moves, start) if importer else lived(rng, land, moves)
    return History(seed, start, importer, land, land.puts, list(ticking(steps)))


def ticking(steps: Iterator[Step]) -> Iterator[Step]:
    """Without clock steps that would not move the clock."""
    last = None
    for step in steps:
        if step[0] != "clock" or step != last:
            yield step
        last = step if step[0] == "clock" else last


def sending(rng: random.Random, first: datetime, days: int) -> datetime:
    """When an order is sent: on a half hour, at midnight, or a moment before it."""
    day = start_of(local_day(first)) + timedelta(days=rng.randrange(days))
    hours = timedelta(minutes=30 * rng.randint(16, 40))
    edges = [hours, timedelta(hours=24), timedelta(hours=24) - timedelta(seconds=1)]
    return max(first, day + rng.choices(edges, [85, 10, 5])[0])


def uploads(rng: random.Random, moves: list[Move]) -> list[Move]:
    """Some sides post once a day, at six or at midnight: their events wait for it."""
    habit = rng.choices([None, 18, 24], [75, 17, 8])[0]
    if habit is None:
        return moves
    for move in moves[1:]:
        post = start_of(local_day(move.at)) + timedelta(hours=habit)
        move.at = post if post >= move.at else end_of(local_day(move.at))
    return moves


def lived(rng: random.Random, land: Province, moves: list[Move]) -> Iterator[Step]:
    """True time: everyone posts as themselves when they post; the day breaks in between."""
    mischief, later = Mischief(rng, land), sorted(land.later, key=lambda one: one[0])
    now = START
    instants = sorted({move.at for move in moves} | {start_of(day) for day in mid_days(moves)})
    for instant in instants:
        while later and later[0][0] <= instant:
            at, path, body = later.pop(0)
            now = max(now, at)
            yield ("clock", now)
            yield ("put", path, body)
        now = max(now, instant)
        yield ("clock", now)
        todays = [move for move in moves if move.at == instant]
        yield from posts(rng, mischief, now, todays)
    yield ("clock", now + timedelta(days=14))


def mid_days(moves: list[Move]) -> list[Any]:
    """Every third day gets a clock step of its own at its 00:00."""
    return sorted({local_day(move.at) for move in moves})[1::3]


def posts(
    rng: random.Random, mischief: Mischief, now: datetime, moves: list[Move]
) -> Iterator[Step]:
    """What is said at one instant, a batch for each actor, with bad events mixed in."""
    for actor in dict.fromkeys(move.actor for move in moves):
        mine = [move for move in moves if move.actor == actor]
        yield ("post", actor, spiced(rng, mischief, now, actor, mine))
    if rng.random() < 0.1 and (stray := mischief.stranger(now)):
        yield ("post", stray.actor, [stray.event])


def spiced(
    rng: random.Random, mischief: Mischief, now: datetime, actor: str, moves: list[Move]
) -> list[Any]:
    """A batch: the good events in order, repeats and spoilt ones between them."""
    batch: list[Any] = []
    for move in moves:
        if rng.random() < 0.25 and (bad := mischief.at(now, actor)):
            batch.append(bad)
        batch.append(move.event)
        mischief.past.append(Move(now, actor, move.event))
        if rng.random() < 0.15 and (again := mischief.repeat(actor, now)):
            batch.append(again)
    return batch


def imported(
    rng: random.Random, land: Province, moves: list[Move], start: datetime
) -> Iterator[Step]:
    """Migration: the past in batches, each order's facts in order, orders interleaved anyhow.

    Some orders' last fact is held back and posted by its own side, who is judged as in true time.
    """
    mischief, later = Mischief(rng, land), sorted(land.later, key=lambda one: one[0])
    queues: dict[str, list[Move]] = {}
    for move in moves:
        if parse_time(move.event["time"]) <= start:
            queues.setdefault(move.event["data"]["order_id"], []).append(move)
    now, afterwards = (
        start,
        [queue.pop() for queue in queues.values() if len(queue) > 2 and rng.random() < 0.2],
    )
    while queues:
        yield ("clock", now)
        if later and rng.random() < 0.3:
            yield ("put", *later.pop(0)[1:])
        batch = []
        for _ in range(rng.randint(5, 60)):
            if queues:
                batch.append(taken(rng, queues))
        yield ("post", IMPORTER, spiced(rng, mischief, now, IMPORTER, batch))
        now += timedelta(minutes=rng.choice([0, 1, 10]))
    for move in afterwards:
        now += timedelta(minutes=rng.choice([0, 90]))
        yield ("clock", now)
        yield ("post", own_actor(move), [move.event])
    yield ("clock", now + timedelta(hours=1))


def own_actor(move: Move) -> str:
    """The side that would have posted the event itself."""
    organisation = move.event["source"].split(":")[2]
    return f"{'hospital' if organisation[0] == 'H' else 'distributor'}:{organisation}"


def taken(rng: random.Random, queues: dict[str, list[Move]]) -> Move:
    """The next fact of any order."""
    order = rng.choice(list(queues))
    move = queues[order].pop(0)
    if not queues[order]:
        del queues[order]
    return move
