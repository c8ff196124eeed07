"""Orders: who needs what when, and what is said about it before anything moves.

Hospitals order in their working hours, much before the Spring Festival and little in it;
emergencies come when they come. Then the distributor answers, refuses or keeps silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from jicai.province.behaviour import (
    CANCELLATIONS,
    HABITS,
    REFUSALS,
    between,
    happens,
)
from jicai.province.catalogue import Product, buys
from jicai.province.companies import Distributor, supplier_of
from jicai.province.days import SPRING_FESTIVAL, at, days_between, in_daytime, is_working_day
from jicai.province.facts import Json, Line, Moment, Order
from jicai.province.places import Hospital

WEIGHTS = {"tertiary": 5, "secondary": 3, "primary": 1}
"""How much of the province's orders a hospital of each level places."""
PACKS = {"tertiary": (100, 1_500), "secondary": (30, 400), "primary": (5, 60)}
NO_AGREEMENT_REFUSED = 0.1
"""Distributors refuse a tenth of what no agreement obliges them to deliver."""


def draw_orders(
    rng: Random,
    first: date,
    last: date,
    count: int,
    hospitals: Sequence[Hospital],
    sellers: list[Distributor],
    products: Sequence[Product],
) -> Iterator[Order]:
    """Orders over the days, unsorted; the number in an id is its place in the drawing."""
    days = list(days_between(first, last))
    day_weights = [_eagerness(day) for day in days]
    hospital_weights = [WEIGHTS[h.level] for h in hospitals]
    for number in range(count):
        hospital = rng.choices(hospitals, hospital_weights)[0]
        habits = HABITS[hospital.level]
        emergency = happens(rng, habits.emergencies)
        day = rng.choice(days) if emergency else rng.choices(days, day_weights)[0]
        sent_at = at(day, rng.uniform(0.5, 23.5) if emergency else _office_hour(rng))
        late = timedelta(days=rng.randint(2, 5)) if happens(rng, habits.enters_later) else None
        distributor, wanted = _basket(rng, hospital, sellers, products)
        agreed = [_agreed(hospital, distributor, p, sellers) for p in wanted]
        lines = (
            _line(rng, n, hospital, *w)
            for n, w in enumerate(zip(wanted, agreed, strict=True), start=1)
        )
        yield Order(
            order_id=f"{hospital.id}-{day:%Y%m%d}-{number:05d}",
            hospital=hospital,
            distributor=distributor,
            sent_at=sent_at,
            lines=tuple(lines),
            emergency=emergency and late is None,
            entered_at=sent_at + late if late else None,
            required_by=_wish(rng, day) if not emergency and happens(rng, 0.06) else None,
        )


def placing(order: Order) -> Moment:
    wish = {"required_by": order.required_by.isoformat()} if order.required_by else {}
    lines = [
        {
            "line_id": line.line_id,
            "product_id": line.product.id,
            "quantity": str(line.quantity),
            "unit_price": line.unit_price,
            **wish,
        }
        for line in order.lines
    ]
    data: Json = {
        "hospital_id": order.hospital.id,
        "distributor_id": order.distributor.id,
        "lines": lines,
    }
    if order.emergency:
        data["emergency"] = True
    if order.entered_at:
        data["back_entered"] = True
    placed = order.by_hospital("order.placed", "placed", order.sent_at, data)
    return placed._replace(instant=order.known_at)


def cancelling(rng: Random, order: Order) -> tuple[list[Moment], datetime | None, set[str]]:
    """Perhaps a cancellation (撤单): its moment, when, and the lines that it takes."""
    if not happens(rng, HABITS[order.hospital.level].cancels):
        return [], None, set()
    when = order.known_at + timedelta(hours=between(rng, (0.2, 5)))
    taken = {line.line_id for line in order.lines}
    data: Json = {"reason": rng.choice(CANCELLATIONS)}
    if len(taken) > 1 and happens(rng, 0.5):
        taken = {order.lines[-1].line_id}
        data["line_ids"] = sorted(taken)
    return [order.by_hospital("order.cancelled", "cancelled", when, data)], when, taken


