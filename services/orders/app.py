"""Orders, put together."""

from __future__ import annotations

from fastapi import APIRouter

from services.orders.api import events, importing, orders, registers
from services.orders.api.narrowing import narrow
from services.orders.api.world import WorldLoader
from services.orders.consumer import TOPICS, fold
from services.orders.domain.order import Order
from services.orders.domain.rules import order_rules
from services.orders.domain.world import World
from services.orders.policy import order_terms
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns

COLUMNS = StreamColumns(
    names=("hospital_id", "distributor_id", "manufacturers", "states", "last_due"),
    types=("text", "text", "text", "int", "timestamptz"),
)

router = APIRouter()
for _part in (events, registers, orders, importing):
    router.include_router(_part.router)


def kit(policy: Policy, calendars: CalendarHolder, time: Time) -> Kit[Order, World]:
    """What the road of a write needs to know of orders."""
    terms = order_terms(policy)
    return Kit("orders", order_rules(terms), COLUMNS, WorldLoader(terms, calendars), time)


service = Service(
    name="orders",
    router=router,
    topics=TOPICS,
    fold=fold,
    marks=True,
    kit=kit,
    narrow=narrow,
    event_doors=("/orders/v1/events", "/orders/v1/import"),
    migrations="services.orders",
)
