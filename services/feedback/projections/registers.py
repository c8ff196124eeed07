"""Who and what is registered, as the bus has brought it (机构与产品登记)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from shared.events.envelope import Record
from shared.events.forms import Category, Level
from shared.events.reference import ResourcePut, reference_type

_TYPES: Final = frozenset({reference_type("organisation"), reference_type("product")})
_decoder = msgspec.json.Decoder(ResourcePut)

_PUT: Final = """
INSERT INTO registers AS r (kind, id, version, kinds, level, category)
SELECT kind, id, version, string_to_array(kinds, ','), level, category
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
     AS u (kind, id, version, kinds, level, category)
ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, kinds = excluded.kinds,
    level = excluded.level, category = excluded.category
WHERE r.version < excluded.version"""

_FIND: Final = "SELECT kind, id, kinds, level, category FROM registers WHERE id = ANY($1::text[])"


class Entry(NamedTuple):
    """One registered id: in which register, as what, and a hospital's level or a product's category."""

    kind: str
    id: str
    kinds: list[str]
    level: Level | None
    category: Category | None


async def fold_registers(tx: Any, records: Sequence[Record]) -> None:
    """Keep the latest version of each organisation and product; any order, any repeat (登记变更)."""
    latest: dict[tuple[str, str], tuple[int, str, str | None, str | None]] = {}
    for record in records:
        if record.type not in _TYPES:
            continue
        put = _decoder.decode(record.fact)
        key = (put.kind, put.id)
        if key not in latest or latest[key][0] < record.version:
            body = put.body
            kinds = ",".join(body.get("kinds", ()))
            latest[key] = (record.version, kinds, body.get("level"), body.get("category"))
    if latest:
        # Sorted, so that two owners of partitions never wait for each other's rows.
        rows = [(*key, *latest[key]) for key in sorted(latest)]
        await tx.execute(_PUT, *map(list, zip(*rows, strict=True)))


async def find_registered(tx: Any, ids: Iterable[str]) -> list[Entry]:
    """Those of these ids that are registered."""
    return [Entry(*row) for row in await tx.fetch(_FIND, sorted(set(ids)))]
