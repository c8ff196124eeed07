"""Loads what decisions stand on besides their ticket (判定依据加载)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from services.feedback.commands import OpenTicket
from services.feedback.domain.world import Registered, World
from services.feedback.policy import TicketTerms
from services.feedback.projections.registers import Entry, find_registered
from shared.events.forms import Category, Level
from shared.kernel.decider import Sent
from shared.runtime.calendars import CalendarHolder
from shared.store.log import Head

_ENTERPRISE: Final = frozenset({"distributor", "manufacturer"})
NOBODY: Final = Registered()


class WorldLoader:
    """Gives each batch its world: what its tickets name, and the calendar in force."""

    def __init__(self, terms: TicketTerms, calendars: CalendarHolder) -> None:
        self._terms = terms
        self._calendars = calendars

    async def __call__(self, tx: Any, head: Head, now: datetime, batch: Sequence[Sent]) -> World:
        """The world behind the gate for this batch."""
        named: set[str] = set()
        for sent in batch:
            command = sent.command
            if isinstance(command, OpenTicket):
                named |= {command.hospital_id, command.product_id, *command.addressees}
        # Who acts on a ticket, or wakes it, names nobody: the ticket knows whom it concerns.
        registered = as_registered(await find_registered(tx, named)) if named else NOBODY
        return World(registered, await self._calendars.at(tx, head.world), self._terms)


def as_registered(found: Iterable[Entry]) -> Registered:
    """Register entries by what a ticket may name them as (已登记的机构与产品)."""
    hospitals: dict[str, Level | None] = {}
    products: dict[str, Category | None] = {}
    enterprises = set()
    for entry in found:
        if entry.kind == "product":
            products[entry.id] = entry.category
        elif "hospital" in entry.kinds:
            hospitals[entry.id] = entry.level
        elif _ENTERPRISE.intersection(entry.kinds):
            enterprises.add(entry.id)
    return Registered(hospitals, frozenset(enterprises), products)
