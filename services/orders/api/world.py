"""The world each batch is judged in (判定依据): registers from a cache, agreements by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.orders.commands import PlaceOrder
from services.orders.domain.registers import Organisation, Product, Registers, batch_roles
from services.orders.domain.world import World
from services.orders.policy import OrderTerms
from services.orders.projections.registers import agreements_of, changed_since
from shared.kernel.decider import Sent
from shared.kernel.quantity import parse_price
from shared.runtime.calendars import CalendarHolder
from shared.store.log import Head


class WorldLoader:
    """Gives each batch its world; one per process, refreshed by what changed since."""

    def __init__(self, terms: OrderTerms, calendars: CalendarHolder) -> None:
        self._terms = terms
        self._calendars = calendars
        self._registers = Registers()
        self._seen = -1

    async def __call__(
        self, tx: asyncpg.Connection, head: Head, now: datetime, batch: Sequence[Sent]
    ) -> World:
        """The world behind the gate for this batch."""
        if head.world != self._seen:
            for entry in await changed_since(tx, self._seen):
                take(self._registers, entry.kind, entry.id, entry.body)
            self._seen = head.world
        calendar = await self._calendars.at(tx, head.world)
        keys = placed_keys(batch)
        agreements = await agreements_of(tx, sorted(keys)) if keys else {}
        return World(self._registers, calendar, self._terms, agreements)


def placed_keys(batch: Sequence[Sent]) -> set[tuple[str, str, str]]:
    """The (hospital, product, distributor) of every line that this batch places."""
    return {
        (command.hospital_id, line.product_id, command.distributor_id)
        for command in (sent.command for sent in batch)
        if isinstance(command, PlaceOrder)
        for line in command.lines
    }


def take(registers: Registers, kind: str, id_: str, body: dict[str, Any]) -> None:
    """Put one entry of a register into the cache."""
    match kind:
        case "organisation":
            registers.organisations[id_] = Organisation(
                id=id_,
                kinds=frozenset(body["kinds"]),
                division=body["division"],
                level=body.get("level"),
                remote=bool(body.get("remote")),
            )
        case "product":
            registers.products[id_] = Product(
                id=id_,
                generic_name=body["generic_name"],
                category=body["category"],
                manufacturer_id=body["manufacturer_id"],
            )
        case "listing":
            registers.listings[id_] = body["status"]
        case "batch":
            registers.put_batch(id_, batch_roles(id_, body, parse_price))
