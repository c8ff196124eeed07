"""What hospitals used of a generic (实际使用量): of the selected products, and beside them.

Both are sums over receipt lines in a hospital's agreement year, a day being local.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

# A line is received once: whoever tells it again tells the same.
_INSERT: Final = """
INSERT INTO non_selected_receipts
    (order_id, receipt_id, order_line_id, hospital_id, generic_name, at, quantity, unit_price)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::bigint[], $8::bigint[])
ON CONFLICT DO NOTHING"""

# Accruals lie by hospital and local month, which narrows what the instants decide; which batch a line was ordered under stands with its receipt.
_SELECTED: Final = """
SELECT w.hospital_id, w.generic_name, sum(a.quantity)
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
       AS w (hospital_id, generic_name, begins, ends)
JOIN registers p ON p.kind = 'product' AND p.generic_name = w.generic_name
JOIN accruals a ON a.hospital_id = w.hospital_id AND a.product_id = p.id
  AND a.month BETWEEN to_char(w.begins AT TIME ZONE interval '8 hours', 'YYYY-MM')
                  AND to_char(w.ends AT TIME ZONE interval '8 hours', 'YYYY-MM')
  AND a.at >= w.begins AND a.at < w.ends
JOIN receipt_lines r ON r.order_id = a.order_id AND r.receipt_id = a.receipt_id
  AND r.order_line_id = a.order_line_id AND r.batch_id = $1
GROUP BY w.hospital_id, w.generic_name"""

_NON_SELECTED: Final = """
SELECT w.hospital_id, w.generic_name, n.unit_price, sum(n.quantity)
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
       AS w (hospital_id, generic_name, begins, ends)
JOIN non_selected_receipts n ON n.hospital_id = w.hospital_id
  AND n.generic_name = w.generic_name AND n.at >= w.begins AND n.at < w.ends
GROUP BY w.hospital_id, w.generic_name, n.unit_price
ORDER BY w.hospital_id, w.generic_name, n.unit_price"""


class NonSelectedReceipt(NamedTuple):
    """An accepted line of a product that was not selected (非中选验收明细)."""

    order_id: str
    receipt_id: str
    order_line_id: str
    hospital_id: str
    generic_name: str
    at: datetime
    quantity: int
    unit_price: int


class Window(NamedTuple):
    """A generic's agreement year at one hospital, from an instant up to before another (采购年度)."""

    hospital_id: str
    generic_name: str
    begins: datetime
    ends: datetime


async def insert_receipts(tx: Any, lines: Sequence[NonSelectedReceipt]) -> None:
    """Write new lines, sorted by key (入表)."""
    if lines:
        await tx.execute(_INSERT, *map(list, zip(*sorted(lines), strict=True)))


async def selected_use(
    connection: Any, batch_id: str, windows: Sequence[Window]
) -> list[tuple[str, str, int]]:
    """By hospital and generic: what was accepted of the batch's main products (中选使用量)."""
    rows = await connection.fetch(_SELECTED, batch_id, *_columns(windows))
    return [(row[0], row[1], int(row[2])) for row in rows]


async def non_selected_use(
    connection: Any, windows: Sequence[Window]
) -> list[tuple[str, str, int, int]]:
    """By hospital and generic: the prices paid beside the selected products, and how much (非中选)."""
    rows = await connection.fetch(_NON_SELECTED, *_columns(windows))
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def _columns(windows: Sequence[Window]) -> list[list[Any]]:
    return [list(column) for column in zip(*windows, strict=True)] or [[], [], [], []]
