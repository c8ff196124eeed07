"""Day closes (日结): what the figures stood on at 24:00, frozen once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

_FREEZE: Final = """
INSERT INTO day_closes (at, day, window_from, lines, response_numerator, response_denominator,
                        on_time_numerator, on_time_denominator)
SELECT $1, $3, $2, count(*) FILTER (WHERE NOT back_entered),
       count(*) FILTER (WHERE accepted AND response_day BETWEEN $2 AND $3),
       count(*) FILTER (WHERE answer_counted AND response_day BETWEEN $2 AND $3),
       count(*) FILTER (WHERE on_time AND delivery_day BETWEEN $2 AND $3),
       count(*) FILTER (WHERE delivery_counted AND delivery_day BETWEEN $2 AND $3)
FROM lines
WHERE selected AND last_day >= $2 AND first_day <= $3
  AND (response_day BETWEEN $2 AND $3 OR delivery_day BETWEEN $2 AND $3)
ON CONFLICT (at) DO NOTHING"""


async def freeze(tx: Any, at: datetime, first: date, last: date) -> None:
    """Keep the totals of the selected lines due in these days; the first time stands (日结)."""
    await tx.execute(_FREEZE, at, first, last)


_BEFORE: Final = """
SELECT close_at, ran_at, parked FROM closes WHERE $1::timestamptz IS NULL OR close_at < $1
ORDER BY close_at DESC LIMIT $2"""


async def closes_before(connection: Any, before: datetime | None, limit: int) -> list[Any]:
    """The closes that are done, the latest first (日结记录)."""
    return list(await connection.fetch(_BEFORE, before, limit))
