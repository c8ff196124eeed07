"""The match over sets (批量匹配): a batch of facts in one statement, a month's matched lines in one.

The database writes `outcome` and `amount_fen` by the rule of the match itself (0004_receipts.sql).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

_KEYS: Final = {"order_id": "text", "receipt_id": "text", "order_line_id": "text"}
_RECEIPT: Final = {
    "hospital_id": "text",
    "payee_id": "text",
    "pool": "text",
    "product_id": "text",
    "manufacturer_id": "text",
    "batch_id": "text",
    "selected_price": "bigint",
    "accepted": "bigint",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
}
_INVOICE: Final = {
    "order_id": "text",
    "invoice_id": "text",
    "order_line_id": "text",
    "receipt_id": "text",
    "kind": "text",
    "return_id": "text",
    "quantity": "bigint",
    "unit_price": "bigint",
    "occurred_at": "timestamptz",
    "version": "int",
    "recorded_at": "timestamptz",
}
_RECEIPT_LINE: Final = _KEYS | _RECEIPT
_AT: Final = len(_RECEIPT_LINE) + len(_INVOICE) + 1


def _arrays(columns: dict[str, str], first: int) -> str:
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), first))


# The last sale by its own date, then by its place in the stream.
_LATER: Final = """excluded.sale_at IS NOT NULL AND (r.sale_at IS NULL
    OR (excluded.sale_at, excluded.sale_version) > (r.sale_at, r.sale_version))"""


def _last(column: str) -> str:
    return f"(array_agg({column} ORDER BY occurred_at DESC, version DESC) FILTER (WHERE sells))[1]"


# An invoice counts when it is new, which its key decides; the sums of invoices and the receipts then
# meet in one upsert, in the order of the keys, so that two owners wait for each other but never in
# a circle. A sum commutes and so does the last sale: the order of arrival does not matter.
_ABSORB: Final = f"""
WITH told AS (
  INSERT INTO invoice_lines ({", ".join(_INVOICE)})
  SELECT * FROM unnest({_arrays(_INVOICE, len(_RECEIPT_LINE) + 1)})
  ON CONFLICT DO NOTHING
  RETURNING *, kind = 'sale' AS sells
), sums AS (
  SELECT order_id, receipt_id, order_line_id,
         sum(CASE WHEN sells THEN quantity WHEN return_id IS NULL THEN -quantity ELSE 0 END) AS net,
         {_last("unit_price")} AS price, {_last("occurred_at")} AS sold_at, {_last("version")} AS place
  FROM told GROUP BY order_id, receipt_id, order_line_id
), received AS (
  SELECT * FROM unnest({_arrays(_RECEIPT_LINE, 1)}) AS u ({", ".join(_RECEIPT_LINE)})
)
INSERT INTO receipt_lines AS r
  ({", ".join(_RECEIPT_LINE)}, invoiced, sale_price, sale_at, sale_version, changed_at)
SELECT {", ".join(_RECEIPT_LINE)}, coalesce(net, 0), price, sold_at, place, ${_AT}
FROM received FULL JOIN sums USING ({", ".join(_KEYS)})
ORDER BY {", ".join(_KEYS)}
ON CONFLICT ({", ".join(_KEYS)}) DO UPDATE SET
  ({", ".join(_RECEIPT)}) = ROW ({", ".join(f"coalesce(r.{n}, excluded.{n})" for n in _RECEIPT)}),
  invoiced = r.invoiced + excluded.invoiced,
  sale_price = CASE WHEN {_LATER} THEN excluded.sale_price ELSE r.sale_price END,
  sale_at = CASE WHEN {_LATER} THEN excluded.sale_at ELSE r.sale_at END,
  sale_version = CASE WHEN {_LATER} THEN excluded.sale_version ELSE r.sale_version END,
  changed_at = excluded.changed_at
WHERE excluded.invoiced <> 0 OR excluded.sale_at IS NOT NULL
   OR r.accepted IS NULL AND excluded.accepted IS NOT NULL"""

# What the draft of a month could not take has changed since that month ended: it occurred later, was
# matched later, or was heard of later, for a fact may be parked for weeks. So the next draft looks
# at this alone, and not at all that was ever settled.
_MATCHED: Final = """
SELECT hospital_id, payee_id, count(*) AS lines, sum(amount_fen) AS amount_fen
FROM receipt_lines
WHERE outcome = 'matched' AND changed_at >= $1 AND occurred_at < $2
GROUP BY hospital_id, payee_id ORDER BY hospital_id, payee_id"""

_SLACK: Final = timedelta(days=1)
"""What occurred may lie minutes ahead of our clock, and a transaction takes its time."""


class PairTotal(NamedTuple):
    """What is matched of one hospital and one payee (每对合计)."""

    hospital_id: str
    payee_id: str
    lines: int
    amount_fen: int


async def absorb(
    tx: Any,
    receipts: Sequence[tuple[Any, ...]],
    invoices: Sequence[tuple[Any, ...]],
    now: datetime,
) -> None:
    """Take receipt lines and invoice lines into the rows that are matched, in any order (折叠).

    A repeat meets its key and counts nothing, and what it does not change has not changed at `now`.
    """
    if receipts or invoices:
        received = _arranged(receipts, len(_RECEIPT_LINE))
        invoiced = _arranged(invoices, len(_INVOICE))
        await tx.execute(_ABSORB, *received, *invoiced, now)


async def sum_matched(connection: Any, *, begins: datetime, ends: datetime) -> list[PairTotal]:
    """The matched lines that the draft of a month looks at, by hospital and payee (匹配合计).

    Among them may be lines of its first hours that the draft before has settled.
    """
    return [
        PairTotal(row["hospital_id"], row["payee_id"], row["lines"], int(row["amount_fen"]))
        for row in await connection.fetch(_MATCHED, begins - _SLACK, ends)
    ]


def _arranged(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Columns of the rows, one row a key, in the order of the keys: its first three members."""
    by_key = {row[:3]: row for row in reversed(rows)}
    return [[by_key[key][n] for key in sorted(by_key)] for n in range(width)]
