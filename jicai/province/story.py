"""Writes a story of the province: from a seed, who posts what at which instant.

The same seed gives the same story to the byte, so that a figure seen in a demonstration can be
seen again. Every order is drawn from its own seed: a change in one leaves the others alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from jicai.province.accounting import after_arrival
from jicai.province.behaviour import happens
from jicai.province.catalogue import catalogue_resources, products
from jicai.province.companies import company_resources, distributors
from jicai.province.complaining import draw_complaints
from jicai.province.days import at
from jicai.province.delivering import deliveries
from jicai.province.facts import Act, Moment, Order
from jicai.province.handling import handling
from jicai.province.ordering import answering, cancelling, draw_orders, placing
from jicai.province.places import hospitals
from jicai.province.recall import LAST, ORDERED, recall

__all__ = ["Moment", "Story", "write_story"]

FIRST_DAY = date(2026, 1, 19)
LAST_DAY = date(2026, 3, 6)
"""Four weeks before the Spring Festival (春节), the festival, and two weeks after it."""


@dataclass(frozen=True, slots=True)
class Story:
    seed: int
    first_day: date
    last_day: date
    reference: list[tuple[str, dict[str, Any]]]
    """(path, body) of organisations, products, batches, agreements, listings, in this order."""
    moments: list[Moment]
    """By instant; none after the end."""
    acts: list[Act]
    """What is done with tickets, likewise."""

    @property
    def begins_at(self) -> datetime:
        return at(self.first_day, 0)

    @property
    def ends_at(self) -> datetime:
        return at(self.last_day, 24)

    def events_by_type(self) -> Counter[str]:
        return Counter(event["type"] for moment in self.moments for event in moment.events)


def write_story(
    seed: int,
    *,
    first_day: date = FIRST_DAY,
    last_day: date = LAST_DAY,
    orders: int = 1_500,
) -> Story:
    """A whole story. What would happen after its last day is left out: orders stay under way."""
    places, sellers = hospitals(), distributors()
    rng = Random(f"{seed}/orders")  # noqa: S311 a story, not a secret
    drawn = list(draw_orders(rng, first_day, last_day, orders, places, sellers, products()))
    ends_at = at(last_day, 24)
    moments = [m for order in drawn for m in _life(seed, order) if m.instant < ends_at]
    if first_day <= ORDERED and last_day >= LAST:
        moments += recall()
    return Story(
        seed=seed,
        first_day=first_day,
        last_day=last_day,
        reference=[
            *(hospital.resource() for hospital in places),
            *company_resources(),
            *catalogue_resources(places, sellers),
        ],
        moments=sorted(moments, key=lambda m: (m.instant, m.order_id)),
        acts=sorted(_acts(seed, drawn, first_day, ends_at), key=lambda a: (a.instant, a.ticket_id)),
    )


def _acts(seed: int, drawn: list[Order], first_day: date, ends_at: datetime) -> Iterator[Act]:
    """The tickets of all, each from its own seed."""
    rng = Random(f"{seed}/tickets")  # noqa: S311 a story, not a secret
    for complaint in draw_complaints(rng, drawn, first_day):
        own = Random(f"{seed}/{complaint.ticket_id}")  # noqa: S311 a story, not a secret
        yield from (act for act in handling(own, complaint) if act.instant < ends_at)


def _life(seed: int, order: Order) -> Iterator[Moment]:
    """One order from its placing to its last invoice, with what its senders repeat."""
    rng = Random(f"{seed}/{order.order_id}")  # noqa: S311 a story, not a secret
    for moment in _events(rng, order):
        yield moment
        yield from _again(rng, order, moment)


def _events(rng: Random, order: Order) -> Iterator[Moment]:
    yield placing(order)
    if any(line.product.suspended for line in order.lines):
        return  # the platform refuses it (暂停采购), and the hospital gives up
    cancellation, cancelled_at, cancelled = cancelling(rng, order)
    yield from cancellation
    answers, refused = answering(rng, order, cancelled, cancelled_at)
    yield from answers
    coming = [line for line in order.lines if line.line_id not in cancelled | refused]
    after = max(
        order.known_at + timedelta(minutes=30),
        cancelled_at + timedelta(minutes=30) if cancelled_at else order.known_at,
        # Most wait with the goods until they have answered; a late answer comes after them.
        *(m.instant for m in answers if m.instant - order.known_at < timedelta(hours=48)),
    )
    for number, delivery in enumerate(deliveries(rng, order, coming, after), start=1):
        yield from delivery.told
        yield from after_arrival(rng, order, delivery, number)


def _again(rng: Random, order: Order, moment: Moment) -> Iterator[Moment]:
    """Systems repeat themselves after a time-out; bad ones say something else the second time."""
    character = order.distributor.character
    its_own = moment.actor == order.distributor.actor
    later = moment.instant + timedelta(minutes=rng.randint(5, 90))
    if happens(rng, character.resends if its_own else 0.01):
        yield moment._replace(instant=later, events=deepcopy(moment.events))
    if its_own and happens(rng, character.muddles):
        events = deepcopy(moment.events)
        events[0]["data"]["remark"] = "补充说明"  # same id, other content: a conflict
        yield moment._replace(instant=later, events=events)
    if not its_own and moment.events[0]["type"] == "jicai.order.placed.v1" and happens(rng, 0.004):
        events = deepcopy(moment.events)
        events[0]["id"] += "-again"  # a restored backup sends the order anew: it exists already
        yield moment._replace(instant=later, events=events)
