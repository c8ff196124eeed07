"""The evidence behind a figure over HTTP (指标证据)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.alerts.api.basis import basis_of, of_publication, publication_of
from services.alerts.api.feedback import page_of_tickets
from services.alerts.api.question import (
    Days,
    EvidenceQuery,
    Viewer,
    hit_of,
    scope_for,
    unknown_subject,
    unprocessable,
)
from services.alerts.api.reading import AlertsRoom, ids_behind, registered, snapshot
from services.alerts.domain.line import LineFacts, from_bytes
from services.alerts.domain.outcome import decided_by, due_at
from services.alerts.domain.window import year_to_date
from services.alerts.policy import FEEDBACK, LINE_RATES, ORDERS_YTD
from services.alerts.projections.evidence import (
    CountedLine,
    CountedOrder,
    counted_lines,
    counted_orders,
)
from services.alerts.projections.scope import TOTAL, Scope
from shared.events.envelope import Cause
from shared.kernel.clock import utc_text
from shared.kernel.errors import malformed
from shared.runtime.pages import cursor, page

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])


@router.get("/evidence", summary="指标证据: 计入的每一条明细")
async def list_evidence(
    viewer: Viewer, room: AlertsRoom, query: Annotated[EvidenceQuery, Query()]
) -> dict[str, Any]:
    """The counted lines (orders, tickets) behind one figure; they add up to it."""
    asked = None if query.subject == TOTAL else query.id
    scope = scope_for(viewer, query, query.subject, asked)
    now = await room.now()
    async with snapshot(room) as connection:
        published = await publication_of(connection, query)
        scope = of_publication(scope, published)
        await _require_subject(connection, scope, query)
        days = basis_of(query, published, now, room.policy).days
        if query.rate == ORDERS_YTD:
            return await _orders(connection, scope, days, query)
        if query.rate in LINE_RATES:
            return await _lines(connection, scope, days, query)
        if query.rate == FEEDBACK:
            return await page_of_tickets(connection, scope, days, query)
    # Measures are not counted yet: nothing stands behind 0/0.
    return page([], query.limit, None)


async def _require_subject(connection: Any, scope: Scope, query: EvidenceQuery) -> None:
    if query.subject == TOTAL:
        if query.id not in (None, TOTAL):
            raise unknown_subject()
        return
    if scope.id is None:
        raise unprocessable(malformed("缺少参数 id", "id is missing", "/id"))
    await registered(connection, scope.subject, scope.id, scope.publication)


async def _lines(connection: Any, scope: Scope, days: Days, query: EvidenceQuery) -> dict[str, Any]:
    behind = ids_behind(query.after, 2)
    found = await counted_lines(
        connection,
        scope,
        query.rate,
        days.first,
        days.last,
        hit=hit_of(query),
        after=(behind[0], behind[1]) if behind else None,
        limit=query.limit,
    )
    last = cursor(found[-1].order_id, found[-1].line_id) if found else None
    return page([line_item(one, query.rate) for one in found], query.limit, last)


async def _orders(
    connection: Any, scope: Scope, days: Days, query: EvidenceQuery
) -> dict[str, Any]:
    behind = ids_behind(query.after, 1)
    year = year_to_date(days.as_of)
    found = await counted_orders(
        connection,
        scope,
        year.first,
        year.last,
        hit=hit_of(query),
        after=behind[0] if behind else None,
        limit=query.limit,
    )
    last = cursor(found[-1].order_id) if found else None
    return page([order_item(one) for one in found], query.limit, last)


def line_item(counted: CountedLine, rate: str) -> dict[str, Any]:
    """A counted line as a document."""
    facts = from_bytes(counted.facts)
    return _item(
        counted.order_id,
        counted.line_id,
        facts,
        rate,
        (counted.numerator, counted.denominator),
        decided_by(facts, rate),
    )


def order_item(counted: CountedOrder) -> dict[str, Any]:
    """A counted order as a document."""
    lines = [from_bytes(facts) for facts in counted.facts]
    causes = [cause for facts in lines for cause in decided_by(facts, "answered")]
    share = (int(counted.is_whole), 1)
    return _item(counted.order_id, None, lines[0], "answered", share, causes)


def _item(
    order_id: str,
    line_id: str | None,
    facts: LineFacts,
    rate: str,
    share: tuple[int, int],
    causes: Iterable[Cause],
) -> dict[str, Any]:
    numerator, denominator = share
    due = due_at(facts, rate)
    return {
        "order_id": order_id,
        "line_id": line_id,
        "due_at": None if due is None else utc_text(due),
        "outcome": "hit" if numerator == denominator else "miss",
        "numerator": numerator,
        "denominator": denominator,
        "decided_by": [{"source": c.source, "id": c.id} for c in dict.fromkeys(causes)],
    }
