"""What has come to the figures since a publication (重述): it costs the lines written since.

Every line written since either replaces one that is kept or was not there: what is written now less
what is kept is the whole difference between the figures of now and the published ones.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from services.alerts.policy import LINE_RATES
from services.alerts.projections.freezing import EVER_WRITTEN, is_later, was_published
from services.alerts.projections.scope import COLUMNS, Scope, lines_of
from services.alerts.projections.scorecards import COUNTED, DUE_DAY, SHARE

Days = tuple[date, date]
"""First and last, both inside."""

Change = tuple[int, int]
"""What comes to a numerator and a denominator."""

Wholes = tuple[bool | None, bool | None]
"""Whether an order was answered whole, then and now; None where it did not count."""

_SUMS: Final = """
SELECT id, {totals} FROM (
  SELECT {column} AS id, {sums} FROM lines WHERE {later} AND {where} GROUP BY 1
  UNION ALL
  SELECT {column} AS id, {less} FROM past_lines WHERE {published} AND {where} GROUP BY 1
) AS changed GROUP BY id"""

# An order counts by what its lines say together, so every line of a touched order is looked at.
_ORDERS: Final = """
WITH touched AS (
  SELECT order_id FROM lines WHERE {later} AND {where}
  UNION SELECT order_id FROM past_lines WHERE {published} AND {where}),
published AS (
  SELECT {column} AS id, order_id, bool_and(answered) AS whole FROM {ever}
  WHERE order_id IN (SELECT order_id FROM touched) AND {published} AND {where} AND {counts} GROUP BY 1, 2),
standing AS (
  SELECT {column} AS id, order_id, bool_and(answered) AS whole FROM lines
  WHERE order_id IN (SELECT order_id FROM touched) AND {where} AND {counts} GROUP BY 1, 2)
SELECT id, order_id, p.whole, s.whole
FROM published AS p FULL JOIN standing AS s USING (id, order_id)
WHERE p.whole IS DISTINCT FROM s.whole"""


async def changed_sums(
    connection: Any, scope: Scope, number: int, window: Days
) -> dict[str, dict[str, Change]]:
    """What has come to the rates over lines, by subject and rate (变化量)."""
    where = lines_of(scope, *window)
    sums = [
        f"coalesce(sum({part}) FILTER (WHERE {COUNTED[rate]} AND {DUE_DAY[rate]} "
        "BETWEEN $1 AND $2), 0)"
        for rate in LINE_RATES
        for part in SHARE[rate]
    ]
    sql = _SUMS.format(
        column=_column(scope),
        sums=", ".join(f"{one} AS s{n}" for n, one in enumerate(sums)),
        less=", ".join(f"-{one} AS s{n}" for n, one in enumerate(sums)),
        totals=", ".join(f"sum(s{n})::bigint" for n in range(len(sums))),
        later=is_later(number),
        published=was_published(number),
        where=where,
    )
    found = {}
    for id_, *numbers in await connection.fetch(sql, *where.values):
        changes = zip(numbers[::2], numbers[1::2], strict=True)
        found[id_] = dict(zip(LINE_RATES, changes, strict=True))
    return found


async def changed_orders(
    connection: Any, scope: Scope, number: int, year: Days
) -> dict[str, dict[str, Wholes]]:
    """The orders of the year that count otherwise, by subject and order (整单变化)."""
    where = lines_of(scope, *year)
    sql = _ORDERS.format(
        column=_column(scope),
        counts="selected AND answer_counted AND response_day BETWEEN $1 AND $2",
        ever=EVER_WRITTEN,
        later=is_later(number),
        published=was_published(number),
        where=where,
    )
    found: dict[str, dict[str, Wholes]] = {}
    for id_, order_id, was_whole, is_whole in await connection.fetch(sql, *where.values):
        found.setdefault(id_, {})[order_id] = (was_whole, is_whole)
    return found


def _column(scope: Scope) -> str:
    return COLUMNS.get(scope.subject, "'total'::text")
