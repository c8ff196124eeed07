"""What is owed over sets (应付货款批量计算): many hospitals and payees at once, or one page of lines.

Held to `domain.dues` and `domain.ageing` by a test. What a statement of the fund has claimed is the
fund's to pay: a pool that changes its mode pays nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from services.settlement.policy import PaymentTerms

LineKey = tuple[str, date, str, str, str]
"""Payee, due day, order, receipt, order line: the order in which payments are allocated."""

START: Final[LineKey] = ("", date.min, "", "", "")

_LAST_DAY: Final = date.max - timedelta(days=1)
"""The driver sends the very last day as infinity, from which nothing can be taken off."""

_BEIJING: Final = "AT TIME ZONE interval '8 hours'"

# $1 hospitals, $2 the day, $3 a payee or null, $4 and $5 days or months after acceptance.
# A return is rounded by itself, so together they may exceed their line by some fen: `beyond`. The
# pairs are materialized, else a page of lines may add them up again for every line.
_SETTLED: Final = f"""
WITH owed AS (
  SELECT r.hospital_id, r.payee_id, r.order_id, r.receipt_id, r.order_line_id, r.product_id,
         r.accepted, r.sale_price, ({{accepted_on}})::date AS accepted_on,
         CASE WHEN $4::int IS NOT NULL THEN ({{accepted_on}})::date + $4::int
              ELSE (date_trunc('month', {{accepted_on}}) + make_interval(months => $5::int + 1))::date - 1
         END AS due_on,
         r.amount_fen, back.returned_fen
  FROM receipt_lines r
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(div(t.quantity::numeric * r.sale_price + 500000, 1000000)), 0) AS returned_fen
    FROM return_lines t
    WHERE t.order_id = r.order_id AND t.receipt_id = r.receipt_id
      AND t.order_line_id = r.order_line_id AND (t.occurred_at {_BEIJING})::date <= $2
  ) back
  WHERE r.outcome = 'matched' AND r.hospital_id = ANY($1::text[])
    AND ($3::text IS NULL OR r.payee_id = $3)
    AND ({{accepted_on}})::date <= $2
    AND NOT EXISTS (
      SELECT FROM statement_lines s
      WHERE s.order_id = r.order_id AND s.receipt_id = r.receipt_id
        AND s.order_line_id = r.order_line_id AND s.return_id = '' AND s.freed_at IS NULL)
), lines AS (
  SELECT hospital_id, payee_id, sum(greatest(returned_fen - amount_fen, 0)) AS beyond_fen
  FROM owed GROUP BY hospital_id, payee_id
), payments AS (
  SELECT hospital_id, payee_id, sum(amount_fen) AS paid_fen FROM hospital_payments
  WHERE hospital_id = ANY($1::text[]) AND ($3::text IS NULL OR payee_id = $3)
    AND state IN ('reported', 'acknowledged') AND paid_on <= $2
  GROUP BY hospital_id, payee_id
), pairs AS MATERIALIZED (
  SELECT hospital_id, payee_id, coalesce(paid_fen, 0) AS paid_fen,
         coalesce(paid_fen, 0) + coalesce(beyond_fen, 0) AS pot_fen
  FROM lines FULL JOIN payments USING (hospital_id, payee_id)
), running AS (
  SELECT *, greatest(amount_fen - returned_fen, 0) AS net_fen,
         sum(greatest(amount_fen - returned_fen, 0)) OVER (
           PARTITION BY hospital_id, payee_id
           ORDER BY due_on, order_id, receipt_id, order_line_id
           ROWS UNBOUNDED PRECEDING) AS upto_fen
  FROM owed
), settled AS (
  SELECT n.*, least(net_fen, greatest(pot_fen - (upto_fen - net_fen), 0)) AS paid_fen
  FROM running n JOIN pairs USING (hospital_id, payee_id)
)
""".format(accepted_on=f"r.occurred_at {_BEIJING}")

# Buckets as `domain.ageing` counts them: -1 not yet due, then the first whose last day is not passed.
_PAIRS: Final = f"""{_SETTLED}
SELECT hospital_id, payee_id, p.paid_fen,
       CASE WHEN due_on >= $2 THEN -1 ELSE width_bucket($2 - due_on - 1, $6::int[]) END AS bucket,
       sum(amount_fen) AS accepted_fen, sum(returned_fen) AS returned_fen,
       sum(net_fen - s.paid_fen) AS open_fen,
       min(due_on) FILTER (WHERE net_fen > s.paid_fen) AS oldest_due_on
FROM pairs p LEFT JOIN settled s USING (hospital_id, payee_id)
GROUP BY hospital_id, payee_id, p.paid_fen, bucket
ORDER BY hospital_id, payee_id, bucket"""

_LINES: Final = f"""{_SETTLED}
SELECT payee_id, due_on, order_id, receipt_id, order_line_id, product_id, accepted_on, accepted,
       sale_price, amount_fen, returned_fen, paid_fen, net_fen - paid_fen AS open_fen
FROM settled
WHERE (payee_id, due_on, order_id, receipt_id, order_line_id) > ($6, $7, $8, $9, $10)
  AND ($11 OR net_fen > paid_fen) AND (NOT $12 OR (net_fen > paid_fen AND due_on < $2))
ORDER BY payee_id, due_on, order_id, receipt_id, order_line_id LIMIT $13"""


class PairBucket(NamedTuple):
    """One bucket of a hospital and a payee; without lines, what was paid alone (账龄段)."""

    hospital_id: str
    payee_id: str
    paid_fen: int
    bucket: int
    accepted_fen: int
    returned_fen: int
    open_fen: int
    oldest_due_on: date | None


async def pair_buckets(
    connection: Any,
    hospitals: Sequence[str],
    payee_id: str | None,
    terms: PaymentTerms,
    day: date,
) -> list[PairBucket]:
    """What these hospitals owe as of the end of a day, by payee and bucket (欠款合计)."""
    rows = await connection.fetch(
        _PAIRS, list(hospitals), min(day, _LAST_DAY), payee_id, terms.days, terms.months,
        list(terms.ageing_days),
    )  # fmt: skip
    return [
        PairBucket(
            row["hospital_id"],
            row["payee_id"],
            int(row["paid_fen"]),
            -1 if row["bucket"] is None else row["bucket"],
            int(row["accepted_fen"] or 0),
            int(row["returned_fen"] or 0),
            int(row["open_fen"] or 0),
            row["oldest_due_on"],
        )
        for row in rows
    ]


async def due_lines(
    connection: Any,
    hospital_id: str,
    payee_id: str | None,
    terms: PaymentTerms,
    day: date,
    *,
    paid_too: bool = False,
    overdue_only: bool = False,
    after: LineKey = START,
    limit: int = 1000,
) -> list[Any]:
    """One hospital's lines by payee, oldest due first, with what is paid of each (应付明细)."""
    rows: list[Any] = await connection.fetch(
        _LINES, [hospital_id], min(day, _LAST_DAY), payee_id, terms.days, terms.months, *after,
        paid_too, overdue_only, limit,
    )  # fmt: skip
    return rows
