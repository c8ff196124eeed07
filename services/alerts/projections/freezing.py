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


def ever_written(table: str, columns: Sequence[str]) -> str:
    """The rows of now and those that are kept, under the table's own name.

    No condition may stand within: PostgreSQL would no longer see through it to the indexes' order.
    """
    names = ", ".join(columns)
    return f"""
(SELECT {names}, {2**31 - 1} AS until FROM {table}
 UNION ALL SELECT {names}, until FROM past_{table}) AS {table}"""


def keeping(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """The statement that keeps rows: an array for each column of the key, then the number issued.

    A row is locked before its copy is made, as by everybody who writes rows: nobody waits crosswise.
    """
    arrays = ", ".join(f"${n}::text[]" for n in range(1, len(key) + 1))
    same = " AND ".join(f"t.{name} = u.{name}" for name in key)
    issued = f"${len(key) + 1}"
    return f"""
INSERT INTO past_{table} ({", ".join(columns)}, until)
SELECT {", ".join("t." + name for name in columns)}, {issued}
FROM unnest({arrays}) AS u ({", ".join(key)}) JOIN {table} AS t ON {same}
WHERE t.since < {issued} ORDER BY {", ".join("t." + name for name in key)} FOR NO KEY UPDATE OF t
ON CONFLICT DO NOTHING"""


EVER_WRITTEN: Final = ever_written("lines", (*STORED, "first_day", "last_day"))
_KEEP: Final = keeping("lines", ("order_id", "line_id"), STORED)


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
