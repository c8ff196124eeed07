"""The draft over sets (批量生成): a chunk of hospitals in two statements, each line claimed by its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from services.settlement.sets.suspending import IN_FORCE, in_scope
from shared.kernel.entries import MOST_FEN

log = structlog.get_logger()

# Receipts and returns alike: an absurd line stops nobody, for no ledger could hold it.
_WORK: Final = f"""
INSERT INTO draft_hospitals (hospital_id, lines)
SELECT hospital_id, sum(lines) FROM (
  SELECT hospital_id, count(*) AS lines FROM receipt_lines
  WHERE outcome = 'matched' AND changed_at >= $1 AND occurred_at < $2 AND amount_fen <= {MOST_FEN}
    AND pool <> ALL($3) GROUP BY hospital_id
  UNION ALL
  SELECT hospital_id, count(*) FROM return_lines
  WHERE is_free AND occurred_at < $2 AND pool <> ALL($3) GROUP BY hospital_id) found
GROUP BY hospital_id"""

_NEXT: Final = """
SELECT hospital_id FROM (
  SELECT hospital_id, sum(lines) OVER (ORDER BY hospital_id) - lines AS before
  FROM (SELECT * FROM draft_hospitals ORDER BY hospital_id LIMIT 500) first) counted
WHERE before < $1 ORDER BY hospital_id"""

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


class Waiting(NamedTuple):
    """A total that waits for its pair's next statement (待结转)."""

    statement_id: str
    hospital_id: str
    payee_id: str
    total_fen: int


async def begin_draft(
    tx: Any, month: str, at: datetime, *, since: datetime, ends: datetime, without: Sequence[str]
) -> None:
    """Note that a month is being drafted, and which hospitals have anything for it (生成任务)."""
    await tx.execute("INSERT INTO drafts (month, at) VALUES ($1, $2)", month, at)
    await tx.execute(_WORK, since, ends, list(without))


async def next_hospitals(connection: Any, lines: int) -> list[str]:
    """The next hospitals of the draft, together about so many lines; none when it is done."""
    return [row[0] for row in await connection.fetch(_NEXT, lines)]


async def drop_hospitals(tx: Any, hospitals: Sequence[str]) -> None:
    """These are drafted."""
    await tx.execute("DELETE FROM draft_hospitals WHERE hospital_id = ANY($1)", list(hospitals))


async def end_draft(tx: Any, month: str) -> None:
    """The month is drafted (生成完成)."""
    await tx.execute("UPDATE drafts SET is_done = true WHERE month = $1", month)


async def drafted_months(connection: Any) -> dict[str, bool]:
    """Every month that a draft has begun of, and whether it is done."""
    rows = await connection.fetch("SELECT month, is_done FROM drafts ORDER BY month")
    return {row[0]: row[1] for row in rows}


async def list_drafts(connection: Any) -> list[Any]:
    """Every draft, the last first, with what it made and what it has still to do (生成进度)."""
    rows: list[Any] = await connection.fetch(
        """SELECT d.month, d.at, d.is_done,
                  (SELECT count(*) FROM statements s WHERE s.month = d.month) AS statements,
                  CASE WHEN d.is_done THEN 0 ELSE (SELECT count(*) FROM draft_hospitals) END AS hospitals
           FROM drafts d ORDER BY d.month DESC LIMIT 120"""
    )
    return rows


async def closed_by(connection: Any, at: datetime) -> bool:
    """Whether this service has ever closed an instant up to this one: it was at work then."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM closes WHERE close_at <= $1)", at
    )
    return found


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


async def let_totals_wait(tx: Any, totals: Sequence[tuple[str, str, str, int]]) -> None:
    """Totals of statements that were carried forward, each once for ever (结转)."""
    if totals:
        await tx.execute(
            """INSERT INTO carried (statement_id, hospital_id, payee_id, total_fen)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])""",
            *map(list, zip(*sorted(totals), strict=True)),
        )


async def waiting_totals(connection: Any, hospitals: Sequence[str]) -> list[Waiting]:
    """The totals of these hospitals that wait for a statement."""
    rows = await connection.fetch(
        """SELECT statement_id, hospital_id, payee_id, total_fen FROM carried
           WHERE hospital_id = ANY($1) AND into_id IS NULL ORDER BY statement_id""",
        list(hospitals),
    )
    return [Waiting(*row) for row in rows]


async def carry(tx: Any, moves: Sequence[tuple[str, str]]) -> None:
    """Each of these totals enters its statement: from, into (结转入账)."""
    if moves:
        await tx.execute(
            """UPDATE carried c SET into_id = u.into_id
               FROM unnest($1::text[], $2::text[]) AS u (statement_id, into_id)
               WHERE c.statement_id = u.statement_id AND c.into_id IS NULL""",
            *map(list, zip(*sorted(moves), strict=True)),
        )


def _claimed(rows: Sequence[Any]) -> list[Claimed]:
    return [Claimed(row[0], row[1], row[2], row[3], row[4], int(row[5])) for row in rows]
