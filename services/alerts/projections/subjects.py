"""The rates that are watched (预警指标), for every product, manufacturer and distributor at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from services.alerts.projections.scorecards import COUNTED, DUE_DAY, NUMERATOR
from shared.events.alerts import Subject
from shared.kernel.rates import Rate

SubjectFigure = tuple[Rate, list[str]]
"""A rate, and the divisions that hold a line of it."""

# One pass over the window, summed by (subject, division) first: so the divisions come for nothing.
_SUMS: Final = """
SELECT subject, id, {sums}
FROM (SELECT CASE WHEN grouping(product_id) = 0 THEN 'product'
                  WHEN grouping(manufacturer_id) = 0 THEN 'manufacturer'
                  ELSE 'distributor' END AS subject,
             coalesce(product_id, manufacturer_id, distributor_id) AS id, division, {counts}
      FROM lines WHERE selected AND last_day >= $1 AND first_day <= $2
      GROUP BY GROUPING SETS ((product_id, division), (manufacturer_id, division),
                              (distributor_id, division))) AS by_division
GROUP BY subject, id"""


async def figures_by_subject(
    tx: Any, rates: Iterable[str], first: date, last: date
) -> dict[str, dict[tuple[Subject, str], SubjectFigure]]:
    """By rate: every subject with a counted selected line due in these days, and its figure."""
    names = list(rates)
    counts, sums = [], []
    for rate in names:
        inside = f"{DUE_DAY[rate]} BETWEEN $1 AND $2"
        counts += [
            f"count(*) FILTER (WHERE {NUMERATOR[rate]} AND {inside}) AS {rate}_n",
            f"count(*) FILTER (WHERE {COUNTED[rate]} AND {inside}) AS {rate}_d",
        ]
        sums += [
            f"sum({rate}_n)::bigint AS {rate}_n",
            f"sum({rate}_d)::bigint AS {rate}_d",
            f"array_agg(division ORDER BY division) FILTER (WHERE {rate}_d > 0) AS {rate}_where",
        ]
    rows = await tx.fetch(_SUMS.format(counts=", ".join(counts), sums=", ".join(sums)), first, last)
    return {
        rate: {
            (row["subject"], row["id"]): (
                Rate(row[f"{rate}_n"], row[f"{rate}_d"]),
                row[f"{rate}_where"],
            )
            for row in rows
            if row[f"{rate}_d"]
        }
        for rate in names
    }
