"""What hospitals have reported and agreed to buy of a batch, and at which price (报量, 约定量, 中选价)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from shared.kernel.codes import covers, division_of
from shared.kernel.quantity import parse_price

_AGREEMENTS: Final = """
SELECT a.hospital_id, a.product_id, p.generic_name, a.quantity,
       coalesce(a.starts_on, b.effective_on) AS first, coalesce(a.ends_on, b.ends_on) AS last
FROM agreements a
JOIN batches b ON b.batch_id = a.batch_id
LEFT JOIN registers p ON p.kind = 'product' AND p.id = a.product_id
WHERE a.batch_id = $1 AND a.hospital_id = ANY($2::text[])
ORDER BY a.hospital_id, a.agreement_id"""

_REPORTED: Final = """
SELECT hospital_id, generic_name, sum(quantity) FROM demand_reports
WHERE batch_id = $1 AND hospital_id = ANY($2::text[]) GROUP BY hospital_id, generic_name"""


class _MainEntry(msgspec.Struct):
    """A selected product of a batch, where it is the main supplier's (中选产品)."""

    product_id: str
    divisions: list[str]
    selected_price: str


_decode_main = msgspec.json.Decoder(list[_MainEntry]).decode


class Batch(msgspec.Struct, frozen=True):
    """A batch as registered now: its term, and what was selected where (批次)."""

    batch_id: str
    first: date
    last: date
    main: list[_MainEntry]

    def selected_price(self, hospital_id: str, product_id: str) -> int | None:
        """The product's selected price for this hospital; None where it is no main product (中选价)."""
        division = division_of(hospital_id)
        for entry in self.main:
            if entry.product_id == product_id and any(
                covers(area, division) for area in entry.divisions
            ):
                return parse_price(entry.selected_price)
        return None


class Agreed(msgspec.Struct, frozen=True):
    """One agreement of a hospital; `first` to `last` is its agreement year (协议采购年度)."""

    hospital_id: str
    product_id: str
    generic_name: str | None
    quantity: int
    first: date
    last: date
    selected_price: int | None


async def find_batch(connection: Any, batch_id: str) -> Batch | None:
    """The batch, if it is registered."""
    row = await connection.fetchrow(
        "SELECT effective_on, ends_on, main FROM batches WHERE batch_id = $1", batch_id
    )
    if row is None:
        return None
    return Batch(batch_id, row["effective_on"], row["ends_on"], _decode_main(row["main"]))


async def agreements_of(connection: Any, batch: Batch, hospitals: Sequence[str]) -> list[Agreed]:
    """Every agreement of these hospitals in the batch, each at its selected price."""
    rows = await connection.fetch(_AGREEMENTS, batch.batch_id, list(hospitals))
    return [
        Agreed(
            hospital_id=row["hospital_id"],
            product_id=row["product_id"],
            generic_name=row["generic_name"],
            quantity=row["quantity"],
            first=row["first"],
            last=row["last"],
            selected_price=batch.selected_price(row["hospital_id"], row["product_id"]),
        )
        for row in rows
    ]


async def reported_of(
    connection: Any, batch_id: str, hospitals: Sequence[str]
) -> list[tuple[str, str, int]]:
    """By hospital and generic: what was reported for the batch, all its reports together (报量)."""
    rows = await connection.fetch(_REPORTED, batch_id, list(hospitals))
    return [(row[0], row[1], int(row[2])) for row in rows]
