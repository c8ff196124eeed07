"""Random months as the outside posts them: goods, money, and an office that does both (结算月).

`season(seed)` always gives the same steps. The clock starts on 2 March 2026 at 08:00, so that the April
holiday and the long one of May lie before drafts. Steps, in order: `("clock", instant)`,
`("post", actor, [events])` to the events' door, `("ask", actor, method, path, body)` to settlement, in
our ids. They are about a thousand, seven hundred with `orders=30`, and each happens at the instant of
the last clock step. What is asked depends on how the office stands, so it was asked of the oracle while
the season was written.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from tests.oracle.calendar import local_day, start_of
from tests.oracle.facts import DISPATCHED, PLACED
from tests.oracle.settling.clerks import Clerks, inputs, surplus
from tests.oracle.settling.desk import BASE, opened, post_events, request
from tests.oracle.settling.drafting import draft_instant, next_month
from tests.oracle.settling.hand import DAY, HOUR, SECOND
from tests.oracle.settling.land import HOSPITALS, Put, puts
from tests.oracle.settling.office import Office
from tests.oracle.settling.plants import planted
from tests.oracle.settling.refusals import Answer
from tests.oracle.settling.timers import advance
from tests.oracle.settling.trade import trade
from tests.oracle.wire import parse_time
from tests.oracle.wording import Move
from tests.oracle.world import World

Step = tuple[Any, ...]
START = parse_time("2026-03-02T08:00:00+08:00")


@dataclass
class Season:
    """Where the clock starts, the reference data, and what happens then."""

    seed: int
    start: datetime
    puts: list[Put]
    steps: list[Step] = field(default_factory=list)


@dataclass
class Played:
    """The office after a step, and what the step was answered."""

    step: Step
    office: Office
    codes: list[str | None] = field(default_factory=list)
    answer: Answer | None = None


def beginning(told: Season) -> Office:
    """An office that knows the place, at the clock's start."""
    world = World()
    for path, body in told.puts:
        world.put(told.start - DAY, path, body)
    return opened(world, told.start)


def do(office: Office, step: Step) -> Played:
    """One step against the oracle."""
    if step[0] == "clock":
        advance(office, step[1])
        return Played(step, office)
    if step[0] == "post":
        verdicts = post_events(office, office.now, step[1], step[2])
        return Played(step, office, [one.code or one.status for one in verdicts])
    answer = request(office, office.now, step[1], step[2], BASE + step[3], step[4])
    return Played(step, office, [], answer)


def play(told: Season) -> Iterator[Played]:
    """The whole season against the oracle, step by step; the same office each time."""
    office = beginning(told)
    for step in told.steps:
        yield do(office, step)


def season(seed: int, orders: int = 60, days: int = 70, busy: bool = True) -> Season:
    """The season of a seed; without `busy` nobody asks anything of settlement."""
    rng = random.Random(f"season {seed}")
    told = Season(seed, START, puts())
    office = beginning(told)
    clerks = Clerks(rng, office)
    moves = [*trade(rng, orders, START + HOUR, days), *planted(rng, START + HOUR)]
    moves.sort(key=lambda move: move.at)
    last = draft_instant("2026-06") + 12 * DAY
    for instant in instants(rng, moves, last):
        for step in steps_at(rng, instant, moves, clerks, busy):
            told.steps.append(step)
            do(office, step)
    for step in ending(office) if busy else []:
        told.steps.append(step)
        do(office, step)
    return told


def instants(rng: random.Random, moves: list[Move], last: datetime) -> list[datetime]:
    """When somebody does something: the events' instants, every other morning, around drafts."""
    found = {move.at for move in moves if move.at <= last}
    day = start_of(local_day(START))
    while day < last:
        day += rng.choice([1, 2, 3]) * DAY
        found.add(day + rng.choice([0 * HOUR, 10 * HOUR, 24 * HOUR - SECOND]))
    return sorted(one for one in found if one > START)


