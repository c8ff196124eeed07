"""What has come to `feedback.v1` since a publication (工单重述), and the tickets behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from services.alerts.projections.feedback import grouping_of
from services.alerts.projections.freezing import is_later, was_published
from services.alerts.projections.restated import Change, Days
from services.alerts.projections.scope import Scope, tickets_of

_READ_AT_ONCE: Final = 500

_SUMS: Final = """
SELECT id, sum(n)::bigint, sum(d)::bigint FROM (
  SELECT {id} AS id, solved::int AS n, 1 AS d FROM tickets{join} WHERE {later} AND {where}
  UNION ALL
  SELECT {id} AS id, -solved::int AS n, -1 AS d FROM past_tickets{join} WHERE {published} AND {where}
) AS changed GROUP BY id"""

# A ticket that is kept is looked at whole even where it lay outside the scope: its facts were known.
_TICKETS: Final = """
WITH touched AS (
  SELECT ticket_id FROM tickets WHERE {later} AND {where}
  UNION SELECT ticket_id FROM past_tickets WHERE {published} AND {where}),
published AS (
  SELECT ticket_id, facts, CASE WHEN {where} THEN solved END AS hit
  FROM past_tickets WHERE {published}),
standing AS (
  SELECT ticket_id, product_id, addressees, facts, CASE WHEN {where} THEN solved END AS hit
  FROM tickets)
SELECT s.product_id, s.addressees, p.facts, s.facts
FROM touched JOIN standing AS s USING (ticket_id) LEFT JOIN published AS p USING (ticket_id)
WHERE p.hit IS DISTINCT FROM s.hit ORDER BY ticket_id"""


class ChangedTicket(NamedTuple):
    """A ticket that adds something else than it did (变化工单); whose it is never changes."""

    product_id: str
    addressees: Sequence[str]
    facts_then: bytes | None
    facts_now: bytes


async def changed_feedback(
    connection: Any, scope: Scope, number: int, window: Days
) -> dict[str, Change]:
    """What has come to the rate, by subject (变化量)."""
    by = grouping_of(scope)
    where = tickets_of(scope, *window)
    if by.join and scope.id is not None:
        where.add(by.id + " = {0}", scope.id)
    sql = _SUMS.format(
        id=by.id,
        join=by.join,
        later=is_later(number),
        published=was_published(number),
        where=where,
    )
    rows = await connection.fetch(sql, *where.values)
    return {id_: (numerator, denominator) for id_, numerator, denominator in rows}


async def changed_tickets(
    tx: Any, scope: Scope, number: int, window: Days
) -> AsyncIterator[ChangedTicket]:
    """Every such ticket of a scope, by id."""
    where = tickets_of(scope, *window)
    sql = _TICKETS.format(later=is_later(number), published=was_published(number), where=where)
    async for row in tx.cursor(sql, *where.values, prefetch=_READ_AT_ONCE):
        yield ChangedTicket(*row)
