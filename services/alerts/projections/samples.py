"""Small samples (小样本): below a threshold on too few lines to alert, as each day close found them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from services.alerts.projections.alerts import visible_alerts
from services.alerts.projections.scope import Where
from shared.runtime.actors import Actor

Row = tuple[date, str, str, str, int, int, int, str]
"""Day, rule, subject, its id, numerator, denominator, threshold, divisions."""

_KEEP: Final = """
INSERT INTO small_samples (day, rule, subject, subject_id, numerator, denominator, threshold,
                           divisions)
SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                     $7::int[], $8::text[])
ON CONFLICT (day, rule, subject, subject_id) DO NOTHING"""


async def keep_samples(tx: Any, rows: Sequence[Row]) -> None:
    """What a close found; the first time stands."""
    if rows:
        await tx.execute(_KEEP, *map(list, zip(*rows, strict=True)))


async def last_closed_day(connection: Any) -> date | None:
    """The latest day whose close has run (最近日结)."""
    day: date | None = await connection.fetchval("SELECT max(day) FROM day_closes")
    return day


async def list_samples(
    connection: Any,
    actor: Actor,
    day: date,
    *,
    rule: str | None,
    subject: str | None,
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[Any]:
    """One day's small samples that this caller may see, by rule and subject."""
    where = Where()
    where.add("day = {0}", day)
    visible_alerts(where, actor)
    for column, value in (("rule", rule), ("subject", subject)):
        if value is not None:
            where.add(column + " = {0}", value)
    if after is not None:
        where.add("(rule, subject, subject_id) > ({0}, {1}, {2})", *after)
    return list(
        await connection.fetch(
            f"""SELECT * FROM small_samples WHERE {where}
                ORDER BY rule, subject, subject_id LIMIT {where.value(limit)}""",
            *where.values,
        )
    )
