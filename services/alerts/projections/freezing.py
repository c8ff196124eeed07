"""How published rows stay as they stood (固化): issuing is a number, keeping is left to who rewrites.

Publication n consists of the rows that were last written before it was issued. Whoever rewrites one
keeps it first, once for all publications that it belongs to. Folds hold a lock shared, issuing holds
it alone: so of everything a fold writes, all stands in a publication or nothing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.alerts.projections.lines import STORED, Key
from shared.store.locks import PUBLISH_CLASS

_COLUMNS: Final = ", ".join((*STORED, "first_day", "last_day"))
_KEPT: Final = ", ".join(STORED)

# No condition may stand within: PostgreSQL would no longer see through it to the indexes' order.
EVER_WRITTEN: Final = f"""
(SELECT {_COLUMNS}, {2**31 - 1} AS until FROM lines
 UNION ALL SELECT {_COLUMNS}, until FROM past_lines) AS lines"""
"""The rows of now and those that are kept, as something to select from."""

# The row is locked before its copy is made, as by everybody who writes rows: nobody waits crosswise.
_KEEP: Final = f"""
INSERT INTO past_lines ({_KEPT}, until)
SELECT {", ".join("l." + name for name in STORED)}, $3
FROM unnest($1::text[], $2::text[]) AS u (order_id, line_id)
JOIN lines AS l ON l.order_id = u.order_id AND l.line_id = u.line_id
WHERE l.since < $3 ORDER BY l.order_id, l.line_id FOR NO KEY UPDATE OF l
ON CONFLICT DO NOTHING"""


async def hold_off_publishing(tx: Any) -> None:
    """Nothing is issued until this fold commits: before its first write, in a statement of its own."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock_shared($1, hashtext(current_schema()))", PUBLISH_CLASS
    )


async def hold_off_folds(tx: Any) -> None:
    """Every fold begun has committed, later ones wait: what the next statement sees is whole."""
    await tx.execute("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", PUBLISH_CLASS)


async def count_issued(tx: Any) -> int:
    """How many publications there are: rows that are written now belong to none of them."""
    count: int = await tx.fetchval("SELECT coalesce(max(number), 0) FROM publications")
    return count


async def keep(tx: Any, keys: Sequence[Key], issued: int) -> None:
    """Keep these rows as they stand for the publications up to now; before they are rewritten.

    Whoever rewrote a row meanwhile has kept it already, and it is passed over.
    """
    if keys:
        await tx.execute(_KEEP, *map(list, zip(*keys, strict=True)), issued)


def was_published(number: int) -> str:
    """Which of the kept rows, or of all ever written, stood in a publication."""
    return f"since < {number:d} AND {number:d} <= until"


def is_later(number: int) -> str:
    """Which rows were written after a publication."""
    return f"since >= {number:d}"
