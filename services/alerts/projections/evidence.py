"""The counted lines behind a figure (证据): they add up to it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec

from services.alerts.projections.scope import Scope, lines_of
from services.alerts.projections.scorecards import COUNTED, DUE_DAY, SHARE

_HIT: Final = {True: "{n} = {d}", False: "{n} <> {d}"}


class CountedLine(msgspec.Struct, frozen=True):
    """One line as a rate counts it, with its facts (计入明细)."""

    order_id: str
    line_id: str
    numerator: int
    denominator: int
    facts: bytes


class CountedOrder(msgspec.Struct, frozen=True):
    """One order as `response_orders_ytd` counts it, with the facts of its lines (计入订单)."""

    order_id: str
    is_whole: bool
    facts: list[bytes]


async def counted_lines(
    connection: Any,
    scope: Scope,
    rate: str,
    first: date,
    last: date,
    *,
    hit: bool | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[CountedLine]:
    """A page of the lines that a rate counts, by order and line."""
    numerator, denominator = SHARE[rate]
    where = lines_of(scope, first, last)
    where.add(f"{COUNTED[rate]} AND {DUE_DAY[rate]} BETWEEN $1 AND $2")
    if hit is not None:
        where.add(_HIT[hit].format(n=numerator, d=denominator))
    if after is not None:
        where.add("(order_id, line_id) > ({0}, {1})", *after)
    rows = await connection.fetch(
        f"""SELECT order_id, line_id, {numerator} AS numerator, {denominator} AS denominator, facts
            FROM {where.lines} WHERE {where} ORDER BY order_id, line_id LIMIT {where.value(limit)}""",
        *where.values,
    )
    return [CountedLine(*row) for row in rows]


async def counted_orders(
    connection: Any,
    scope: Scope,
    first: date,
    last: date,
    *,
    hit: bool | None,
    after: str | None,
    limit: int,
) -> list[CountedOrder]:
    """A page of the orders that `response_orders_ytd` counts, by id."""
    where = lines_of(scope, first, last)
    where.add("selected AND answer_counted AND response_day BETWEEN $1 AND $2")
    if after is not None:
        where.add("order_id > {0}", after)
    having = "" if hit is None else f"HAVING bool_and(answered) = {where.value(hit)}"
    rows = await connection.fetch(
        f"""SELECT order_id, bool_and(answered), array_agg(facts ORDER BY line_id)
            FROM {where.lines} WHERE {where} GROUP BY order_id {having}
            ORDER BY order_id LIMIT {where.value(limit)}""",
        *where.values,
    )
    return [CountedOrder(*row) for row in rows]
