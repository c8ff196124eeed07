"""The documents of a publication (发布内容), one after another: what its roots are worked out over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from services.alerts.api.basis import basis_of_publication
from services.alerts.api.evidence import line_item, order_item
from services.alerts.api.feedback import ticket_item
from services.alerts.api.question import Filters
from services.alerts.api.scorecards import page_of_items, total_item
from services.alerts.domain.window import year_to_date
from services.alerts.policy import DEFINITIONS, FEEDBACK, LINE_RATES, ORDERS_YTD
from services.alerts.projections.evidence import (
    CountedLine,
    CountedOrder,
    counted_lines,
    counted_orders,
)
from services.alerts.projections.feedback import CountedTicket, counted_tickets
from services.alerts.projections.publications import Publication
from services.alerts.projections.scope import COLUMNS, TOTAL, Scope
from shared.runtime.room import Room

_AT_ONCE: Final = 500

T = TypeVar("T")
K = TypeVar("K")


async def scorecards_of(room: Room, publication: Publication) -> AsyncIterator[dict[str, Any]]:
    """The scorecards of every distributor, manufacturer and product, each by id; then the total."""
    basis, filters = basis_of_publication(publication), Filters()
    for subject in COLUMNS:
        scope = Scope(subject=subject, publication=publication.number)
        after: str | None = None
        while True:
            async with room.pool.acquire() as connection:
                items = await page_of_items(
                    connection, scope, filters, basis, after=after, limit=_AT_ONCE
                )
            for item in items:
                yield item
            if len(items) < _AT_ONCE:
                break
            after = items[-1]["id"]
    scope = Scope(subject=TOTAL, publication=publication.number)
    async with room.pool.acquire() as connection:
        total = await total_item(connection, scope, filters, basis)
    yield total


async def evidence_of(room: Room, publication: Publication) -> AsyncIterator[dict[str, Any]]:
    """The evidence of the total, rate by rate."""
    for rate in DEFINITIONS:
        if rate in LINE_RATES:
            items = _lines_of(room, publication, rate)
        elif rate == ORDERS_YTD:
            items = _orders_of(room, publication)
        elif rate == FEEDBACK:
            items = _tickets_of(room, publication)
        else:
            continue
        async for item in items:
            yield item


async def _lines_of(
    room: Room, publication: Publication, rate: str
) -> AsyncIterator[dict[str, Any]]:
    scope, days = _frozen_total(publication), (publication.first, publication.last)

    async def behind(after: tuple[str, str] | None) -> Sequence[CountedLine]:
        return await counted_lines(
            room.pool, scope, rate, *days, hit=None, after=after, limit=_AT_ONCE
        )

    async for one in _every(behind, lambda last: (last.order_id, last.line_id)):
        yield line_item(one, rate)


async def _orders_of(room: Room, publication: Publication) -> AsyncIterator[dict[str, Any]]:
    scope, year = _frozen_total(publication), year_to_date(publication.as_of)

    async def behind(after: str | None) -> Sequence[CountedOrder]:
        return await counted_orders(
            room.pool, scope, year.first, year.last, hit=None, after=after, limit=_AT_ONCE
        )

    async for one in _every(behind, lambda last: last.order_id):
        yield order_item(one)


async def _tickets_of(room: Room, publication: Publication) -> AsyncIterator[dict[str, Any]]:
    scope, days = _frozen_total(publication), (publication.first, publication.last)

    async def behind(after: str | None) -> Sequence[CountedTicket]:
        return await counted_tickets(room.pool, scope, *days, hit=None, after=after, limit=_AT_ONCE)

    async for one in _every(behind, lambda last: last.ticket_id):
        yield ticket_item(one)


def _frozen_total(publication: Publication) -> Scope:
    return Scope(subject=TOTAL, publication=publication.number)


async def _every(
    behind: Callable[[K | None], Awaitable[Sequence[T]]], place: Callable[[T], K]
) -> AsyncIterator[T]:
    """Page after page, each behind the last one's place."""
    after: K | None = None
    while True:
        found = await behind(after)
        for one in found:
            yield one
        if len(found) < _AT_ONCE:
            return
        after = place(found[-1])
