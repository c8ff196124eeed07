"""Deliveries: dispatch, arrival with or without proof, and goods that come in parts, late or never."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from jicai.province.behaviour import happens
from jicai.province.days import SPRING_FESTIVAL, at, is_working_day, working_days_after
from jicai.province.facts import Json, Line, Moment, Order

SHELF_LIFE = timedelta(days=540)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One van at one door (一次配送): what it brings of each line, and when."""

    delivery_id: str
    arrived_at: datetime
    quantities: tuple[tuple[Line, int], ...]
    told: tuple[Moment, ...]


def deliveries(rng: Random, order: Order, lines: list[Line], after: datetime) -> list[Delivery]:
    """The deliveries of an order's lines, the first after an instant; none if it is abandoned."""
    character = order.distributor.character
    if not lines:
        return []
    if happens(rng, character.abandons):
        # Some remember the order when the platform has already made it void (作废).
        if not happens(rng, 0.3):
            return []
        arrival = at(order.known_at.date() + timedelta(days=rng.randint(14, 18)), 10)
        return [_delivery(rng, order, 1, [(line, line.quantity) for line in lines], arrival, after)]
    arrival = _arrival(rng, order, after)
    first: list[tuple[Line, int]] = []
    rest: list[tuple[Line, int]] = []
    for line in lines:
        now = _quantity(rng, order, line)
        first.append((line, now))
        if now < line.quantity:
            rest.append((line, line.quantity - now))
    found = [_delivery(rng, order, 1, first, arrival, after)]
    if rest and happens(rng, character.second_part_comes):
        day = working_days_after(arrival.date(), rng.randint(1, 4))
        second = at(day, rng.uniform(9, 17))
        found.append(_delivery(rng, order, 2, rest, second, arrival + timedelta(minutes=30)))
    return found


def _arrival(rng: Random, order: Order, after: datetime) -> datetime:
    if order.emergency:
        return max(after, order.known_at) + timedelta(hours=rng.triangular(2, 32, 6))
    days = rng.choice(order.distributor.character.lead_days)
    if order.hospital.slow:
        days += rng.choice((0, 0, 1, 1, 2))
    day = working_days_after(order.known_at.date(), days)
    if days > 1 and happens(rng, 0.15) and not is_working_day(day - timedelta(days=1)):
        day -= timedelta(days=1)
    if _over_the_festival(order.known_at.date(), day) and happens(rng, 0.15):
        day = working_days_after(day, 2)  # half the drivers are still at home
    arrival = at(day, rng.uniform(9, 17.5))
    return max(arrival, after + timedelta(hours=rng.uniform(2, 8)))


def _over_the_festival(sent: date, arrives: date) -> bool:
    return sent < SPRING_FESTIVAL[0] <= arrives


def _quantity(rng: Random, order: Order, line: Line) -> int:
    character = order.distributor.character
    if line.quantity >= 10 and happens(rng, character.in_parts):
        return max(line.quantity * rng.randint(3, 7) // 10, 1)
    if line.quantity >= 10 and happens(rng, character.delivers_too_much):
        return line.quantity + line.quantity // 10
    return line.quantity


def _delivery(
    rng: Random,
    order: Order,
    number: int,
    quantities: list[tuple[Line, int]],
    arrival: datetime,
    after: datetime,
) -> Delivery:
    delivery_id = f"{order.order_id}-D{number}"
    dispatch = max(arrival - timedelta(hours=rng.uniform(2, 20)), after + timedelta(minutes=20))
    arrival = max(arrival, dispatch + timedelta(minutes=40)).replace(microsecond=0)
    told = (
        _dispatched(rng, order, number, delivery_id, quantities, dispatch.replace(microsecond=0)),
        *_arrived(rng, order, number, delivery_id, arrival),
    )
    return Delivery(delivery_id, arrival, tuple(quantities), told)


def _dispatched(
    rng: Random,
    order: Order,
    number: int,
    delivery_id: str,
    quantities: list[tuple[Line, int]],
    when: datetime,
) -> Moment:
    lines = [
        {
            "line_id": line.line_id,
            "quantity": str(quantity),
            "lot_number": f"{line.product.id}{rng.randint(2501, 2512)}{rng.randint(1, 9)}",
            "expires_on": (when.date() + SHELF_LIFE).replace(day=1).isoformat(),
        }
        for line, quantity in quantities
    ]
    data: Json = {"delivery_id": delivery_id, "lines": lines}
    return order.by_distributor("delivery.dispatched", f"dispatched-{number}", when, data)


def _arrived(
    rng: Random, order: Order, number: int, delivery_id: str, when: datetime
) -> Iterator[Moment]:
    """Small distributors without proof often tell nothing: then the receipt is all there is."""
    character = order.distributor.character
    data: Json = {"delivery_id": delivery_id}
    if happens(rng, character.shows_proof):
        kind = rng.choice(("signed", "scanned", "carrier"))
        data["proof"] = {"kind": kind, "reference": f"POD-{rng.randrange(10**8):08d}"}
    elif happens(rng, 0.5):
        return
    delay = timedelta(minutes=rng.randint(1, 45))
    if happens(rng, character.reports_late):
        delay = timedelta(hours=rng.uniform(26, 70))
    posted = (when + delay).replace(microsecond=0)
    yield order.by_distributor("delivery.arrived", f"arrived-{number}", when, data, posted)
