"""The rows of the database: the same for any order, repetition or batching of the facts."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.consumer import fold
from services.alerts.domain.line import to_bytes
from services.alerts.projections.scope import Scope
from shared.events.orders import PLACED
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.closing import close_at
from tests.alerts.facts import HOSPITAL, accepted, arrived, dispatched, placed, record
from tests.alerts.province import take


async def stored(room: Room) -> list[tuple[Any, ...]]:
    orders = await room.pool.fetch("SELECT * FROM orders ORDER BY order_id")
    rows = await room.pool.fetch("SELECT * FROM lines ORDER BY order_id, line_id")
    lines = [tuple(v for k, v in row.items() if k not in ("revision", "since")) for row in rows]
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

            async def fetchval(self, *args: Any) -> Any:
                return await one.fetchval(*args)

            async def execute(self, *args: Any) -> Any:
                return await one.execute(*args)

        await fold(Interrupted(), [answer], alerts_room)
        await slow.commit()
    row = await pool.fetchrow("SELECT accepted, on_time, revision FROM lines")
    assert tuple(row) == (True, True, 3)


async def test_a_repeated_order_does_not_begin_to_wait_again_while_its_dispatch_commits(
    alerts_room: Room,
) -> None:
    """The repeat writes no line, so no revision warns it; a second look without a lock would lose.

    It comes behind another repeat, which is what sends the fold to its second look.
    """
    repeats = [record(placed(order_id=f"{HOSPITAL}-0"), 1), record(placed(), 1)]
    await take(alerts_room, repeats)
    pool = alerts_room.pool
    async with pool.acquire() as one, pool.acquire() as other:
        dispatching = one.transaction()
        await dispatching.start()
        await fold(one, [record(dispatched(), 2)], alerts_room)

        async def repeat() -> None:
            async with other.transaction():
                await fold(other, repeats, alerts_room)

        repeating = asyncio.create_task(repeat())
        await asyncio.sleep(0.2)  # it stands at the locked row, or has gone on with what it read
        await dispatching.commit()
        await repeating
    waiting = await pool.fetch("SELECT order_id FROM waiting")
    assert [row["order_id"] for row in waiting] == [f"{HOSPITAL}-0"]


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


async def test_the_day_close_freezes_the_selected_totals_once(closing_room: Room) -> None:
    records = province.some_records(Random(14), 150)
    await take(closing_room, records)
    day, at = date(2026, 2, 9), datetime(2026, 2, 9, 16, tzinfo=UTC)
    first = day - timedelta(days=29)
    await close_at(closing_room, at)
    await close_at(closing_room, at - timedelta(hours=15))  # 09:00
    row = await closing_room.pool.fetchrow("SELECT * FROM day_closes")
    scope = Scope(subject="total", selected_only=True)
    expected = province.sums(province.within(province.rows_of(records), scope), first, day)
    assert (row["at"], row["day"], row["window_from"]) == (at, day, first)
    assert (row["response_numerator"], row["response_denominator"]) == expected["response"]
    assert (row["on_time_numerator"], row["on_time_denominator"]) == expected["on_time"]
    await take(closing_room, province.some_records(Random(15), 150, 150))
    await close_at(closing_room, at)
    assert await closing_room.pool.fetch("SELECT * FROM day_closes") == [row]
