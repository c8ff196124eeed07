"""`feedback.v1` (问题解决及时率): sums over tickets, for one subject, for each, or for all together.

A product's tickets are those on it, an enterprise's those addressed to it, as what it ever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from services.alerts.projections.scope import TOTAL, Scope, Where, tickets_of
from shared.kernel.rates import Rate

_HIT: Final = {True: "solved", False: "NOT solved"}


class Grouping(msgspec.Struct, frozen=True):
    """How the tickets of a kind of subject are sorted: by what, and what must be joined for it."""

    id: str
    join: str = ""


_BY: Final = {
    TOTAL: Grouping(f"'{TOTAL}'::text"),
    "product": Grouping("product_id"),
}
_BY_ADDRESSEE: Final = Grouping("addressee", ", unnest(addressees) AS addressee")


class CountedTicket(msgspec.Struct, frozen=True):
    """One ticket as the rate counts it, with its facts (计入工单)."""

    ticket_id: str
    solved: bool
    facts: bytes


def grouping_of(scope: Scope) -> Grouping:
    """How the tickets of this scope are sorted by subject."""
    return _BY.get(scope.subject, _BY_ADDRESSEE)


async def tickets_solved(
    connection: Any, scope: Scope, first: date, last: date, ids: Sequence[str]
) -> dict[str, Rate]:
    """Tickets due in these days, and those solved by then, by subject (按期解决工单)."""
    by = grouping_of(scope)
    where = tickets_of(scope, first, last)
    if scope.subject != TOTAL:
        _among(where, scope, by, [scope.id] if scope.id is not None else list(ids))
    rows = await connection.fetch(
        f"""SELECT {by.id} AS id, count(*) FILTER (WHERE solved), count(*)
            FROM {where.lines}{by.join} WHERE {where} GROUP BY 1""",
        *where.values,
    )
    return {id_: Rate(solved, tickets) for id_, solved, tickets in rows}


async def counted_tickets(
    connection: Any,
    scope: Scope,
    first: date,
    last: date,
    *,
    hit: bool | None,
    after: str | None,
    limit: int,
) -> list[CountedTicket]:
    """A page of the tickets that the rate counts, by id."""
    where = tickets_of(scope, first, last)
    if hit is not None:
        where.add(_HIT[hit])
    if after is not None:
        where.add("ticket_id > {0}", after)
    rows = await connection.fetch(
        f"""SELECT ticket_id, solved, facts FROM {where.lines} WHERE {where}
            ORDER BY ticket_id LIMIT {where.value(limit)}""",
        *where.values,
    )
    return [CountedTicket(*row) for row in rows]


def _among(where: Where, scope: Scope, by: Grouping, ids: Sequence[str]) -> None:
    """Only these subjects; the index first finds the tickets of which any is an addressee."""
    if by.join and scope.id is None:
        where.add("addressees && {0}::text[]", ids)
    where.add(by.id + " = ANY({0}::text[])", ids)
