"""Returned lines as stored, and receipt lines that wait to be matched (退货明细, 未匹配明细)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.settlement.projections.visibility import visible
from shared.runtime.actors import Actor

Key = tuple[str, str, str, str]
"""Hospital, order, receipt, order line: an order's id begins with its hospital's, so this is by id."""

_KEY: Final = "hospital_id, order_id, receipt_id, order_line_id"

_RETURN: Final = (
    "order_id", "return_id", "order_line_id", "receipt_id", "hospital_id", "payee_id", "pool",
    "product_id", "quantity", "occurred_at", "recorded_at",
)  # fmt: skip

_ADD_RETURNS: Final = f"""
INSERT INTO return_lines ({", ".join(_RETURN)})
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::bigint[], $10::timestamptz[], $11::timestamptz[])
ON CONFLICT DO NOTHING"""

# What was settled, or is disputed, is no longer to be matched: a later invoice only shows.
_IN_NO_STATEMENT: Final = """NOT EXISTS (SELECT FROM statement_lines l
    WHERE (l.order_id, l.receipt_id, l.order_line_id)
        = (receipt_lines.order_id, receipt_lines.receipt_id, receipt_lines.order_line_id)
      AND l.return_id = '' AND l.freed_at IS NULL)"""


class UnmatchedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which unmatched lines a list asks for (筛选条件)."""

    hospital_id: str | None = None
    payee_id: str | None = None


async def add_return_lines(tx: Any, lines: Sequence[tuple[Any, ...]]) -> None:
    """Write confirmed returned lines, sorted by key; repeats change nothing (退货入表)."""
    if lines:
        await tx.execute(_ADD_RETURNS, *map(list, zip(*sorted(lines), strict=True)))


async def list_unmatched(
    connection: Any, actor: Actor, wanted: UnmatchedFilter, *, after: Key, limit: int
) -> list[Any]:
    """Receipt lines that this caller may see and that cannot be settled yet, with the reason."""
    values: list[Any] = [*after, limit]
    where = [
        "outcome <> 'matched'",
        f"({_KEY}) > ($1, $2, $3, $4)",
        _IN_NO_STATEMENT,
        *visible(actor, values),
    ]
    for column in ("hospital_id", "payee_id"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    rows: list[Any] = await connection.fetch(
        f"""SELECT {_KEY}, accepted, outcome FROM receipt_lines
            WHERE {" AND ".join(where)} ORDER BY {_KEY} LIMIT $5""",
        *values,
    )
    return rows
