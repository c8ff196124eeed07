"""Lines claimed for their statements over sets (批量认领): some hospitals at once, each line by its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from services.settlement.sets.suspending import IN_FORCE, in_scope
from shared.kernel.entries import MOST_FEN

log = structlog.get_logger()

_COLUMNS: Final = (
    "statement, order_id, receipt_id, order_line_id, return_id, product_id, manufacturer_id, "
    "batch_id, quantity, unit_price, amount_fen"
)
_SUMMED: Final = """
SELECT n.hospital_id, n.payee_id, n.is_held, n.number, c.lines, c.fen FROM numbered n
JOIN (SELECT statement, count(*) AS lines, sum(amount_fen) AS fen FROM claimed GROUP BY statement) c
  ON c.statement = n.number ORDER BY n.number"""


def _is_held(payee: str, line: str) -> str:
    return f"""EXISTS (SELECT FROM suspensions x
      WHERE {IN_FORCE} AND {in_scope(payee, line)}) AS is_held"""


# What occurred since the last drafted month ended is in no statement yet; of older lines each is looked
# up (a scalar question: as an anti-join it was slower). The key stands guard behind both.
_IS_NEW: Final = """(r.occurred_at >= $5 OR (SELECT l.line FROM statement_lines l
      WHERE (l.order_id, l.receipt_id, l.order_line_id) = (r.order_id, r.receipt_id, r.order_line_id)
        AND l.return_id = '' AND l.freed_at IS NULL) IS NULL)"""

_PASSED_OVER: Final = """
  ON CONFLICT (order_id, receipt_id, order_line_id, return_id) WHERE freed_at IS NULL DO NOTHING"""


def _receipts(on_conflict: str) -> str:
    """The claim of receipt lines, and what becomes of one that is claimed already."""
    return f"""
WITH found AS MATERIALIZED (
  SELECT r.*, {_is_held("r.payee_id", "r")} FROM receipt_lines r
  WHERE r.hospital_id = ANY($2) AND r.outcome = 'matched' AND r.changed_at >= $3
    AND r.occurred_at < $4 AND r.amount_fen <= {MOST_FEN} AND {_IS_NEW}
), numbered AS (
  SELECT hospital_id, payee_id, is_held, nextval('statement_numbers') AS number
  FROM (SELECT DISTINCT hospital_id, payee_id, is_held FROM found) pairs
), claimed AS (
  INSERT INTO statement_lines ({_COLUMNS})
  SELECT n.number, f.order_id, f.receipt_id, f.order_line_id, '', f.product_id, f.manufacturer_id,
         f.batch_id, f.accepted, f.sale_price, f.amount_fen::bigint
  FROM found f JOIN numbered n USING (hospital_id, payee_id, is_held)
  ORDER BY f.order_id, f.receipt_id, f.order_line_id {on_conflict}
  RETURNING statement, amount_fen
) {_SUMMED}"""


# At the price at which the receipt line was settled, in this statement or an earlier one.
_RETURNS: Final = f"""
WITH known AS (
  SELECT * FROM unnest($4::text[], $5::text[], $6::boolean[], $7::bigint[])
                  AS k (hospital_id, payee_id, is_held, number)
), found AS MATERIALIZED (
  SELECT b.hospital_id, b.payee_id, b.return_id, b.quantity AS back, l.order_id, l.receipt_id,
         l.order_line_id, l.product_id, l.manufacturer_id, l.batch_id, l.unit_price,
         {_is_held("b.payee_id", "l")}
  FROM return_lines b JOIN statement_lines l
    ON (l.order_id, l.receipt_id, l.order_line_id) = (b.order_id, b.receipt_id, b.order_line_id)
   AND l.return_id = '' AND NOT l.is_disputed AND l.freed_at IS NULL
  WHERE b.is_free AND b.hospital_id = ANY($2) AND b.occurred_at < $3
    AND b.quantity::numeric * l.unit_price <= {MOST_FEN} * 1000000::numeric
), numbered AS (
  SELECT p.*, coalesce(k.number, nextval('statement_numbers')) AS number
  FROM (SELECT DISTINCT hospital_id, payee_id, is_held FROM found) p
  LEFT JOIN known k USING (hospital_id, payee_id, is_held)
), claimed AS (
  INSERT INTO statement_lines ({_COLUMNS})
  SELECT n.number, f.order_id, f.receipt_id, f.order_line_id, f.return_id, f.product_id,
         f.manufacturer_id, f.batch_id, f.back, f.unit_price,
         -div(f.back::numeric * f.unit_price + 500000, 1000000)::bigint
  FROM found f JOIN numbered n USING (hospital_id, payee_id, is_held)
  ORDER BY f.order_id, f.receipt_id, f.order_line_id, f.return_id {_PASSED_OVER}
  RETURNING statement, amount_fen, order_id, return_id, order_line_id
), taken AS (
  UPDATE return_lines b SET is_free = false FROM claimed c
  WHERE (b.order_id, b.return_id, b.order_line_id) = (c.order_id, c.return_id, c.order_line_id)
) {_SUMMED}"""


class Claimed(NamedTuple):
    """The lines of one pair that a chunk claimed, under the number of their statement (认领合计)."""

    hospital_id: str
    payee_id: str
    is_held: bool
    number: int
    lines: int
    fen: int


class Window(NamedTuple):
    """What a draft looks at (认领范围): changed since, occurred before; what occurred from `fresh` on is new."""

    since: datetime
    fresh: datetime
    ends: datetime


async def roomier(tx: Any) -> None:
    """Memory for a chunk to be sorted in, for this transaction: by default it would go to disk."""
    await tx.execute("SET LOCAL work_mem = '64MB'")


async def claim_receipts(
    tx: Any, hospitals: Sequence[str], at: datetime, window: Window
) -> list[Claimed]:
    """Claim the matched receipt lines of these hospitals that are in no statement (认领).

    To claim without asking at each line is a fifth cheaper. Should one be in a statement all the same,
    its key refuses the chunk, which is claimed again passing over what is taken.
    """
    asked = (at, list(hospitals), window.since, window.ends, window.fresh)
    try:
        async with tx.transaction():
            return _claimed(await tx.fetch(_receipts(""), *asked))
    except asyncpg.UniqueViolationError as error:
        log.error("draft.claimed_before", hospitals=list(hospitals), error=str(error))
        return _claimed(await tx.fetch(_receipts(_PASSED_OVER), *asked))


async def claim_returns(
    tx: Any, hospitals: Sequence[str], at: datetime, *, ends: datetime, beside: Sequence[Claimed]
) -> list[Claimed]:
    """Claim their returns of settled lines, in the statements begun with receipts or in new ones."""
    known = [[getattr(one, name) for one in beside] for name in Claimed._fields[:4]]
    return _claimed(await tx.fetch(_RETURNS, at, list(hospitals), ends, *known))


async def unclaim(tx: Any, numbers: Sequence[int]) -> None:
    """Let the lines of these statements go: together they are more than a ledger holds."""
    await tx.execute(
        """WITH gone AS (DELETE FROM statement_lines WHERE statement = ANY($1) RETURNING *)
           UPDATE return_lines b SET is_free = true FROM gone g
           WHERE (b.order_id, b.return_id, b.order_line_id)
               = (g.order_id, g.return_id, g.order_line_id)""",
        list(numbers),
    )


def _claimed(rows: Sequence[Any]) -> list[Claimed]:
    return [Claimed(row[0], row[1], row[2], row[3], row[4], int(row[5])) for row in rows]
