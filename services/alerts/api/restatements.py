"""A page of restatements (重述): the published figures that are different now, and why."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from services.alerts.api.causes import Moved, causes_of
from services.alerts.api.feedback import ticket_causes_of
from services.alerts.api.question import Filters, scope_for, unknown_subject, unprocessable
from services.alerts.api.reading import ids_behind, registered
from services.alerts.domain.restating import Figure
from services.alerts.policy import FEEDBACK, LINE_RATES, ORDERS_YTD, RATES
from services.alerts.projections.feedback import tickets_solved
from services.alerts.projections.orders import orders_answered
from services.alerts.projections.publications import Publication
from services.alerts.projections.restated import Change, changed_orders, changed_sums
from services.alerts.projections.restated_tickets import changed_feedback
from services.alerts.projections.scope import COLUMNS, TOTAL, Scope, frozen
from services.alerts.projections.scorecards import figures_of_each, figures_of_one
from shared.kernel.errors import malformed
from shared.kernel.rates import Rate
from shared.runtime.actors import Actor
from shared.runtime.pages import Limit, bad_cursor, cursor, page

_KINDS = (*COLUMNS, TOTAL)


class RestatementQuery(BaseModel):
    """A page of restatements (重述查询)."""

    subject: Literal["distributor", "manufacturer", "product", "total"] | None = None
    id: str | None = None
    rate: Literal[
        "response", "answered", "on_time", "on_time_first", "delivery", "receipt", "feedback",
        "rectification", "response_orders_ytd",
    ] | None = None  # fmt: skip
    after: str | None = None
    limit: Limit = 100


async def page_of_restatements(
    connection: Any, actor: Actor, published: Publication, query: RestatementQuery
) -> dict[str, Any]:
    """The next figures that differ, by kind, id and rate; it costs what was written since."""
    scopes = await _scopes(connection, actor, query)
    behind = _behind(query.after)
    moved = Moved(published)
    for scope in scopes:
        await _look_at(connection, scope, query, moved)
    found = sorted((one for one in moved.figures if place(one) > behind), key=place)
    chosen = found[: query.limit]
    before: dict[Figure, Rate] = {}
    for scope in scopes:
        ids = sorted({one.id for one in chosen if one.subject == scope.subject})
        if ids:
            before |= await _published_rates(connection, scope, moved, ids)
    causes = await causes_of(connection, scopes[0], moved, chosen)
    causes |= await ticket_causes_of(connection, scopes[0], moved, chosen)
    items = [
        {
            "subject": one.subject,
            "id": one.id,
            "rate": one.rate,
            "published": before.get(one, Rate(0, 0)).document(),
            "now": _now(before.get(one, Rate(0, 0)), moved.figures[one]).document(),
            "caused_by": [{"source": c.source, "id": c.id} for c in causes[one]],
        }
        for one in chosen
    ]
    return page(items, query.limit, cursor(*chosen[-1]) if chosen else None)


def place(figure: Figure) -> tuple[int, str, int]:
    """Where a figure stands in the list."""
    return _KINDS.index(figure.subject), figure.id, RATES.index(figure.rate)


async def _scopes(connection: Any, actor: Actor, query: RestatementQuery) -> list[Scope]:
    """One scope for each kind asked about, as far as this caller sees (可见范围)."""
    kinds, id_ = [query.subject] if query.subject else list(_KINDS), query.id
    if query.subject is None and id_ is not None:
        raise unprocessable(malformed("缺少参数 subject", "subject is missing", "/subject"))
    if query.subject is None and actor.role in ("distributor", "manufacturer"):
        kinds = [actor.role]
    if query.subject == TOTAL:
        if id_ not in (None, TOTAL):
            raise unknown_subject()
        id_ = None
    scopes = [scope_for(actor, Filters(), kind, id_) for kind in kinds]
    if id_ is not None:
        await registered(connection, kinds[0], id_)
    return scopes


def _behind(after: str | None) -> tuple[int, str, int]:
    behind = ids_behind(after, 3)
    if behind is None:
        return -1, "", -1
    subject, id_, rate = behind
    if subject not in _KINDS or rate not in RATES:
        raise bad_cursor()
    return place(Figure(subject, id_, rate))


async def _look_at(connection: Any, scope: Scope, query: RestatementQuery, moved: Moved) -> None:
    """Note what has come to the figures of one kind."""
    if query.rate in (None, *LINE_RATES):
        sums = await changed_sums(connection, scope, moved.number, moved.window)
        for id_, by_rate in sums.items():
            for rate, change in by_rate.items():
                if query.rate in (None, rate):
                    moved.note(Figure(scope.subject, id_, rate), change)
    if query.rate in (None, ORDERS_YTD):
        orders = await changed_orders(connection, scope, moved.number, moved.year)
        listed = await _listed(connection, scope, moved, sorted(orders))
        for id_, of_subject in orders.items():
            if id_ in listed:
                moved.note_orders(Figure(scope.subject, id_, ORDERS_YTD), of_subject)
    if query.rate in (None, FEEDBACK):
        tickets = await changed_feedback(connection, scope, moved.number, moved.window)
        listed = await _listed(connection, scope, moved, sorted(tickets))
        for id_, change in tickets.items():
            if id_ in listed:
                moved.note(Figure(scope.subject, id_, FEEDBACK), change)


async def _listed(connection: Any, scope: Scope, moved: Moved, ids: list[str]) -> set[str]:
    """Those that stand in the run as published, or would now: by their lines in the window alone."""
    if scope.subject == TOTAL:
        return {TOTAL}
    found = set()
    for run in (scope, frozen(scope, moved.number)):
        cards = await figures_of_each(
            connection, run, *moved.window, after=None, limit=len(ids), ids=ids
        )
        found |= {card.id for card in cards}
    return found


async def _published_rates(
    connection: Any, scope: Scope, moved: Moved, ids: list[str]
) -> dict[Figure, Rate]:
    """The figures of these subjects as they were published."""
    then = frozen(scope, moved.number)
    if scope.subject == TOTAL:
        found = [await figures_of_one(connection, then, *moved.window)]
    else:
        found = await figures_of_each(
            connection, then, *moved.window, after=None, limit=len(ids), ids=ids
        )
    orders = await orders_answered(connection, then, *moved.year, ids)
    tickets = await tickets_solved(connection, then, *moved.window, ids)
    rates = {
        Figure(scope.subject, one.id, rate): one.rates[rate] for one in found for rate in LINE_RATES
    }
    return (
        rates
        | {Figure(scope.subject, id_, ORDERS_YTD): r for id_, r in orders.items()}
        | {Figure(scope.subject, id_, FEEDBACK): r for id_, r in tickets.items()}
    )


def _now(before: Rate, change: Change) -> Rate:
    return Rate(before.numerator + change[0], before.denominator + change[1])
