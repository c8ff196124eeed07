"""The year's orders (整单响应): which were answered whole, from a narrow row per order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from services.alerts.projections.scope import (
    COLUMNS,
    Scope,
    among,
    is_about_orders,
    lines_of,
    orders_of,
)
from shared.kernel.rates import Rate

# Only an order's own topic moves these columns, so its one owner is their one writer.
_REFRESH: Final = """
INSERT INTO orders AS o (order_id, distributor_id, division, level, response_day, counted, whole)
SELECT order_id, distributor_id, division, level, response_day, bool_or(answer_counted),
       coalesce(bool_and(answered) FILTER (WHERE answer_counted), false)
FROM lines WHERE order_id = ANY($1::text[]) AND selected
GROUP BY order_id, distributor_id, division, level, response_day ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET counted = excluded.counted, whole = excluded.whole
WHERE (o.counted, o.whole) <> (excluded.counted, excluded.whole)"""

_FROM_ORDERS: Final = """
SELECT {column} AS id, count(*) FILTER (WHERE whole) AS numerator, count(*) AS denominator
FROM orders WHERE {where} GROUP BY 1"""

_FROM_LINES: Final = """
SELECT id, count(*) FILTER (WHERE whole) AS numerator, count(*) AS denominator
FROM (SELECT {column} AS id, order_id, bool_and(answered) AS whole
      FROM {lines} WHERE {where} GROUP BY 1, 2) AS orders
GROUP BY id"""


async def refresh_orders(tx: Any, order_ids: Sequence[str]) -> None:
    """Work out anew what these orders' lines say together (整单结果)."""
    if order_ids:
        await tx.execute(_REFRESH, order_ids)


async def orders_answered(
    connection: Any, scope: Scope, first: date, last: date, ids: Sequence[str]
) -> dict[str, Rate]:
    """Orders all of whose counted selected lines were answered in time, by subject (整单响应)."""
    if is_about_orders(scope):
        statement, where = _FROM_ORDERS, orders_of(scope, first, last)
    else:
        statement, where = _FROM_LINES, lines_of(scope, first, last)
        where.add("selected AND answer_counted AND response_day BETWEEN $1 AND $2")
    if scope.id is None:
        among(where, scope, ids)
    column = COLUMNS.get(scope.subject, "'total'::text")
    sql = statement.format(column=column, where=where, lines=where.lines)
    rows = await connection.fetch(sql, *where.values)
    return {row["id"]: Rate(row["numerator"], row["denominator"]) for row in rows}
