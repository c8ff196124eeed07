"""What suspensions hold back, over sets (暂停范围核对)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

# `x` is a suspension in force at $1, `payee` and the rest say what of; a disputed line holds nothing back.
IN_FORCE: Final = "x.begins_at <= $1 AND x.lifted_at IS NULL"


def in_scope(payee: str, line: str) -> str:
    """The condition that suspension `x` covers this line of this payee."""
    return f"""(x.payee_id IS NULL OR x.payee_id = {payee})
      AND CASE x.scope WHEN 'all' THEN true WHEN 'batch' THEN x.scope_id = {line}.batch_id
            WHEN 'product' THEN x.scope_id = {line}.product_id
            ELSE x.scope_id = {line}.manufacturer_id END"""


def _holding(besides: str = "") -> str:
    """Since when statement `s` is held back, if it is; `besides` leaves a suspension out."""
    return f"""
SELECT min(x.begins_at) FROM suspensions x
WHERE {IN_FORCE} {besides} AND (x.payee_id IS NULL OR x.payee_id = s.payee_id)
  AND (x.scope = 'all' OR EXISTS (
    SELECT FROM statement_lines l WHERE l.statement = s.number AND NOT l.is_disputed
      AND {in_scope("s.payee_id", "l")}))"""


_HELD_BACK: Final = f"""
SELECT s.statement_id FROM statements s
WHERE s.statement_id = ANY($2) AND ({_holding()}) IS NOT NULL"""

_MISPLACED: Final = f"""
SELECT s.statement_id, h.since FROM statements s, LATERAL ({_holding()}) h (since)
WHERE s.state = 'approved' AND s.in_held <> (h.since IS NOT NULL)
ORDER BY s.statement_id LIMIT $2"""

_LET_GO: Final = f"""
SELECT s.statement_id FROM statements s
WHERE s.is_apart AND ({_holding("AND x.suspension_id <> $2")}) IS NULL ORDER BY s.statement_id"""


class Misplaced(NamedTuple):
    """An approved payable that lies where it should not; `since` when something holds it (待调账)."""

    statement_id: str
    since: datetime | None


async def is_any_in_force(connection: Any, now: datetime) -> bool:
    """Whether anything is suspended: mostly nothing is, and no line need be looked at."""
    found: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM suspensions x WHERE {IN_FORCE})", now
    )
    return found


async def held_back(connection: Any, ids: Sequence[str], now: datetime) -> set[str]:
    """Those of these statements that a suspension in force holds back."""
    if not ids or not await is_any_in_force(connection, now):
        return set()
    return {row[0] for row in await connection.fetch(_HELD_BACK, now, list(ids))}


async def misplaced(connection: Any, now: datetime, limit: int) -> list[Misplaced]:
    """Approved payables to be moved to the held account or back, the first of them."""
    rows = await connection.fetch(_MISPLACED, now, limit)
    return [Misplaced(row["statement_id"], row["since"]) for row in rows]


async def let_go(connection: Any, now: datetime, *, without: str) -> list[str]:
    """Statements that a suspension split off and that none but this one holds back now."""
    return [row[0] for row in await connection.fetch(_LET_GO, now, without)]
