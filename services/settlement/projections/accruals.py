"""Accruals as stored (应付计提查询): one row per received line, behind a unique key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.settlement.projections.visibility import visible
from shared.events.settlement import LineAccrued
from shared.runtime.actors import Actor

Key = tuple[str, str, str]
"""Order, receipt, order line: what a receipt line is."""

_COLUMNS: Final = (
    "order_id", "receipt_id", "order_line_id", "hospital_id", "payee_id", "product_id", "month",
    "quantity", "unit_price", "amount_fen", "at",
)  # fmt: skip

# The log has known each of these as new, so a clash here is a fault that must show itself.
_INSERT: Final = f"""
INSERT INTO accruals ({", ".join(_COLUMNS)})
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::bigint[], $9::bigint[], $10::numeric[], $11::timestamptz[])"""


class AccrualFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which accruals a list asks for (筛选条件)."""

    hospital_id: str | None = None
    payee_id: str | None = None
    month: str | None = None


async def insert_accruals(tx: Any, facts: Sequence[LineAccrued]) -> None:
    """Write the rows of new accruals, sorted by key (计提入表)."""
    if facts:
        rows = sorted(tuple(getattr(fact, name) for name in _COLUMNS) for fact in facts)
        await tx.execute(_INSERT, *map(list, zip(*rows, strict=True)))


async def list_accruals(
    connection: Any, actor: Actor, wanted: AccrualFilter, *, after: Key, limit: int
) -> list[Any]:
    """Accruals this caller may see, by order, receipt and line."""
    values: list[Any] = [*after, limit]
    where = ["(order_id, receipt_id, order_line_id) > ($1, $2, $3)", *visible(actor, values)]
    for column in ("hospital_id", "payee_id", "month"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    rows: list[Any] = await connection.fetch(
        f"""SELECT {", ".join(_COLUMNS)} FROM accruals WHERE {" AND ".join(where)}
            ORDER BY order_id, receipt_id, order_line_id LIMIT $4""",
        *values,
    )
    return rows
