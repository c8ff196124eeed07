"""The rows of tickets, and `feedback.v1` over them: the plain count, for any filter and any window."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.consumer import fold
from services.alerts.projections.feedback import counted_tickets, tickets_solved
from services.alerts.projections.scope import Scope
from shared.runtime.room import Room
from tests.alerts.complaints import (
    HOUR,
    complaints_of,
    counted,
    opened,
    reopened,
    solved,
    some_tickets,
    story,
)
from tests.alerts.facts import HOSPITAL, SENT
from tests.alerts.province import DISTRIBUTORS, MAKERS, PRODUCTS, take
from tests.alerts.test_scorecards_db import FILTERS, WINDOWS


async def stored(room: Room) -> list[tuple[Any, ...]]:
    rows = await room.pool.fetch("SELECT * FROM tickets ORDER BY ticket_id")
    return [tuple(v for k, v in row.items() if k not in ("revision", "since")) for row in rows]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_order_any_repetition_any_batching_gives_the_same_rows(
    alerts_room: Room, seed: int
) -> None:
    random = Random(seed)
    records = some_tickets(random, 40)
    await take(alerts_room, records, 7)
    expected = await stored(alerts_room)
    assert len(expected) == 40
    for _ in range(3):
        await alerts_room.pool.execute("DELETE FROM tickets")
        shuffled = [*records, *random.sample(records, 30)]
        random.shuffle(shuffled)
        await take(alerts_room, shuffled, random.randint(1, 60))
        assert await stored(alerts_room) == expected


async def test_a_replay_writes_nothing(alerts_room: Room) -> None:
    records = some_tickets(Random(4), 10)
    await take(alerts_room, records)
    places = "SELECT ticket_id, ctid FROM tickets"
    before = await alerts_room.pool.fetch(places)
    await take(alerts_room, records)
    assert before == await alerts_room.pool.fetch(places)


@pytest.mark.parametrize("known", [0, 1])
async def test_two_owners_of_one_ticket_lose_nothing(alerts_room: Room, known: int) -> None:
    """Whether the row stands or not: an owner who was overtaken looks again."""
    records = story(opened(), solved(SENT + HOUR), reopened(SENT + 2 * HOUR))
    if known:
        await take(alerts_room, records[:1])
    pool = alerts_room.pool
    async with pool.acquire() as one, pool.acquire() as other:
        slow = one.transaction()
        await slow.start()
        await fold(one, records[1:2], alerts_room)

        async def overtake() -> None:
            async with other.transaction():
                await fold(other, records[2:], alerts_room)

        overtaking = asyncio.create_task(overtake())
        await asyncio.sleep(0.2)  # it stands at the row, or has gone on without it
        await slow.commit()
        await overtaking
    await take(alerts_room, records[:1])
    expected = await stored(alerts_room)
    await alerts_room.pool.execute("DELETE FROM tickets")
    await take(alerts_room, records)
    assert await stored(alerts_room) == expected


@pytest.mark.parametrize("filters", FILTERS)
async def test_the_rate_is_the_plain_count(alerts_room: Room, filters: dict[str, Any]) -> None:
    """Role and batch do not narrow it: a ticket has neither."""
    records = some_tickets(Random(7), 250)
    await take(alerts_room, records)
    complaints = complaints_of(records)
    subjects = {
        "distributor": (*DISTRIBUTORS, *MAKERS),
        "manufacturer": (*DISTRIBUTORS, *MAKERS),
        "product": PRODUCTS,
        "total": ("total",),
    }
    found = 0
    for first, last in WINDOWS:
        for subject, ids in subjects.items():
            each = Scope(subject=subject, **filters)
            together = await tickets_solved(alerts_room.pool, each, first, last, ids)
            for one in ids:
                scope = Scope(subject=subject, id=one, **filters)
                hits = counted(complaints, scope, first, last)
                alone = await tickets_solved(alerts_room.pool, scope, first, last, [one])
                expected = (sum(hits.values()), len(hits))
                for rate in (alone.get(one), together.get(one)):
                    assert (rate and (rate.numerator, rate.denominator)) == (
                        expected if hits else None
                    )
                found += len(hits)
    assert found > 20


async def test_evidence_adds_up_to_the_rate_page_by_page(alerts_room: Room) -> None:
    records = some_tickets(Random(8), 200)
    await take(alerts_room, records)
    scope = Scope(subject="distributor", id=DISTRIBUTORS[0], category="drug")
    first, last = WINDOWS[2]
    expected = counted(complaints_of(records), scope, first, last)
    found: dict[bool | None, dict[str, bool]] = {}
    for hit in (None, True, False):
        found[hit] = {}
        after: str | None = None
        while page := await counted_tickets(
            alerts_room.pool, scope, first, last, hit=hit, after=after, limit=7
        ):
            found[hit] |= {one.ticket_id: one.solved for one in page}
            after = page[-1].ticket_id
    assert found[None] == expected
    assert found[True] == {one: True for one, hit in expected.items() if hit}
    assert found[False] == {one: False for one, hit in expected.items() if not hit}
    assert found[True]
    assert found[False]


async def test_an_addressee_that_is_named_twice_counts_once(alerts_room: Room) -> None:
    await take(alerts_room, story(opened(addressees=[DISTRIBUTORS[0]] * 2)))
    scope = Scope(subject="distributor")
    first, last = WINDOWS[2]
    rates = await tickets_solved(alerts_room.pool, scope, first, last, [DISTRIBUTORS[0]])
    assert rates[DISTRIBUTORS[0]].denominator == 1


async def test_a_ticket_that_was_never_opened_counts_nowhere(alerts_room: Room) -> None:
    await take(alerts_room, story(opened(), solved(SENT + timedelta(hours=1)))[1:])
    first, last = WINDOWS[2]
    scope = Scope(subject="total", id="total")
    assert await tickets_solved(alerts_room.pool, scope, first, last, []) == {}
    row = await alerts_room.pool.fetchrow("SELECT ticket_id, due_day, product_id FROM tickets")
    assert tuple(row) == (f"{HOSPITAL}-T1", None, "P1")