def steps_at(
    rng: random.Random, instant: datetime, moves: list[Move], clerks: Clerks, busy: bool
) -> Iterator[Step]:
    """The clock, then what is posted, then what is asked."""
    yield ("clock", instant)
    mine = [move for move in moves if move.at == instant]
    if rng.random() < 0.1:
        # Nobody waits for the other side: some events come before what they hang on.
        mine.sort(key=lambda move: move.actor)
    for actor, together in groupby(mine, key=lambda move: move.actor):
        yield ("post", actor, [move.event for move in together])
    if busy:
        for actor, path, body in clerks.at_work():
            yield ("ask", actor, "POST", path, body)


def ending(office: Office) -> Iterator[Step]:
    """The retained surplus, with inputs that change after it was paid."""
    path = "/retention-inputs/B-1/2026/"
    for hospital in HOSPITALS[:2]:
        yield ("ask", "bureau:360100", "PUT", path + hospital, inputs())
    for actor, where, body in surplus(office):
        yield ("ask", actor, "POST", where, body)
    yield ("ask", "bureau:360100", "PUT", path + HOSPITALS[0], inputs("30"))
    for actor, where, body in surplus(office):
        yield ("ask", actor, "POST", where, body)


def settled(told: Season) -> Office:
    """The office at the season's end."""
    office = beginning(told)
    for step in told.steps:
        do(office, step)
    return office


def rearranged(told: Season, seed: int) -> Season:
    """The same season, whose facts between two drafts all arrive just before the second, anyhow.

    Orders are placed and sent when they were, for whoever sends late finds the line void. The other
    facts come in any order that lets each find what it names; only the invoices of an order keep
    theirs, for their position decides between equal instants.
    """
    rng, office = random.Random(f"rearranged {seed}"), beginning(told)
    waiting: list[tuple[str, dict[str, Any]]] = []
    other = Season(told.seed, told.start, told.puts)

    def add(step: Step) -> None:
        other.steps.append(step)
        do(office, step)

    for one in play(told):
        if one.step[0] == "post":
            pairs = zip(one.step[2], one.codes, strict=True)
            for event, code in pairs:
                if event["type"] in (PLACED, DISPATCHED):
                    add(("post", one.step[1], [event]))
                elif code == "accepted":
                    waiting.append((one.step[1], event))
            continue
        if one.step[0] == "ask" and "retention" in one.step[3]:
            # The surplus stands on what is known now.
            for step in mixed(rng, waiting):
                add(step)
            waiting.clear()
        if one.step[0] == "clock":
            while (instant := draft_instant(next_month(office))) <= one.step[1]:
                add(("clock", max(office.now, instant - SECOND)))
                for step in mixed(rng, waiting):
                    add(step)
                waiting.clear()
                add(("clock", instant))
        add(one.step)
    return other


def mixed(rng: random.Random, waiting: list[tuple[str, dict[str, Any]]]) -> Iterator[Step]:
    """Every event once, in an order in which each finds what it needs."""
    left = list(waiting)
    while left:
        ready = [one for one in left if not any(needs(one[1], rest[1]) for rest in left)]
        chosen = rng.choice(ready)
        left.remove(chosen)
        yield ("post", chosen[0], [chosen[1]])


def needs(event: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether an event must come after another one that waits."""
    mine, theirs = event["data"], other["data"]
    if event is other or mine["order_id"] != theirs["order_id"]:
        return False
    kind, before = event["type"].split(".")[-2], other["type"].split(".")[-2]
    if kind == before == "registered":
        return int(other["id"].split(":")[1]) < int(event["id"].split(":")[1])
    if before == "received" and kind in ("requested", "registered"):
        return bool(mine["receipt_id"] == theirs["receipt_id"])
    if before != "requested" or kind not in ("answered", "registered"):
        return False
    return bool(mine.get("return_id") == theirs["return_id"])
