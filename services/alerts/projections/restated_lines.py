"""The lines behind a restatement (重述明细): what each added when published, and adds now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.alerts.policy import LINE_RATES, ORDERS_YTD
from services.alerts.projections.freezing import is_later, was_published
from services.alerts.projections.restated import Change, Days
from services.alerts.projections.scope import COLUMNS, TOTAL, Scope, Where, lines_of
from services.alerts.projections.scorecards import COUNTED, DUE_DAY, SHARE

_READ_AT_ONCE: Final = 500
_RATES: Final = (*LINE_RATES, ORDERS_YTD)

# A line that is kept is looked at whole even where it lay outside the scope: its facts were known.
_LINES: Final = """
WITH touched AS (
  SELECT order_id, line_id FROM lines WHERE {later} AND {where}
  UNION SELECT order_id, line_id FROM past_lines WHERE {published} AND {where}),
published AS (
  SELECT order_id, line_id, facts, {ids} AS ids, {shares} AS shares
  FROM past_lines WHERE {published}),
standing AS (
  SELECT order_id, line_id, facts, {ids} AS ids, {shares} AS shares FROM lines)
SELECT order_id, p.facts, p.ids, p.shares, s.facts, s.ids, s.shares
FROM touched JOIN standing AS s USING (order_id, line_id)
  LEFT JOIN published AS p USING (order_id, line_id)
WHERE (p.ids, p.shares) IS DISTINCT FROM (s.ids, s.shares)
ORDER BY order_id, line_id"""


class Side(NamedTuple):
    """Whose a line is, by kind, and what it adds to each rate that counts it (明细贡献)."""

    ids: Mapping[str, str]
    shares: Mapping[str, Change]


class ChangedLine(NamedTuple):
    """A line that adds something else than it did, or to the figures of somebody else (变化明细)."""

    order_id: str
    facts_then: bytes | None
    then: Side
    facts_now: bytes
    now: Side


async def changed_lines(
    tx: Any, scope: Scope, number: int, window: Days, year: Days
) -> AsyncIterator[ChangedLine]:
    """Every such line of a scope, by order and line; for the year's orders its answer counts."""
    where = lines_of(scope, min(window[0], year[0]), max(window[1], year[1]))
    sql = _LINES.format(
        ids=f"CASE WHEN {where} THEN ARRAY[{', '.join(COLUMNS.values())}] END",
        shares=f"CASE WHEN {where} THEN ARRAY[{', '.join(_shares(where, window, year))}] END",
        later=is_later(number),
        published=was_published(number),
        where=where,
    )
    async for row in tx.cursor(sql, *where.values, prefetch=_READ_AT_ONCE):
        order_id, facts_then, ids_then, shares_then, facts_now, ids_now, shares_now = row
        then, now = _side(ids_then, shares_then), _side(ids_now, shares_now)
        yield ChangedLine(order_id, facts_then, then, facts_now, now)


def _shares(where: Where, window: Days, year: Days) -> list[str]:
    """Numerator and denominator for each rate, NULL where the line is not counted."""
    first, last, new_year, day = (where.value(day) for day in (*window, *year))
    shares = []
    for rate in LINE_RATES:
        counted = f"{COUNTED[rate]} AND {DUE_DAY[rate]} BETWEEN {first} AND {last}"
        shares += [f"CASE WHEN {counted} THEN {part} END::bigint" for part in SHARE[rate]]
    counted = f"selected AND answer_counted AND response_day BETWEEN {new_year} AND {day}"
    shares += [f"CASE WHEN {counted} THEN {part} END::bigint" for part in SHARE["answered"]]
    return shares


def _side(ids: Sequence[str] | None, shares: Sequence[int | None] | None) -> Side:
    if ids is None or shares is None:
        return Side({}, {})
    pairs = zip(_RATES, shares[::2], shares[1::2], strict=True)
    added = {rate: (n, d) for rate, n, d in pairs if n is not None and d is not None}
    return Side(dict(zip(COLUMNS, ids, strict=True)) | {TOTAL: TOTAL}, added)
