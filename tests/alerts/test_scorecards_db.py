"""The figures of the database are the plain sum over lines, for any filter and any window."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest

from services.alerts.policy import LINE_RATES
from services.alerts.projections.evidence import counted_lines, counted_orders
from services.alerts.projections.orders import orders_answered
from services.alerts.projections.scope import Scope
from services.alerts.projections.scorecards import (
    figures_of_each,
    figures_of_one,
)
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.province import take

WINDOWS = (
    (date(2026, 1, 1), date(2026, 1, 31)),
    (date(2026, 2, 10), date(2026, 2, 10)),
    (date(2026, 1, 1), date(2026, 12, 31)),
    (date(2025, 1, 1), date(2025, 12, 31)),
)
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"category": "drug"},
    {"division": "360100"},
    {"division": "360000"},
    {"division": "360403", "level": "primary"},
    {"selected_only": True},
    {"batch_id": "B1"},
    {"category": "consumable", "division": "360100", "level": "tertiary", "selected_only": True},
)


@pytest.mark.parametrize("filters", FILTERS)
async def test_the_figures_are_the_plain_sum(alerts_room: Room, filters: dict[str, Any]) -> None:
    records = province.some_records(Random(7), 250)
    await take(alerts_room, records)
    rows = province.rows_of(records)
    for first, last in WINDOWS:
        for subject in ("distributor", "manufacturer", "product", "total"):
            scope = Scope(subject=subject, **filters)
            await _compare_all(alerts_room, rows, scope, first, last)


async def _compare_all(
    room: Room, rows: list[province.Row], scope: Scope, first: date, last: date
) -> None:
    as_of = min(last, date(2026, 3, 20))
    if scope.subject == "total":
        await _compare(room, rows, scope, "total", first, last, as_of)
        return
    mine = province.within(rows, scope)
    ids = sorted(
        {
            getattr(row, scope.subject)
            for row in mine
            if not row.outcome.back_entered
            and (
                first <= row.outcome.response_day <= last
                or first <= row.outcome.delivery_day <= last
            )
        }
    )
    found = await figures_of_each(room.pool, scope, first, last, after=None, limit=1000)
    assert [one.id for one in found] == ids
    tail = await figures_of_each(
        room.pool, scope, first, last, after=ids[0] if ids else "0", limit=2
    )
    assert tail == found[1:3]
    for one in found:
        alone = await _compare(room, rows, scope, one.id, first, last, as_of)
        assert alone == one


async def _compare(
    room: Room,
    rows: list[province.Row],
    each: Scope,
    id_: str,
    first: date,
    last: date,
    as_of: date,
) -> Any:
    scope = Scope(**{n: getattr(each, n) for n in each.__struct_fields__} | {"id": id_})
    mine = province.within(rows, scope)
    figures = await figures_of_one(room.pool, scope, first, last)
    expected = province.sums(mine, first, last)
    assert {
        name: (figures.rates[name].numerator, figures.rates[name].denominator)
        for name in LINE_RATES
    } == expected
    inside = [row.outcome for row in mine if first <= row.outcome.response_day <= last]
    assert figures.excused == sum(one.excused for one in inside)
    assert figures.back_entered == sum(one.back_entered for one in inside)
    orders = province.orders_of_the_year(mine, as_of)
    year = date(as_of.year, 1, 1)
    for asked, ids in ((scope, [id_]), (each, [id_])):
        rates = await orders_answered(room.pool, asked, year, as_of, ids)
        rate = rates.get(id_)
        got = (rate.numerator, rate.denominator) if rate else (0, 0)
        assert got == (sum(orders.values()), len(orders))
    return figures


@pytest.mark.parametrize("rate", LINE_RATES)
async def test_evidence_adds_up_to_the_figure_page_by_page(alerts_room: Room, rate: str) -> None:
    records = province.some_records(Random(11), 120)
    await take(alerts_room, records)
    scope = Scope(subject="distributor", id=province.DISTRIBUTORS[0], category="drug")
    first, last = date(2026, 1, 10), date(2026, 2, 28)
    figures = await figures_of_one(alerts_room.pool, scope, first, last)
    found: dict[bool | None, list[Any]] = {}
    for hit in (None, True, False):
        found[hit] = []
        after: tuple[str, str] | None = None
        while page := await counted_lines(
            alerts_room.pool, scope, rate, first, last, hit=hit, after=after, limit=7
        ):
            found[hit] += page
            after = (page[-1].order_id, page[-1].line_id)
    keys = [(one.order_id, one.line_id) for one in found[None]]
    assert keys == sorted(set(keys))
    assert len(found[True]) + len(found[False]) == len(found[None]) > 10
    assert all(one.numerator == one.denominator for one in found[True])
    assert all(one.numerator < one.denominator for one in found[False])
    expected = figures.rates[rate]
    for together in (found[None], found[True] + found[False]):
        assert sum(one.numerator for one in together) == expected.numerator
        assert sum(one.denominator for one in together) == expected.denominator


async def test_evidence_of_the_years_orders_adds_up_order_by_order(alerts_room: Room) -> None:
    records = province.some_records(Random(12), 120)
    await take(alerts_room, records)
    scope = Scope(subject="manufacturer", id=province.MAKERS[0])
    first, last = date(2026, 1, 1), date(2026, 3, 10)
    rate = (await orders_answered(alerts_room.pool, scope, first, last, []))[province.MAKERS[0]]
    pages = {
        hit: await counted_orders(
            alerts_room.pool, scope, first, last, hit=hit, after=None, limit=1000
        )
        for hit in (None, True, False)
    }
    assert len(pages[None]) == rate.denominator > 10
    assert len(pages[True]) == rate.numerator > 0
    assert len(pages[True]) + len(pages[False]) == len(pages[None])
    later = await counted_orders(
        alerts_room.pool, scope, first, last, hit=None, after=pages[None][4].order_id, limit=3
    )
    assert later == pages[None][5:8]
