"""The lines of statements (对账明细): as they were claimed, disputed, and let go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

_LINES: Final = """
SELECT s.statement_id, l.* FROM statements s JOIN statement_lines l ON l.statement = s.number
WHERE s.statement_id = ANY($1) ORDER BY s.statement_id, l.line"""

_NAMED: Final = """
SELECT l.line, l.amount_fen, l.is_disputed
FROM statements s JOIN statement_lines l ON l.statement = s.number
WHERE s.statement_id = $1 AND l.line = ANY($2) ORDER BY l.line"""

# Returns are deducted only while their receipt line is settled: those of these lines, in statements
# of the pair that are still open.
_ALONG: Final = """
SELECT o.statement_id, b.line, b.amount_fen, b.is_disputed
FROM statements s JOIN statement_lines l ON l.statement = s.number
JOIN statements o ON o.hospital_id = s.hospital_id AND o.payee_id = s.payee_id
  AND o.statement_id = ANY($3) AND o.state IN ('draft', 'hospital_confirmed')
JOIN statement_lines b ON b.statement = o.number AND b.return_id <> '' AND NOT b.is_disputed
  AND (b.order_id, b.receipt_id, b.order_line_id) = (l.order_id, l.receipt_id, l.order_line_id)
WHERE s.statement_id = $1 AND l.line = ANY($2) AND l.return_id = '' AND b.line <> ALL($2)
ORDER BY o.statement_id, b.line"""

_MARK: Final = """
UPDATE statement_lines l SET is_disputed = true, dispute_id = u.dispute_id, freed_at = u.freed_at
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[])
       AS u (statement_id, line, dispute_id, freed_at)
JOIN statements s ON s.statement_id = u.statement_id
WHERE l.statement = s.number AND l.line = u.line"""

_FREE: Final = """
UPDATE statement_lines l SET freed_at = u.at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS u (statement_id, dispute_id, at)
JOIN statements s ON s.statement_id = u.statement_id
WHERE l.statement = s.number AND l.dispute_id = u.dispute_id AND l.freed_at IS NULL
RETURNING l.order_id, l.receipt_id, l.order_line_id, l.return_id, l.freed_at"""

_FREE_ALONG: Final = """
SELECT l.order_id, l.return_id, l.order_line_id FROM statements s
JOIN statement_lines l ON l.statement = s.number
WHERE s.statement_id = ANY($1) AND l.line = ANY($2) AND l.return_id <> ''"""

_RETURNS_WAIT: Final = """
UPDATE return_lines r SET is_free = true
FROM unnest($1::text[], $2::text[], $3::text[]) AS u (order_id, return_id, order_line_id)
WHERE (r.order_id, r.return_id, r.order_line_id) = (u.order_id, u.return_id, u.order_line_id)"""

# In the order of the fold, so that the two wait for each other but never in a circle.
_RECEIPTS_WAIT: Final = """
UPDATE receipt_lines r SET changed_at = u.at
FROM (SELECT r.order_id, r.receipt_id, r.order_line_id, u.at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
             AS u (order_id, receipt_id, order_line_id, at)
      JOIN receipt_lines r USING (order_id, receipt_id, order_line_id)
      ORDER BY r.order_id, r.receipt_id, r.order_line_id FOR UPDATE OF r) u
WHERE (r.order_id, r.receipt_id, r.order_line_id) = (u.order_id, u.receipt_id, u.order_line_id)"""


class Mark(NamedTuple):
    """A line that leaves its statement's total; `freed_at` where it may come again (争议标记)."""

    statement_id: str
    line: int
    dispute_id: str
    freed_at: datetime | None


async def lines_of(connection: Any, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The lines of these statements in their order."""
    found: dict[str, list[Any]] = {id_: [] for id_ in ids}
    for row in await connection.fetch(_LINES, list(ids)):
        found[row["statement_id"]].append(row)
    return found


async def named_lines(connection: Any, statement_id: str, lines: Sequence[int]) -> list[Any]:
    """Those of these lines that the statement has."""
    rows: list[Any] = await connection.fetch(_NAMED, statement_id, list(lines))
    return rows


async def returns_along(
    connection: Any, statement_id: str, lines: Sequence[int], among: Sequence[str]
) -> list[Any]:
    """The returns that are deducted, in these open statements, for the receipt lines named."""
    rows: list[Any] = await connection.fetch(_ALONG, statement_id, list(lines), list(among))
    return rows


async def mark_disputed(tx: Any, marks: Sequence[Mark]) -> None:
    """These lines have left the total; returns that may come again wait from now on (争议)."""
    if not marks:
        return
    await tx.execute(_MARK, *map(list, zip(*sorted(marks), strict=True)))
    along = [mark for mark in marks if mark.freed_at is not None]
    if along:
        rows = await tx.fetch(
            _FREE_ALONG, [mark.statement_id for mark in along], [mark.line for mark in along]
        )
        await _let_returns_wait(tx, rows)


async def free_disputed(tx: Any, resolved: Iterable[tuple[str, str, datetime]]) -> None:
    """Let the lines of these disputes be matched again: statement, dispute, instant (重新匹配)."""
    wanted = sorted(resolved)
    if not wanted:
        return
    rows = await tx.fetch(_FREE, *map(list, zip(*wanted, strict=True)))
    await _let_returns_wait(tx, [row for row in rows if row["return_id"]])
    receipts = sorted((*row[:3], row["freed_at"]) for row in rows if not row["return_id"])
    if receipts:
        await tx.execute(_RECEIPTS_WAIT, *map(list, zip(*receipts, strict=True)))


async def _let_returns_wait(tx: Any, rows: Iterable[Any]) -> None:
    keys = sorted((row["order_id"], row["return_id"], row["order_line_id"]) for row in rows)
    if keys:
        await tx.execute(_RETURNS_WAIT, *map(list, zip(*keys, strict=True)))
