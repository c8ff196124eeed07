"""What a settled month consists of: every row of a small one, sums and hashes of a large one."""

from __future__ import annotations

from typing import Any, Final

_STATEMENTS: Final = """
SELECT statement_id, hospital_id, payee_id, month, pool, state, receipts_fen, returns_fen,
  carried_fen, total_fen, is_second, is_apart, in_held
FROM statements"""
_LINES: Final = """
SELECT s.statement_id, l.order_id, l.receipt_id, l.order_line_id, l.return_id, l.product_id,
  l.manufacturer_id, l.batch_id, l.quantity, l.unit_price, l.amount_fen, l.is_disputed, l.freed_at
FROM statement_lines l JOIN statements s ON s.number = l.statement"""
_POSTINGS: Final = """
SELECT e.entry_id, e.key, e.division, e.reverses, p.line, p.account, p.debit_fen, p.credit_fen
FROM entries e JOIN postings p USING (entry_id)"""
_RETURNS: Final = "SELECT order_id, return_id, order_line_id, is_free FROM return_lines"

_ROWS: Final = {
    "statements": _STATEMENTS,
    "lines": _LINES,
    "postings": _POSTINGS,
    "returns": _RETURNS,
}

_SUMS: Final = """
SELECT (SELECT count(*) FROM statements WHERE state = 'approved') AS statements,
  (SELECT count(*) FROM entries) AS entries,
  (SELECT count(*) FROM statement_lines) AS lines,
  (SELECT sum(amount_fen) FROM statement_lines) AS fen,
  (SELECT count(*) FROM return_lines WHERE is_free) AS free,
  (SELECT sum(hashtextextended(statement_id || receipts_fen || returns_fen || state, 0)::numeric)
   FROM statements) AS of_statements,
  (SELECT sum(hashtextextended(entry_id || account || (debit_fen - credit_fen), 0)::numeric)
   FROM postings) AS of_postings"""


async def every_row(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that both sides must agree on, down to the row."""
    return {
        name: [tuple(row) for row in await connection.fetch(query)] for name, query in _ROWS.items()
    }


async def added_up(connection: Any) -> dict[str, Any]:
    """The same as counts, sums, and sums of hashes, for a month of millions."""
    return dict(await connection.fetchrow(_SUMS))
