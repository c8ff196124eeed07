"""The figures of the database are the plain sum over lines, for any filter and any window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.clockwork import close
from services.alerts.consumer import fold
from services.alerts.domain.line import to_bytes
from services.alerts.policy import LINE_RATES
from services.alerts.projections.evidence import counted_lines, counted_orders
from services.alerts.projections.orders import orders_answered
from services.alerts.projections.scope import Scope
from services.alerts.projections.scorecards import (
    figures_of_each,
    figures_of_one,
)
from shared.events.envelope import Record
from shared.events.orders import PLACED
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.facts import accepted, arrived, placed, record

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


async def take(room: Room, records: list[Record], size: int = 200) -> None:
    for start in range(0, len(records), size):
        async with room.pool.acquire() as connection, connection.transaction():
            await fold(connection, records[start : start + size], room)


async def stored(room: Room) -> list[tuple[Any, ...]]:
    orders = await room.pool.fetch("SELECT * FROM orders ORDER BY order_id")
    rows = await room.pool.fetch("SELECT * FROM lines ORDER BY order_id, line_id")
    lines = [tuple(v for k, v in row.items() if k != "revision") for row in rows]
    return [*map(tuple, orders), *lines]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_order_any_repetition_any_batching_gives_the_same_rows(
    alerts_room: Room, seed: int
) -> None:
    random = Random(seed)
    records = province.some_records(random, 40)
    await take(alerts_room, records, 7)
    expected = await stored(alerts_room)
    assert [row[-1] for row in expected if isinstance(row[-1], bytes)] == [
        to_bytes(row.facts) for row in province.rows_of(records)
    ]
    await take(alerts_room, records, 1000)  # a replay changes nothing
    assert await stored(alerts_room) == expected
    for _ in range(3):
        await alerts_room.pool.execute("DELETE FROM lines")
        await alerts_room.pool.execute("DELETE FROM orders")
        shuffled = [*records, *random.sample(records, 50)]
        random.shuffle(shuffled)
        await take(alerts_room, shuffled, random.randint(1, 120))
        assert await stored(alerts_room) == expected


async def test_a_replay_writes_nothing(alerts_room: Room) -> None:
    records = province.some_records(Random(4), 10)
    await take(alerts_room, records)
    places = """SELECT order_id, ctid FROM lines UNION ALL SELECT order_id, ctid FROM orders"""
    before = await alerts_room.pool.fetch(places)
    await take(alerts_room, records)
    assert before == await alerts_room.pool.fetch(places)


async def test_two_owners_of_one_order_lose_nothing(alerts_room: Room) -> None:
    """The order's topic and the deliveries' may be read by two replicas at the same time."""
    await take(alerts_room, [record(placed(), 1)])
    answer, arrival = record(accepted(), 2), record(arrived(datetime(2026, 1, 6, tzinfo=UTC)), 3)
    pool = alerts_room.pool
    async with pool.acquire() as one, pool.acquire() as other:
        slow, fast = one.transaction(), other.transaction()
        await slow.start()
        await one.fetch("SELECT 1 FROM lines")

        class Interrupted:
            """The slow owner's connection: the fast one commits between its read and its write."""

            def __init__(self) -> None:
                self.done = False

            async def fetch(self, *args: Any) -> Any:
                rows = await one.fetch(*args)
                if not self.done:
                    self.done = True
                    await fast.start()
                    await fold(other, [arrival], alerts_room)
                    await fast.commit()
                return rows

            async def execute(self, *args: Any) -> Any:
                return await one.execute(*args)

        await fold(Interrupted(), [answer], alerts_room)
        await slow.commit()
    row = await pool.fetchrow("SELECT accepted, on_time, revision FROM lines")
    assert tuple(row) == (True, True, 3)


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


async def test_later_facts_change_no_indexed_column(alerts_room: Room) -> None:
    """So that updates stay on their page; only a moved due pays for an index entry."""
    records = province.some_records(Random(13), 60)
    await take(alerts_room, [one for one in records if one.type == PLACED])
    before = await _subjects(alerts_room)
    await take(alerts_room, [one for one in records if "due_moved" not in one.type])
    assert await _subjects(alerts_room) == before


async def _subjects(room: Room) -> list[Any]:
    return list(
        await room.pool.fetch(
            """SELECT order_id, line_id, first_day, last_day, distributor_id, manufacturer_id,
                      product_id FROM lines ORDER BY 1, 2"""
        )
    )


async def test_the_day_close_freezes_the_selected_totals_once(alerts_room: Room) -> None:
    records = province.some_records(Random(14), 150)
    await take(alerts_room, records)
    day, at = date(2026, 2, 9), datetime(2026, 2, 9, 16, tzinfo=UTC)
    first = day - timedelta(days=29)
    await close(alerts_room.pool, at, alerts_room)
    await close(alerts_room.pool, at - timedelta(hours=15), alerts_room)  # 09:00
    row = await alerts_room.pool.fetchrow("SELECT * FROM day_closes")
    scope = Scope(subject="total", selected_only=True)
    expected = province.sums(province.within(province.rows_of(records), scope), first, day)
    assert (row["at"], row["day"], row["window_from"]) == (at, day, first)
    assert (row["response_numerator"], row["response_denominator"]) == expected["response"]
    assert (row["on_time_numerator"], row["on_time_denominator"]) == expected["on_time"]
    await take(alerts_room, province.some_records(Random(15), 150))
    await close(alerts_room.pool, at, alerts_room)
    assert await alerts_room.pool.fetch("SELECT * FROM day_closes") == [row]
