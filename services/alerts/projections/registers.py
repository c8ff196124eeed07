"""Who is registered as what, and under which name (机构与产品登记)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type

_TYPES: Final = frozenset({reference_type("organisation"), reference_type("product")})
_decoder = msgspec.json.Decoder(ResourcePut)

_PUT: Final = """
INSERT INTO registers AS r (kind, id, version, name, kinds, body)
SELECT kind, id, version, name, string_to_array(kinds, ','), body
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
  AS u (kind, id, version, name, kinds, body)
ON CONFLICT (kind, id) DO UPDATE
SET version = excluded.version, name = excluded.name, kinds = excluded.kinds, body = excluded.body
WHERE r.version < excluded.version"""

_AMONG: Final = """
id = ANY($1::text[]) AND CASE WHEN $2 = 'product' THEN kind = 'product'
  ELSE kind = 'organisation' AND $2 = ANY(kinds) END"""
_FIND: Final = f"SELECT id, name FROM registers WHERE {_AMONG}"
_FIND_PUBLISHED: Final = f"SELECT id, name FROM published_names WHERE number = $3 AND {_AMONG}"


async def fold_registers(tx: Any, records: Sequence[Record]) -> None:
    """Keep the latest version of each organisation and product (登记变更)."""
    latest: dict[tuple[str, str], tuple[Any, ...]] = {}
    for record in records:
        if record.type not in _TYPES:
            continue
        put = _decoder.decode(record.fact)
        key = (put.kind, put.id)
        if key not in latest or latest[key][2] < record.version:
            kinds = ",".join(put.body.get("kinds", ()))
            body = msgspec.json.encode(put.body)
            latest[key] = (*key, record.version, put.body.get("name"), kinds, body)
    if latest:
        rows = [latest[key] for key in sorted(latest)]
        await tx.execute(_PUT, *map(list, zip(*rows, strict=True)))


async def names_of(
    connection: Any, subject: str, ids: Sequence[str], publication: int | None = None
) -> dict[str, str | None]:
    """Names of those ids that are registered as that kind; an id that is not is missing (名称).

    With a publication's number: as they were registered when it was issued.
    """
    if publication is None:
        rows = await connection.fetch(_FIND, list(ids), subject)
    else:
        rows = await connection.fetch(_FIND_PUBLISHED, list(ids), subject, publication)
    return {row["id"]: row["name"] for row in rows}
