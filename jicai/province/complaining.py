"""What hospitals complain about (反馈工单): which of their orders, to whom, and in which words.

A ticket is drawn from an order that troubled its hospital, so that what it says of a delivery can be
looked up. One medicine is short everywhere: many hospitals complain about it within a few weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from jicai.province.behaviour import PROMPT, STEADY, happens
from jicai.province.catalogue import Product
from jicai.province.companies import Distributor, manufacturers
from jicai.province.days import in_office
from jicai.province.facts import Act, Json, Order
from jicai.province.places import PROVINCE, Hospital

ORDERS_A_TICKET = 30
"""One order in so many is complained about."""
SHORT = "D005"
SHORT_TICKETS = 6
SHORT_DAYS = 21
PROMINENT = 0.06
MAKER_TOO = 0.25
"""The manufacturer is addressed beside the distributor."""
TROUBLE = {PROMPT.label: 1, STEADY.label: 2}
TROUBLE_OF_OTHERS = 6
"""How readily a distributor's customers complain."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A ticket as its hospital means it; what becomes of it is another story."""

    ticket_id: str
    hospital: Hospital
    distributor: Distributor
    opened_at: datetime
    prominent: bool
    words: Json

    @property
    def bureaus(self) -> tuple[str, ...]:
        """Who may have to supervise it, from the hospital's own bureau up to the province."""
        return tuple(dict.fromkeys((self.hospital.division, self.hospital.city, PROVINCE)))

    @property
    def opening(self) -> Act:
        return self.by_hospital("open", self.opened_at, self.words)

    def by_hospital(self, name: str, at: datetime, words: Json | None = None) -> Act:
        return self._act(self.hospital.actor, name, at, words)

    def by_distributor(self, name: str, at: datetime, words: Json | None = None) -> Act:
        return self._act(self.distributor.actor, name, at, words)

    def by_bureau(self, bureau: str, name: str, at: datetime, words: Json) -> Act:
        return self._act(f"bureau:{bureau}/clerk-1", name, at, words)

    def _act(self, actor: str, name: str, at: datetime, words: Json | None) -> Act:
        return Act(at.replace(microsecond=0), actor, self.ticket_id, name, words or {})


def draw_complaints(rng: Random, orders: Sequence[Order], first: date) -> Iterator[Complaint]:
    """Tickets over the days, unsorted; the number in an id is its place in the drawing."""
    count = max(len(orders) // ORDERS_A_TICKET, 1)
    about: list[tuple[Order, Product, str]] = [
        (order, product, "short_supply") for order, product in _short(rng, orders, first)
    ][: count // 2]
    weights = [TROUBLE.get(o.distributor.character.label, TROUBLE_OF_OTHERS) for o in orders]
    for order in rng.choices(orders, weights, k=count - len(about)):
        about.append((order, rng.choice(order.lines).product, rng.choice(CATEGORIES)))
    for number, (order, product, category) in enumerate(about, start=1):
        yield _complaint(rng, number, order, product, category)


def _short(rng: Random, orders: Sequence[Order], first: date) -> list[tuple[Order, Product]]:
    """Early orders of the medicine that is short, one a hospital."""
    found = {
        order.hospital.id: (order, line.product)
        for order in orders
        for line in order.lines
        if line.product.id == SHORT and (order.known_at.date() - first).days < SHORT_DAYS
    }
    return rng.sample(list(found.values()), min(SHORT_TICKETS, len(found)))


def _complaint(
    rng: Random, number: int, order: Order, product: Product, category: str
) -> Complaint:
    ticket_id = f"{order.hospital.id}-FK{number:03d}"
    addressees = [order.distributor.id]
    if happens(rng, MAKER_TOO):
        addressees.append(manufacturers()[product.maker][0])
    words: Json = {
        "ticket_id": ticket_id,
        "hospital_id": order.hospital.id,
        "product_id": product.id,
        "addressees": addressees,
        "category": category,
        "description": f"{product.generic_name}: {DESCRIPTIONS[category]}",
        "order_ids": [order.order_id],
    }
    prominent = happens(rng, PROMINENT)
    if prominent:
        words["prominent"] = True
    opened_at = in_office(order.known_at + timedelta(hours=rng.uniform(76, 200)))
    return Complaint(ticket_id, order.hospital, order.distributor, opened_at, prominent, words)


DESCRIPTIONS = {
    "short_supply": "多次催要仍供应不足, 已影响临床用药",
    "late_delivery": "超过配送时限仍未到货",
    "selective_delivery": "只给大医院配送, 本单位订单一再拖延",
    "stops_after_agreed_volume": "完成约定采购量后不再配送",
    "unsuitable_form": "剂型规格不适合本单位患者",
    "unsuitable_pack": "包装过大, 拆零不便",
    "illegible_lot": "批号印刷不清, 无法入库",
    "other": "送货时间与约定不符",
}
CATEGORIES = (
    "short_supply", "short_supply", "late_delivery", "late_delivery", "late_delivery",
    "selective_delivery", "stops_after_agreed_volume", "unsuitable_form", "unsuitable_pack",
    "illegible_lot", "other",
)  # fmt: skip
