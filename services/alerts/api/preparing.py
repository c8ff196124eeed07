"""The roots of a publication (发布根哈希), worked out after it is issued, in many short steps.

The rows no longer change, so steps need no common transaction and whoever starts over finds the
same. A process that dies leaves a publication without roots; the next one asked about it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import structlog

from services.alerts.api.acting import act
from services.alerts.api.basis import basis_of_publication
from services.alerts.api.evidence import line_item, order_item
from services.alerts.api.question import Filters
from services.alerts.api.scorecards import page_of_items, total_item
from services.alerts.commands import IssuePublication
from services.alerts.domain.publication import stream_of_publication
from services.alerts.domain.roots import RunningRoot
from services.alerts.domain.window import year_to_date
from services.alerts.policy import DEFINITIONS, LINE_RATES, ORDERS_YTD
from services.alerts.projections.evidence import counted_lines, counted_orders
from services.alerts.projections.publications import Publication, complete
from services.alerts.projections.scope import COLUMNS, TOTAL, Scope
from shared.events.alerts import PublicationIssued
from shared.runtime.actors import parse_actor
from shared.runtime.room import Room

_AT_ONCE: Final = 500

log = structlog.get_logger()

_running: dict[tuple[int, int], asyncio.Task[None]] = {}
"""What this process is at, by room and publication: who asks meanwhile does not do it twice."""


async def prepared(room: Room, publication: Publication, *, seconds: float) -> None:
    """Have the roots worked out, and wait for them so long; a caller who leaves stops nothing."""
    if publication.root is not None:
        return
    key = (id(room), publication.number)
    task = _running.get(key)
    if task is None:
        task = _running[key] = asyncio.create_task(_prepare(room, publication))
        task.add_done_callback(lambda _: _running.pop(key, None))
    await asyncio.wait({task}, timeout=seconds)


async def _prepare(room: Room, publication: Publication) -> None:
    try:
        root = await _root_of(scorecards_of(room, publication))
        evidence_root = await _root_of(evidence_of(room, publication))
        await _tell(room, publication, root, evidence_root)
        await complete(room.pool, publication.number, root, evidence_root)
    except Exception:
        log.exception("publication.not_prepared", publication_id=publication.publication_id)


async def _tell(room: Room, publication: Publication, root: str, evidence_root: str) -> None:
    """Record the fact, once: who died before the last step finds it told (发布事实)."""
    fact = PublicationIssued(
        publication_id=publication.publication_id,
        window=publication.window,
        as_of=publication.as_of,
        known_at=publication.known_at,
        policy_version=publication.policy_version,
        calendar_version=publication.calendar_version,
        root=root,
        evidence_root=evidence_root,
    )
    stream = stream_of_publication(publication.publication_id)
    await act(room, parse_actor(publication.issued_by), stream, IssuePublication(fact))


async def _root_of(items: AsyncIterator[dict[str, Any]]) -> str:
    root = RunningRoot()
    async for item in items:
        root.add(item)
    return root.hexdigest()


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
        else:
            continue
        async for item in items:
            yield item


async def _lines_of(
    room: Room, publication: Publication, rate: str
) -> AsyncIterator[dict[str, Any]]:
    scope = Scope(subject=TOTAL, publication=publication.number)
    after: tuple[str, str] | None = None
    while True:
        found = await counted_lines(
            room.pool,
            scope,
            rate,
            publication.first,
            publication.last,
            hit=None,
            after=after,
            limit=_AT_ONCE,
        )
        for one in found:
            yield line_item(one, rate)
        if len(found) < _AT_ONCE:
            return
        after = (found[-1].order_id, found[-1].line_id)


async def _orders_of(room: Room, publication: Publication) -> AsyncIterator[dict[str, Any]]:
    scope = Scope(subject=TOTAL, publication=publication.number)
    year = year_to_date(publication.as_of)
    after: str | None = None
    while True:
        found = await counted_orders(
            room.pool, scope, year.first, year.last, hit=None, after=after, limit=_AT_ONCE
        )
        for one in found:
            yield order_item(one)
        if len(found) < _AT_ONCE:
            return
        after = found[-1].order_id
