"""Which months are drafted, and what a draft has still to do (生成任务)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from shared.kernel.entries import MOST_FEN

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
