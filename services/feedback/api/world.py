"""Loads what decisions stand on besides their ticket (判定依据加载)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from services.feedback.commands import OpenTicket
from services.feedback.domain.world import Registered, World
from services.feedback.policy import TicketTerms
from services.feedback.projections.registers import find_registered
from shared.kernel.decider import Sent
from shared.runtime.calendars import CalendarHolder
from shared.store.log import Head

_ENTERPRISE: Final = frozenset({"distributor", "manufacturer"})


class WorldLoader:
    """Gives each batch its world: what its tickets name, and the calendar in force."""

    def __init__(self, terms: TicketTerms, calendars: CalendarHolder) -> None:
        self._terms = terms
        self._calendars = calendars

    async def __call__(self, tx: Any, head: Head, now: datetime, batch: Sequence[Sent]) -> World:
        """The world behind the gate for this batch."""
        named: set[str] = set()
        for sent in batch:
            command: OpenTicket = sent.command
            named |= {command.hospital_id, command.product_id, *command.addressees}
        registered = as_registered(await find_registered(tx, named))
        return World(registered, await self._calendars.at(tx, head.world), self._terms)


def as_registered(found: Iterable[tuple[str, str, list[str]]]) -> Registered:
    """Register entries by what a ticket may name them as (已登记的机构与产品)."""
    hospitals, enterprises, products = set(), set(), set()
    for kind, id_, kinds in found:
        if kind == "product":
            products.add(id_)
        elif "hospital" in kinds:
            hospitals.add(id_)
        elif _ENTERPRISE.intersection(kinds):
            enterprises.add(id_)
    return Registered(frozenset(hospitals), frozenset(enterprises), frozenset(products))
