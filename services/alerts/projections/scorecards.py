"""Figures (指标): sums of the rows of lines, for one subject, for each, or for all together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from services.alerts.policy import DELIVERY_RATES, FEEDBACK, LINE_RATES, ORDERS_YTD, RESPONSE_RATES
from services.alerts.projections.scope import COLUMNS, TOTAL, Scope, Where, among, lines_of
from shared.kernel.rates import Rate

# What a line adds to each rate above and below the stroke, and by which of its two due days.
NUMERATOR: Final = {
    "response": "accepted",
    "answered": "answered",
    "on_time": "on_time",
    "on_time_first": "on_time_first",
    "delivery": "dispatched",
    "receipt": "received",
}
_ANSWERS: Final = dict.fromkeys(RESPONSE_RATES, "answer_counted")
COUNTED: Final = _ANSWERS | dict.fromkeys(DELIVERY_RATES, "delivery_counted")
_SENT: Final = dict.fromkeys(RESPONSE_RATES, "response_day")
DUE_DAY: Final = _SENT | dict.fromkeys(DELIVERY_RATES, "delivery_day")
QUANTITIES: Final = frozenset({"delivery", "receipt"})
SHARE: Final = {
    rate: (column, "ordered") if rate in QUANTITIES else (f"{column}::int", "1")
    for rate, column in NUMERATOR.items()
}
"""What a counted line adds above and below the stroke."""
_NO_DATA: Final = Rate(0, 0)


class Figures(msgspec.Struct, frozen=True):
    """What one subject's lines add up to (统计结果)."""

    id: str
    rates: dict[str, Rate]
    excused: int
    back_entered: int


async def figures_of_one(connection: Any, scope: Scope, first: date, last: date) -> Figures:
    """The figures of one subject, or of all lines together; zeros where there is nothing."""
    where = lines_of(scope, first, last)
    row = await connection.fetchrow(
        f"SELECT {_sums(where, first, last)} FROM {where.lines} WHERE {where}", *where.values
    )
    return _figures(scope.id or TOTAL, row)


async def figures_of_each(
    connection: Any,
    scope: Scope,
    first: date,
    last: date,
    *,
    after: str | None,
    limit: int,
    ids: Sequence[str] | None = None,
) -> list[Figures]:
    """The figures of every subject with a line due in the window and not back-entered, by id."""
    column = COLUMNS[scope.subject]
    where = lines_of(scope, first, last)
    sums = _sums(where, first, last)
    if after is not None:
        where.add(column + " > {0}", after)
    if ids is not None:
        among(where, scope, ids)
    rows = await connection.fetch(
        f"""SELECT {column} AS id, {sums} FROM {where.lines} WHERE {where} GROUP BY {column}
            HAVING count(*) FILTER (WHERE NOT back_entered AND (response_day BETWEEN $1 AND $2
              OR delivery_day BETWEEN $1 AND $2)) > 0
            ORDER BY {column} LIMIT {where.value(limit)}""",
        *where.values,
    )
    return [_figures(row["id"], row) for row in rows]


def _sums(where: Where, first: date, last: date) -> str:
    """The select list; `$1` and `$2` are the window, as `lines_of` puts them."""
    sums = []
    for rate in LINE_RATES:
        inside = f"{DUE_DAY[rate]} BETWEEN $1 AND $2"
        if rate in QUANTITIES:
            sums.append(f"sum({NUMERATOR[rate]}) FILTER (WHERE {inside}) AS {rate}_n")
        else:
            sums.append(f"count(*) FILTER (WHERE {NUMERATOR[rate]} AND {inside}) AS {rate}_n")
    in_response = "response_day BETWEEN $1 AND $2"
    in_delivery = "delivery_day BETWEEN $1 AND $2"
    sums += [
        f"count(*) FILTER (WHERE answer_counted AND {in_response}) AS answer_counted",
        f"count(*) FILTER (WHERE delivery_counted AND {in_delivery}) AS delivery_counted",
        f"sum(ordered) FILTER (WHERE {in_delivery}) AS ordered",
        f"count(*) FILTER (WHERE excused AND {in_response}) AS excused",
        f"count(*) FILTER (WHERE back_entered AND {in_response}) AS back_entered",
    ]
    return ", ".join(sums)


def _figures(id_: str, row: Any) -> Figures:
    rates = {
        rate: Rate(
            int(row[f"{rate}_n"] or 0),
            int(row["ordered"] or 0) if rate in QUANTITIES else row[COUNTED[rate]],
        )
        for rate in LINE_RATES
    }
    # Tickets and the year's orders are asked for apart, measures do not exist yet.
    rates |= {FEEDBACK: _NO_DATA, "rectification": _NO_DATA, ORDERS_YTD: _NO_DATA}
    return Figures(id_, rates, row["excused"], row["back_entered"])
