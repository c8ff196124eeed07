"""Scorecards over HTTP (供应商评分卡)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from services.alerts.api.basis import Basis, basis_of, of_publication, publication_of
from services.alerts.api.question import (
    Filters,
    ScorecardQuery,
    Viewer,
    evidence_url,
    scope_for,
)
from services.alerts.api.reading import AlertsRoom, ids_behind, registered, snapshot
from services.alerts.domain.score import score
from services.alerts.domain.window import year_to_date
from services.alerts.policy import DEFINITIONS, FEEDBACK, ORDERS_YTD
from services.alerts.projections.feedback import tickets_solved
from services.alerts.projections.orders import orders_answered
from services.alerts.projections.registers import names_of
from services.alerts.projections.scope import TOTAL, Scope
from services.alerts.projections.scorecards import (
    Figures,
    figures_of_each,
    figures_of_one,
)
from shared.kernel.rates import Rate
from shared.runtime.pages import cursor, page

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])

TOTAL_NAME = "合计"


@router.get("/scorecards", summary="评分卡: 按配送企业、生产企业或产品")
async def list_scorecards(
    viewer: Viewer, room: AlertsRoom, query: Annotated[ScorecardQuery, Query()]
) -> dict[str, Any]:
    """Figures of every subject of a kind, or of one, over a window."""
    scope = scope_for(viewer, query, query.subject, query.id)
    now = await room.now()
    async with snapshot(room) as connection:
        published = await publication_of(connection, query)
        scope = of_publication(scope, published)
        if query.id is not None:
            await registered(connection, query.subject, query.id, scope.publication)
        basis = basis_of(query, published, now, room.policy)
        if query.id is not None:
            one = await figures_of_one(connection, scope, basis.days.first, basis.days.last)
            items = await scorecard_items(connection, scope, query, basis, [one])
            return page(items, query.limit, None)
        behind = ids_behind(query.after, 1)
        items = await page_of_items(
            connection, scope, query, basis, after=behind[0] if behind else None, limit=query.limit
        )
    return page(items, query.limit, cursor(items[-1]["id"]) if items else None)


@router.get("/scorecards/total", summary="评分卡: 合计")
async def total_scorecard(
    viewer: Viewer, room: AlertsRoom, filters: Annotated[Filters, Query()]
) -> dict[str, Any]:
    """One scorecard over all lines that the filters let through."""
    scope = scope_for(viewer, filters, TOTAL, None)
    now = await room.now()
    async with snapshot(room) as connection:
        published = await publication_of(connection, filters)
        basis = basis_of(filters, published, now, room.policy)
        item = await total_item(connection, of_publication(scope, published), filters, basis)
    # The item itself, and in the form of the other lists: readers of either find it.
    return item | page([item], 1, None)


async def page_of_items(
    connection: Any,
    scope: Scope,
    filters: Filters,
    basis: Basis,
    *,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The scorecards of the next subjects of a kind, as documents."""
    days = basis.days
    found = await figures_of_each(
        connection, scope, days.first, days.last, after=after, limit=limit
    )
    return await scorecard_items(connection, scope, filters, basis, found)


async def total_item(
    connection: Any, scope: Scope, filters: Filters, basis: Basis
) -> dict[str, Any]:
    """The scorecard over all lines of a scope, as a document."""
    total = await figures_of_one(connection, scope, basis.days.first, basis.days.last)
    return (await scorecard_items(connection, scope, filters, basis, [total]))[0]


async def scorecard_items(
    connection: Any, scope: Scope, filters: Filters, basis: Basis, found: Sequence[Figures]
) -> list[dict[str, Any]]:
    """The figures as documents, with the year's orders, the tickets, names and scores."""
    if not found:
        return []
    ids = [one.id for one in found]
    year = year_to_date(basis.days.as_of)
    orders = await orders_answered(connection, scope, year.first, year.last, ids)
    tickets = await tickets_solved(connection, scope, basis.days.first, basis.days.last, ids)
    nothing = Rate(0, 0)
    cards = [
        msgspec.structs.replace(
            one,
            rates=one.rates
            | {ORDERS_YTD: orders.get(one.id, nothing), FEEDBACK: tickets.get(one.id, nothing)},
        )
        for one in found
    ]
    names: Mapping[str, str | None] = {TOTAL: TOTAL_NAME}
    if scope.subject != TOTAL:
        names = await names_of(connection, scope.subject, ids, scope.publication)
    return [
        _document(one, names.get(one.id), scope, filters, basis)
        | basis.said()
        | _scored(one, basis)
        for one in cards
    ]


def _document(
    figures: Figures, name: str | None, scope: Scope, filters: Filters, basis: Basis
) -> dict[str, Any]:
    days = basis.days
    return {
        "subject": scope.subject,
        "id": figures.id,
        "name": name,
        "window": {"from": days.first.isoformat(), "to": days.last.isoformat()},
        "rates": {rate: figures.rates[rate].document() for rate in DEFINITIONS},
        "excused": figures.excused,
        "back_entered": figures.back_entered,
        "definitions": DEFINITIONS,
        "evidence": evidence_url(scope, filters, days, figures.id, basis.publication_id),
    }


def _scored(figures: Figures, basis: Basis) -> dict[str, Any]:
    result = score(figures.rates, basis.score_terms)
    return {"score": result.points, "without_data": result.without_data}