def answering(
    rng: Random, order: Order, gone: set[str], after: datetime | None
) -> tuple[list[Moment], set[str]]:
    """The answer (响应), and the lines that it refuses; an empty answer means all accepted."""
    character = order.distributor.character
    left = [line for line in order.lines if line.line_id not in gone]
    if not left or happens(rng, character.stays_silent):
        return [], set()
    hours = between(rng, character.answers_within)
    if happens(rng, character.answers_late):
        hours = rng.uniform(49, 110)
    when = in_daytime(order.known_at + timedelta(hours=hours if not order.emergency else hours / 4))
    if after and when <= after:
        when = in_daytime(after + timedelta(minutes=rng.randint(5, 200)))
    refused = {
        line.line_id
        for line in left
        if happens(rng, character.refuses if line.agreed else NO_AGREEMENT_REFUSED)
    }
    data: Json = {}
    if refused or gone or happens(rng, 0.3):
        promised = (when + timedelta(days=2)).replace(hour=17, minute=0, second=0)
        data["lines"] = [
            {"line_id": line.line_id, "answer": "refused", "reason_code": _reason(rng, line)}
            if line.line_id in refused
            else {
                "line_id": line.line_id,
                "answer": "accepted",
                "promised_at": promised.isoformat(timespec="seconds"),
            }
            for line in left
        ]
    return [order.by_distributor("order.answered", "answered", when, data)], refused


def _eagerness(day: date) -> float:
    """How much is ordered on a day: stocks are filled before the festival and after it."""
    if not is_working_day(day):
        return 0.0
    to_festival = (SPRING_FESTIVAL[0] - day).days
    if 0 < to_festival <= 6:
        return 1.8
    if 0 <= (day - SPRING_FESTIVAL[-1]).days <= 3:
        return 1.5
    return 1.3 if day.weekday() == 0 else 1.0


def _office_hour(rng: Random) -> float:
    return rng.uniform(8, 11.6) if happens(rng, 0.6) else rng.uniform(14, 17.3)


def _wish(rng: Random, day: date) -> datetime:
    return at(day + timedelta(days=rng.randint(7, 14)), 17)


def _agreed(
    hospital: Hospital, seller: Distributor, product: Product, sellers: list[Distributor]
) -> bool:
    return product.standing == "main" and supplier_of(hospital, product.id, sellers) == seller


def _basket(
    rng: Random, hospital: Hospital, sellers: list[Distributor], products: Sequence[Product]
) -> tuple[Distributor, list[Product]]:
    """One distributor and what it usually brings here; now and then something it does not."""
    bought = [p for p in products if buys(hospital, p)]
    by_seller: dict[str, list[Product]] = {}
    for product in bought:
        by_seller.setdefault(supplier_of(hospital, product.id, sellers).id, []).append(product)
    seller = rng.choice([s for s in sellers if s.id in by_seller])
    usual = [p for p in by_seller[seller.id] if not p.suspended or happens(rng, 0.15)]
    wanted = rng.sample(usual, min(len(usual), rng.choice((1, 1, 2, 2, 3, 4, 5))))
    if happens(rng, 0.02) or not wanted:
        strange = [p for p in bought if p not in usual and not p.suspended]
        wanted.append(rng.choice(strange))
    return seller, wanted


def _line(rng: Random, number: int, hospital: Hospital, product: Product, agreed: bool) -> Line:
    low, high = (1, 12) if product.implant else PACKS[hospital.level]
    quantity = round(rng.triangular(low, high, low))
    if quantity > 50:
        quantity -= quantity % 10
    # A price list that nobody updated: above the selected price, settlement will refuse it.
    price = str(Decimal(product.price) + Decimal("0.35")) if happens(rng, 0.01) else product.price
    return Line(str(number), product, quantity, price, agreed)


def _reason(rng: Random, line: Line) -> str:
    return rng.choice(REFUSALS) if line.agreed else "no_agreement"
