"""Scorecards over HTTP (供应商评分卡)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.alerts.api.question import (
    Days,
    Filters,
    ScorecardQuery,
    Viewer,
    days_of,
    evidence_url,
    scope_for,
)
from services.alerts.api.reading import AlertsRoom, ids_behind, registered, snapshot
from services.alerts.domain.score import score
from services.alerts.domain.window import year_to_date
from services.alerts.policy import DEFINITIONS, ORDERS_YTD, score_terms
from services.alerts.projections.orders import orders_answered
from services.alerts.projections.registers import names_of
from services.alerts.projections.scope import TOTAL, Scope
from services.alerts.projections.scorecards import (
    Figures,
    figures_of_each,
    figures_of_one,
)
from shared.kernel.clock import utc_text
from shared.kernel.policy import Policy
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
        if query.id is not None:
            names = await registered(connection, query.subject, query.id)
            days = days_of(query, now)
            found = [await figures_of_one(connection, scope, days.first, days.last)]
        else:
            days = days_of(query, now)
            behind = ids_behind(query.after, 1)
            found = await figures_of_each(
                connection,
                scope,
                days.first,
                days.last,
                after=behind[0] if behind else None,
                limit=query.limit,
            )
            names = await names_of(connection, query.subject, [one.id for one in found])
        items = await _items(connection, scope, query, days, found, names, now, room.policy)
    behind_last = cursor(found[-1].id) if found and query.id is None else None
    return page(items, query.limit, behind_last)


@router.get("/scorecards/total", summary="评分卡: 合计")
async def total_scorecard(
    viewer: Viewer, room: AlertsRoom, filters: Annotated[Filters, Query()]
) -> dict[str, Any]:
    """One scorecard over all lines that the filters let through."""
    scope = scope_for(viewer, filters, TOTAL, None)
    now = await room.now()
    days = days_of(filters, now)
    async with snapshot(room) as connection:
        found = [await figures_of_one(connection, scope, days.first, days.last)]
        names: dict[str, str | None] = {TOTAL: TOTAL_NAME}
        items = await _items(connection, scope, filters, days, found, names, now, room.policy)
    # The item itself, and in the form of the other lists: readers of either find it.
    return items[0] | page(items, 1, None)


async def _items(
    connection: Any,
    scope: Scope,
    filters: Filters,
    days: Days,
    found: list[Figures],
    names: dict[str, str | None],
    now: datetime,
    policy: Policy,
) -> list[dict[str, Any]]:
    """The figures as documents, with the year's orders, names and scores."""
    if not found:
        return []
    year = year_to_date(days.as_of)
    orders = await orders_answered(
        connection, scope, year.first, year.last, [one.id for one in found]
    )
    return [
        _document(one, orders.get(one.id, Rate(0, 0)), names.get(one.id), scope, filters, days)
        | {"known_at": utc_text(now), "policy_version": policy.version}
        | _scored(one, policy)
        for one in found
    ]


def _document(
    figures: Figures, orders: Rate, name: str | None, scope: Scope, filters: Filters, days: Days
) -> dict[str, Any]:
    rates = figures.rates | {ORDERS_YTD: orders}
    return {
        "subject": scope.subject,
        "id": figures.id,
        "name": name,
        "window": {"from": days.first.isoformat(), "to": days.last.isoformat()},
        "rates": {rate: rates[rate].document() for rate in DEFINITIONS},
        "excused": figures.excused,
        "back_entered": figures.back_entered,
        "definitions": DEFINITIONS,
        "evidence": evidence_url(scope, filters, days.as_of, figures.id),
    }


def _scored(figures: Figures, policy: Policy) -> dict[str, Any]:
    result = score(figures.rates, score_terms(policy))
    return {"score": result.points, "without_data": result.without_data}
