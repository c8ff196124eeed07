"""What money is reckoned by, as the bus has brought it (基础信息): any order, any repeat.

The latest version of an entry stands; no entry of a register ever disappears.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from shared.events.envelope import Record
from shared.events.reference import TYPES, ResourcePut
from shared.kernel.quantity import parse_quantity

Row = tuple[Any, ...]
_decoder = msgspec.json.Decoder(ResourcePut)

_PUT_NAMED: Final = """
INSERT INTO registers AS r (kind, id, version, name, kinds, generic_name)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, name = excluded.name,
    kinds = excluded.kinds, generic_name = excluded.generic_name
WHERE r.version < excluded.version"""

_PUT_BATCH: Final = """
INSERT INTO batches AS r (batch_id, version, effective_on, ends_on, main)
SELECT * FROM unnest($1::text[], $2::int[], $3::date[], $4::date[], $5::bytea[])
ON CONFLICT (batch_id) DO UPDATE SET version = excluded.version,
    effective_on = excluded.effective_on, ends_on = excluded.ends_on, main = excluded.main
WHERE r.version < excluded.version"""

_PUT_AGREEMENT: Final = """
INSERT INTO agreements AS r
    (agreement_id, version, batch_id, hospital_id, product_id, quantity, starts_on, ends_on)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::date[], $8::date[])
ON CONFLICT (agreement_id) DO UPDATE SET version = excluded.version,
    batch_id = excluded.batch_id, hospital_id = excluded.hospital_id,
    product_id = excluded.product_id, quantity = excluded.quantity,
    starts_on = excluded.starts_on, ends_on = excluded.ends_on
WHERE r.version < excluded.version"""

_PUT_REPORT: Final = """
INSERT INTO demand_reports AS r
    (report_id, version, batch_id, hospital_id, generic_name, quantity)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ON CONFLICT (report_id) DO UPDATE SET version = excluded.version,
    batch_id = excluded.batch_id, hospital_id = excluded.hospital_id,
    generic_name = excluded.generic_name, quantity = excluded.quantity
WHERE r.version < excluded.version"""


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _named(put: ResourcePut, version: int) -> Row:
    body = put.body
    kinds = " ".join(body.get("kinds", ()))
    return put.kind, put.id, version, body.get("name"), kinds, body.get("generic_name")


def _batch(put: ResourcePut, version: int) -> Row:
    body = put.body
    term = _day(body["effective_on"]), _day(body["ends_on"])
    return put.id, version, *term, msgspec.json.encode(body["main"])


def _agreement(put: ResourcePut, version: int) -> Row:
    body = put.body
    parties = body["batch_id"], body["hospital_id"], body["product_id"]
    term = _day(body.get("from")), _day(body.get("to"))
    return put.id, version, *parties, parse_quantity(body["agreed_quantity"]), *term


def _report(put: ResourcePut, version: int) -> Row:
    body = put.body
    reported = parse_quantity(body["reported_quantity"], zero=True)
    return put.id, version, body["batch_id"], body["hospital_id"], body["generic_name"], reported


class _Register(NamedTuple):
    """How an entry of one register becomes a row (登记)."""

    row: Callable[[ResourcePut, int], Row]
    put: str


_REGISTERS: Final = {
    "organisation": _Register(_named, _PUT_NAMED),
    "product": _Register(_named, _PUT_NAMED),
    "batch": _Register(_batch, _PUT_BATCH),
    "agreement": _Register(_agreement, _PUT_AGREEMENT),
    "demand-report": _Register(_report, _PUT_REPORT),
}


async def fold_registers(tx: Any, records: Sequence[Record]) -> None:
    """Keep the latest version of each entry that money is reckoned by (登记变更)."""
    latest: dict[str, dict[str, tuple[int, Row]]] = {}
    for record in records:
        kind = TYPES.get(record.type)
        if kind not in _REGISTERS:
            continue
        put = _decoder.decode(record.fact)
        entries = latest.setdefault(kind, {})
        if put.id not in entries or entries[put.id][0] < record.version:
            entries[put.id] = record.version, _REGISTERS[kind].row(put, record.version)
    # Sorted, so that two owners of partitions never wait for each other's rows.
    for kind in sorted(latest):
        rows = [row for _, (_, row) in sorted(latest[kind].items())]
        await tx.execute(_REGISTERS[kind].put, *map(list, zip(*rows, strict=True)))


async def is_hospital(connection: Any, hospital_id: str) -> bool:
    """Whether a hospital of this id is registered (医疗机构登记)."""
    kinds: str | None = await connection.fetchval(
        "SELECT kinds FROM registers WHERE kind = 'organisation' AND id = $1", hospital_id
    )
    return kinds is not None and "hospital" in kinds.split()


async def is_distributor(connection: Any, enterprise_id: str) -> bool:
    """Whether a distributor of this code is registered (配送企业登记)."""
    kinds: str | None = await connection.fetchval(
        "SELECT kinds FROM registers WHERE kind = 'organisation' AND id = $1", enterprise_id
    )
    return kinds is not None and "distributor" in kinds.split()


async def is_enterprise(connection: Any, uscc: str) -> bool:
    """Whether an enterprise of this code is registered (企业登记)."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM registers WHERE kind = 'organisation' AND id = $1)", uscc
    )
    return found
