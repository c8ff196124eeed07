"""Who and what is registered, as the bus has brought it (机构与产品登记)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type

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


async def find_registered(tx: Any, ids: Iterable[str]) -> list[tuple[str, str, list[str]]]:
    """Those of these ids that are registered: kind of register, id, what it is registered as."""
    rows = await tx.fetch(_FIND, sorted(set(ids)))
    return [(row["kind"], row["id"], row["kinds"]) for row in rows]
