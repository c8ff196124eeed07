"""Histories in which subjects fall below a threshold, recover, fall again, and run dry.

`alarming_history(seed)` tells of the province of `histories` in true time, but most orders go well. The
first distributor is steady and has bad spells at the beginning and the end; the second slips now and
then; the third is busy at the two ends only and careless. P-003 is ordered at the ends only, so that a
product runs dry too. Some orders are an importer's, told a week or more late: they change figures whose
closes have passed. Emergencies sent at the Spring Festival and never answered become void before
anybody could list them; one sent on a Monday becomes void at the very instant of a list. Most sides
post at 09:00, 18:00 or 24:00, on the instants of lists and closes.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tests.oracle.calendar import end_of, local_day, start_of
from tests.oracle.histories import START, History, Step, lived, sending, ticking
from tests.oracle.province import Province, province
from tests.oracle.scripts import D, H, S, Script
from tests.oracle.wire import parse_time
from tests.oracle.wording import Move

ALWAYS = ["P-001", "P-002", "P-001", "P-004", "P-005", "P-006"]
AT_THE_ENDS = ["P-003", "P-001", "P-003", "P-002", "P-003", "P-004"]
POSTING_HOURS = [None, 9, 18, 24]
# A Monday; then days around the Spring Festival of 2026, the 15th to the 23rd of February.
FORGOTTEN = ["02T09:00", "13T20:00", "15T10:00", "16T09:00", "17T08:30", "17T09:00"]
ENDS = 10
# Together these meet every boundary that test_alarms.py names; the journeys play them.
SEEDS = (2, 4, 5, 7)


def alarming_history(seed: int, orders: int = 105, days: int = 48) -> History:
    """The history of a seed; played as any other (`histories.history`)."""
    rng = random.Random(f"alarming {seed}")
    land = province(rng, START, days)
    moves: list[Move] = []
    for serial in range(1, orders + 1):
        sent = sending(rng, START, days)
        moves += one_order(rng, land, serial, sent, days)
    for serial, text in enumerate(FORGOTTEN, start=orders + 1):
        moves += forgotten(rng, land, serial, parse_time(f"2026-02-{text}:00+08:00"))
    moves.sort(key=lambda move: move.at)
    steps = [*lived(rng, land, moves), *silence(rng, days)]
    return History(seed, START, False, land, land.puts, list(ticking(iter(steps))))


def silence(rng: random.Random, days: int) -> Iterator[Step]:
    """Some histories go on until every window is empty: the last alerts run dry."""
    if rng.random() < 0.5:
        yield ("clock", START + timedelta(days=days + 50))


def one_order(
    rng: random.Random, land: Province, serial: int, sent: datetime, days: int
) -> list[Move]:
    """One order, well or badly served, told by its sides or by an importer."""
    day = (local_day(sent) - local_day(START)).days
    ends = day < ENDS or day >= days - ENDS
    which = rng.choices([0, 1, 2], [5, 4, 6] if ends else [5, 4, 0])[0]
    products = AT_THE_ENDS if ends and rng.random() < 0.4 else ALWAYS
    here = replace(land, distributors=[land.distributors[which]], products=products)
    script = Script(rng, here, serial, sent, importer=rng.random() < 0.1)
    spell = 3 <= day < 8 or day >= days - 6
    bad = [0.6 if spell else 0.02, 0.08, 0.4][which]
    script.diligent = rng.random() >= bad
    if script.diligent:
        return posted(rng, script, script.play())
    manner = rng.choices([script.play, lambda: late(script), lambda: unanswered(script)], [5, 3, 2])
    return posted(rng, script, manner[0]())


def late(script: Script) -> list[Move]:
    """Answered just too late, perhaps as the list goes out; delivered later still, or not at all."""
    script.place()
    waits = [48 * H + S, 50 * H, 4 * D]
    at = script.sent + script.rng.choice(waits)
    if script.rng.random() < 0.5:
        at = next_slot(at, 9)
    script.pen.say("distributor", "order.answered", {"order_id": script.order_id}, at)
    script.due = max(script.due, at)
    if script.rng.random() < 0.8:
        script.deliver()
    return script.pen.moves


def unanswered(script: Script) -> list[Move]:
    """Sent, and never heard of again."""
    script.place()
    return script.pen.moves


def forgotten(rng: random.Random, land: Province, serial: int, sent: datetime) -> list[Move]:
    """An emergency over the holidays that nobody answers: void before the first list after them."""
    script = Script(rng, land, serial, sent, importer=False)
    data = {
        "order_id": script.order_id,
        "hospital_id": script.hospital,
        "distributor_id": script.distributor,
        "emergency": True,
        "lines": [{"line_id": "L1", "product_id": "P-003", "quantity": "7", "unit_price": "33"}],
    }
    script.pen.say("hospital", "order.placed", data, sent)
    return script.pen.moves


def posted(rng: random.Random, script: Script, moves: list[Move]) -> list[Move]:
    """When the sides get round to posting: at once, at a fixed hour, or (an importer) a week later."""
    if script.pen.importer:
        lag, hour = rng.choice([0, 0, 30, 8 * 24, 13 * 24]) * H, rng.choice([18, 24, 24])
        for move in moves:
            move.at = next_slot(move.at + lag, hour)
        return moves
    hour = rng.choices(POSTING_HOURS, [20, 25, 30, 25])[0]
    if hour is not None:
        for move in moves[1:]:
            move.at = next_slot(move.at, hour)
    return moves


def next_slot(instant: datetime, hour: int) -> datetime:
    """The first such hour of a day at or after an instant."""
    slot = start_of(local_day(instant)) + timedelta(hours=hour)
    return slot if slot >= instant else end_of(local_day(instant)) + timedelta(hours=hour % 24)
