"""Random orders of a small province, as facts, and what they add up to: a plain sum over lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from services.alerts.consumer import fold
from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, absorb, parts_of
from services.alerts.domain.outcome import Outcome, outcome
from services.alerts.policy import LINE_RATES, RESPONSE_RATES
from services.alerts.projections.scope import Scope
from shared.events import orders as o
from shared.events.envelope import Record, cause_of
from shared.kernel.codes import covers
from shared.runtime.room import Room
from tests.alerts import facts as f

DISTRIBUTORS = ("91360100MA35AB1C6R", "91440300708461136T", "9144030071526726XG")
MAKERS = ("91110000802100433B", "914403001922038216")
DIVISIONS = ("360102", "360121", "360403", "360000")
LEVELS = ("primary", "secondary", "tertiary", None)
ROLES = ("main", "backup", "none")
PRODUCTS = tuple(f"P{n}" for n in range(6))


@dataclass(frozen=True)
class Row:
    """One line as the sum sees it."""

    order_id: str
    line_id: str
    distributor: str
    manufacturer: str
    product: str
    division: str
    level: str | None
    category: str
    role: str
    batch_id: str | None
    facts: LineFacts
    outcome: Outcome


def some_records(random: Random, orders: int, first: int = 0) -> list[Record]:
    """The facts of so many random orders, each stream in its order."""
    return [record for n in range(first, first + orders) for record in _order(random, n)]


def _order(random: Random, n: int) -> list[Record]:
    sent = f.SENT + timedelta(hours=random.randrange(80 * 24))
    ids = {
        "order_id": f"{f.HOSPITAL}-{n}",
        "hospital_id": f.HOSPITAL,
        "distributor_id": random.choice(DISTRIBUTORS),
    }
    lines = [
        f.a_line(
            str(number),
            product_id=random.choice(PRODUCTS),
            quantity=random.randint(1, 50) * f.UNIT,
            delivery_due=sent + timedelta(hours=random.randint(10, 24 * 9)),
            manufacturer_id=random.choice(MAKERS),
            category=random.choice(("drug", "consumable")),
            supplier_role=random.choice(ROLES),
            batch_id=random.choice(("B1", "B2", None)),
            agreement_id=random.choice(("A1", None)),
        )
        for number in range(1, random.randint(1, 4) + 1)
    ]
    facts: list[o.OrderFact] = [
        f.placed(
            *lines,
            at=sent,
            division=random.choice(DIVISIONS),
            level=random.choice(LEVELS),
            back_entered=random.random() < 0.1,
            answer_due=sent + timedelta(hours=48),
            **ids,
        )
    ]
    for line in lines:
        facts += _life(random, sent, line, ids)
    return [f.record(fact, version) for version, fact in enumerate(facts, 1)]


def _life(
    random: Random, sent: datetime, line: o.PlacedLine, ids: dict[str, str]
) -> list[o.OrderFact]:
    def at(days: int = 10) -> Any:
        return sent + timedelta(hours=random.randrange(24 * days))

    facts: list[o.OrderFact] = []
    named = {"line_id": line.line_id} | ids
    if random.random() < 0.7:
        reason = random.choice(
            ("no_agreement", "hospital_request", "product_suspended", "no_stock")
        )
        facts.append(
            f.accepted(at(3), **named)
            if random.random() < 0.7
            else f.refused(at(3), reason, suspended=random.random() < 0.5, **named)
        )
    if random.random() < 0.2:
        facts.append(f.cancelled(at(), **named))
    if random.random() < 0.1:
        facts.append(f.due_moved(at(), **named))
    for delivery in range(random.randint(0, 2)):
        units = random.randint(1, 50)
        named["delivery_id"] = f"D{line.line_id}-{delivery}"
        facts.append(f.dispatched(units, **named))
        facts.append(f.arrived(at(), units, **named))
        if random.random() < 0.5:
            facts.append(f.received(at(), units, units, 0, **named))
    return facts


def rows_of(records: Iterable[Record]) -> list[Row]:
    """Every line of these records with its outcome, worked out one by one."""
    known: dict[tuple[str, str], LineFacts] = {}
    placed: dict[tuple[str, str], tuple[o.Placed, o.PlacedLine]] = {}
    for record in records:
        fact = f.msgspec.json.decode(record.fact, type=o.FACTS[record.type])
        for line_id, part in parts_of(record.version, cause_of(record), fact, record.recorded_at):
            key = (fact.order_id, line_id)
            known[key] = absorb(known.get(key, NOTHING_KNOWN), part)
        if isinstance(fact, o.Placed):
            placed |= {(fact.order_id, line.line_id): (fact, line) for line in fact.lines}
    return [_row(key, *placed[key], known[key]) for key in sorted(placed)]


def _row(key: tuple[str, str], order: o.Placed, line: o.PlacedLine, facts: LineFacts) -> Row:
    result = outcome(facts)
    assert result is not None
    return Row(
        *key,
        distributor=order.distributor_id,
        manufacturer=line.manufacturer_id,
        product=line.product_id,
        division=order.division,
        level=order.level,
        category=line.category,
        role=line.supplier_role,
        batch_id=line.batch_id,
        facts=facts,
        outcome=result,
    )


def within(rows: Iterable[Row], scope: Scope) -> list[Row]:
    """The rows that a scope lets through."""
    return [
        row
        for row in rows
        if (scope.id is None or scope.subject == "total" or getattr(row, scope.subject) == scope.id)
        and (scope.category is None or row.category == scope.category)
        and (scope.division is None or covers(scope.division, row.division))
        and (scope.level is None or row.level == scope.level)
        and (not scope.selected_only or row.role != "none")
        and (scope.batch_id is None or row.batch_id == scope.batch_id)
    ]


def share_of(row: Row, rate: str) -> tuple[int, int]:
    """What a line adds to a rate."""
    result = row.outcome
    return {
        "response": (int(result.accepted), int(result.answer_counted)),
        "answered": (int(result.answered), int(result.answer_counted)),
        "on_time": (int(result.on_time), int(result.delivery_counted)),
        "on_time_first": (int(result.on_time_first), int(result.delivery_counted)),
        "delivery": (result.dispatched, result.ordered),
        "receipt": (result.received, result.ordered),
    }[rate]


def day_of(row: Row, rate: str) -> date:
    return row.outcome.response_day if rate in RESPONSE_RATES else row.outcome.delivery_day


def sums(rows: Iterable[Row], first: date, last: date) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of each rate over a window, line by line."""
    total = dict.fromkeys(LINE_RATES, (0, 0))
    for row in rows:
        for rate in LINE_RATES:
            if first <= day_of(row, rate) <= last:
                (n, d), (more_n, more_d) = total[rate], share_of(row, rate)
                total[rate] = (n + more_n, d + more_d)
    return total


def orders_of_the_year(rows: Iterable[Row], as_of: date) -> dict[str, bool]:
    """Each counted order of the year, and whether it was answered whole."""
    orders: dict[str, bool] = {}
    for row in rows:
        day = row.outcome.response_day
        if row.role == "none" or day.year != as_of.year or day > as_of:
            continue
        if row.outcome.answer_counted:
            orders[row.order_id] = orders.get(row.order_id, True) and row.outcome.answered
    return orders


async def take(room: Room, records: list[Record], size: int = 200) -> None:
    for start in range(0, len(records), size):
        async with room.pool.acquire() as connection, connection.transaction():
            await fold(connection, records[start : start + size], room)
