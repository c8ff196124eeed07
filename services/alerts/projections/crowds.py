"""Tickets that crowd on a product (集中反馈): the openings, the alerts on them, and what each stood on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

Opening = tuple[datetime, str, str, str]
"""Instant, ticket, hospital, division."""

# The first day that no close has ended: what was opened earlier was told when it was, or never will.
_LAST_CLOSE: Final = "SELECT max(close_at) FROM closes"

_OPENED: Final = """
SELECT product_id, opened_at, ticket_id, hospital_id, division FROM tickets
WHERE product_id = ANY($1::text[]) AND opened_on BETWEEN $2 AND $3 AND ticket_id <> ALL($4::text[])"""

# An alert that is not cleared stands for ever; of others the latest clearing counts.
_ALERTED: Final = """
SELECT subject_id, bool_or(cleared_at IS NULL) AS open, max(cleared_at) AS cleared_at FROM streams
WHERE rule = $1 AND subject = 'product' AND subject_id = ANY($2::text[]) GROUP BY subject_id"""

_CROWDED: Final = """
SELECT product_id, opened_at, ticket_id, hospital_id, division FROM tickets
WHERE opened_on BETWEEN $1 AND $2 AND product_id IN (
  SELECT product_id FROM tickets WHERE opened_on BETWEEN $1 AND $2 GROUP BY product_id
  HAVING count(*) >= $3 OR count(DISTINCT hospital_id) >= $4)
ORDER BY opened_at, ticket_id"""

_NOTE: Final = """
INSERT INTO alert_tickets (alert_id, ticket_id) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING"""

_BEHIND: Final = """
SELECT ticket_id, hospital_id, opened_at, complaint FROM alert_tickets JOIN tickets USING (ticket_id)
WHERE alert_id = $1 AND ticket_id > $2 AND starts_with(division, $3)
ORDER BY ticket_id LIMIT $4"""


async def last_close(tx: Any) -> datetime | None:
    """The latest instant whose close is done (最近日结)."""
    at: datetime | None = await tx.fetchval(_LAST_CLOSE)
    return at


async def opened_on(
    tx: Any, products: Collection[str], first: date, last: date, *, but: Sequence[str]
) -> dict[str, list[Opening]]:
    """What was opened on these products in these days, but for some tickets, by product."""
    rows = await tx.fetch(_OPENED, list(products), first, last, list(but))
    return _by_product(rows)


async def alerted_until(
    tx: Any, rule: str, products: Collection[str]
) -> dict[str, datetime | None]:
    """Until when each of these products was under an alert; None where it is, missing if never."""
    rows = await tx.fetch(_ALERTED, rule, list(products))
    return {row["subject_id"]: None if row["open"] else row["cleared_at"] for row in rows}


async def crowded(
    tx: Any, first: date, last: date, *, tickets: int, hospitals: int
) -> dict[str, list[Opening]]:
    """The openings of every product with so many tickets, or tickets of so many hospitals."""
    return _by_product(await tx.fetch(_CROWDED, first, last, tickets, hospitals))


async def note_tickets(tx: Any, stood_on: Mapping[str, Sequence[str]]) -> None:
    """What each of these alerts was raised on; the first time stands."""
    rows = sorted((alert_id, one) for alert_id, ids in stood_on.items() for one in ids)
    if rows:
        await tx.execute(_NOTE, *map(list, zip(*rows, strict=True)))


async def tickets_behind(
    connection: Any, alert_id: str, area: str, *, after: str, limit: int
) -> list[Any]:
    """A page of the tickets that an alert was raised on, as far as they lie in an area, by id."""
    return list(await connection.fetch(_BEHIND, alert_id, after, area, limit))


def _by_product(rows: Sequence[Any]) -> dict[str, list[Opening]]:
    found: dict[str, list[Opening]] = {}
    for product_id, *opening in rows:
        found.setdefault(product_id, []).append(tuple(opening))
    return found
