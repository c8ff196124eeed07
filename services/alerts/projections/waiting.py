"""The lines that wait for a word, and when each was listed first (待响应明细, 已列明细)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

Key = tuple[str, str]
"""Order id and line id."""

_BEGIN: Final = """
INSERT INTO waiting (order_id, line_id, expires_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (order_id, line_id) DO NOTHING"""

_END: Final = """
DELETE FROM waiting w USING unnest($1::text[], $2::text[]) AS u (order_id, line_id)
WHERE w.order_id = u.order_id AND w.line_id = u.line_id"""

_EXPIRED: Final = """
SELECT l.order_id, l.line_id, l.distributor_id, l.division, l.hospital_id, l.product_id, l.facts,
       coalesce(p.first_at < $1, false) AS listed_before
FROM waiting w JOIN lines l USING (order_id, line_id) LEFT JOIN listed p USING (order_id, line_id)
WHERE w.expires_at < $1"""

_LET_GO: Final = """
SELECT l.order_id, l.line_id, l.distributor_id, l.division, l.hospital_id, l.product_id, l.facts,
       p.first_at IS NOT NULL AS listed_before
FROM waiting w JOIN lines l USING (order_id, line_id) LEFT JOIN listed p USING (order_id, line_id)
WHERE NOT EXISTS (SELECT FROM alerts.waiting s
                  WHERE s.order_id = w.order_id AND s.line_id = w.line_id)"""

_NOTE: Final = """
INSERT INTO listed (order_id, line_id, first_at)
SELECT order_id, line_id, $3 FROM unnest($1::text[], $2::text[]) AS u (order_id, line_id)
ON CONFLICT (order_id, line_id) DO NOTHING"""


async def begin_waiting(tx: Any, rows: Sequence[tuple[str, str, datetime]]) -> None:
    """These lines wait from now on, with their expiry; in key order."""
    if rows:
        await tx.execute(_BEGIN, *map(list, zip(*rows, strict=True)))


async def end_waiting(tx: Any, keys: Sequence[Key]) -> None:
    """These wait no longer."""
    if keys:
        await tx.execute(_END, *map(list, zip(*keys, strict=True)))


async def expired(tx: Any, at: datetime) -> list[Any]:
    """Lines that still wait and expired before an instant; whether an earlier close listed them."""
    return list(await tx.fetch(_EXPIRED, at))


async def not_waiting_any_more(tx: Any) -> list[Any]:
    """In a rebuild: lines of the new table that the standing one has let go, as `expired` has them."""
    return list(await tx.fetch(_LET_GO))


async def note_listed(tx: Any, keys: Sequence[Key], at: datetime) -> None:
    """These stand on a list of this instant; the first time stands."""
    if keys:
        await tx.execute(_NOTE, *map(list, zip(*keys, strict=True)), at)
