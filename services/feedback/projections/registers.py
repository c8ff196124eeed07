"""Who and what is registered, as the bus has brought it (机构与产品登记)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.feedback.commands import OpenTicket
from services.feedback.domain.world import Registered, World
from services.feedback.policy import TicketTerms
from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type
from shared.kernel.decider import Sent
from shared.runtime.calendars import CalendarHolder
from shared.store.log import Head

_ENTERPRISE: Final = frozenset({"distributor", "manufacturer"})
_TYPES: Final = frozenset({reference_type("organisation"), reference_type("product")})
_decoder = msgspec.json.Decoder(ResourcePut)

_PUT: Final = """
INSERT INTO registers AS r (kind, id, version, kinds)
SELECT kind, id, version, string_to_array(kinds, ',')
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[]) AS u (kind, id, version, kinds)
ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, kinds = excluded.kinds
WHERE r.version < excluded.version"""

_FIND: Final = "SELECT kind, id, kinds FROM registers WHERE id = ANY($1::text[])"


async def fold_registers(tx: Any, records: Sequence[Record]) -> None:
    """Keep the latest version of each organisation and product; any order, any repeat (登记变更)."""
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    for record in records:
        if record.type not in _TYPES:
            continue
        put = _decoder.decode(record.fact)
        key = (put.kind, put.id)
        if key not in latest or latest[key][0] < record.version:
            latest[key] = (record.version, ",".join(put.body.get("kinds", ())))
    if latest:
        # Sorted, so that two owners of partitions never wait for each other's rows.
        rows = [(*key, *latest[key]) for key in sorted(latest)]
        await tx.execute(_PUT, *map(list, zip(*rows, strict=True)))


async def registered(tx: Any, ids: Iterable[str]) -> Registered:
    """Which of these ids are registered, and as what (登记查询)."""
    rows = await tx.fetch(_FIND, sorted(set(ids)))
    organisations = [(row["id"], row["kinds"]) for row in rows if row["kind"] == "organisation"]
    return Registered(
        hospitals=frozenset(id_ for id_, kinds in organisations if "hospital" in kinds),
        enterprises=frozenset(id_ for id_, kinds in organisations if _ENTERPRISE & set(kinds)),
        products=frozenset(row["id"] for row in rows if row["kind"] == "product"),
    )


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
        calendar = await self._calendars.at(tx, head.world)
        return World(await registered(tx, named), calendar, self._terms)
