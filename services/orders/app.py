"""Orders, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
from fastapi import APIRouter

from services.orders.api import events, orders, registers
from services.orders.domain.order import Order
from services.orders.domain.rules import order_rules
from services.orders.domain.world import World
from services.orders.policy import order_terms
from services.orders.projections import calendar_change
from services.orders.projections.registers import WorldLoader
from shared.events.envelope import Record
from shared.events.topics import REFERENCE
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns

COLUMNS = StreamColumns(
    names=("hospital_id", "distributor_id", "manufacturers", "states", "last_due"),
    types=("text", "text", "text", "int", "timestamptz"),
)

router = APIRouter()
for _part in (events, registers, orders):
    router.include_router(_part.router)


def kit(policy: Policy, calendars: CalendarHolder, time: Time) -> Kit[Order, World]:
    """What the road of a write needs to know of orders."""
    terms = order_terms(policy)
    return Kit("orders", order_rules(terms), COLUMNS, WorldLoader(terms, calendars), time)


async def fold(tx: asyncpg.Connection, records: Sequence[Record], room: Any) -> None:
    """Orders listens to the calendar only."""
    running: Room = room
    await calendar_change.fold(tx, records, running, order_terms(running.policy))


service = Service(
    name="orders",
    router=router,
    topics=(REFERENCE,),
    fold=fold,
    marks=True,
    kit=kit,
    migrations="services.orders",
)
