"""Lists of settlement show each caller its own (可见范围): to a stranger they are empty, not another's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from services.settlement.projections.disputes import find_dispute, list_disputes
from services.settlement.projections.statements import (
    StatementFilter,
    find_statements,
    list_statements,
)
from shared.runtime.actors import parse_actor
from shared.runtime.room import Room
from tests.settlement.months import (
    FAR,
    HOSPITAL,
    OTHER,
    PAYEE,
    SECOND,
    a_town,
    dispute,
    draft,
    goods,
    hear,
    id_of,
)

NEAR_ONE, FAR_ONE = id_of(), id_of(hospital=FAR, payee=SECOND)
BOTH = {NEAR_ONE, FAR_ONE}
SEEN: dict[str, set[str]] = {
    f"hospital:{HOSPITAL}": {NEAR_ONE},
    f"hospital:{FAR}": {FAR_ONE},
    f"hospital:{OTHER}": set(),
    f"distributor:{PAYEE}": {NEAR_ONE},
    f"distributor:{SECOND}": {FAR_ONE},
    f"manufacturer:{PAYEE}": set(),
    "bureau:360102": {NEAR_ONE},
    "bureau:360100": {NEAR_ONE},
    "bureau:360500": {FAR_ONE},
    "bureau:360000": BOTH,
    "finance:360100": {NEAR_ONE},
    "finance:360500": {FAR_ONE},
    "finance:360102": set(),
    "finance:360000": BOTH,
    "regulator:360000": BOTH,
}
"""Two statements, of two hospitals in two cities, to two payees."""


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """The two, drafted and contested."""
    async with a_town(database) as running:
        await hear(running, goods(1), goods(2, hospital=FAR, payee=SECOND))
        await draft(running)
        for id_ in BOTH:
            line = await running.pool.fetchval(
                """SELECT l.line FROM statement_lines l JOIN statements s ON s.number = l.statement
                   WHERE s.statement_id = $1""",
                id_,
            )
            await dispute(running, id_, line)
        yield running


async def test_disputes_are_listed_to_their_parties_and_their_area(room: Room) -> None:
    every = {row["dispute_id"]: row["statement_id"] for row in await _disputes(room, "ops:360000")}
    assert set(every.values()) == BOTH
    for name, seen in SEEN.items():
        assert {row["statement_id"] for row in await _disputes(room, name)} == seen, name
        for dispute_id, statement_id in every.items():
            found = await find_dispute(room.pool, parse_actor(name), dispute_id)
            assert (found is not None) == (statement_id in seen), name


async def _disputes(room: Room, name: str) -> list:
    return await list_disputes(room.pool, parse_actor(name), None, after="", limit=100)


async def test_statements_are_listed_to_their_parties_and_their_area(room: Room) -> None:
    for name, seen in SEEN.items():
        actor = parse_actor(name)
        listed = await list_statements(
            room.pool, actor, StatementFilter(), now=await room.now(), after="", limit=100
        )
        assert {row["statement_id"] for row in listed} == seen, name
        assert set(await find_statements(room.pool, actor, sorted(BOTH))) == seen, name
