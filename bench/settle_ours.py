"""A month settled by the service: its own steps, as the frame and the doors call them.

The draft goes step by step until it says that nothing is left; then each hospital confirms its
statements, each payee its own, and the bureau of each pool approves what is then confirmed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from bench.settling_town import AT, MONTH
from services.settlement.api.statements.acting import StepName, take_step
from services.settlement.app import service
from services.settlement.clockwork.drafting import draft_step
from shared.runtime.actors import Acting, parse_actor
from shared.runtime.house import House
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.policy_files import shipped_policy

DESK: Final = 1000
"""Statements that one call of a door names."""

_OWN: Final = """
SELECT {whose} AS whose, array_agg(statement_id ORDER BY statement_id) AS ids
FROM statements WHERE month = $1 AND total_fen > 0 GROUP BY 1 ORDER BY 1"""


@asynccontextmanager
async def settling_room(dsn: str) -> AsyncIterator[Room]:
    """Settlement over this database, an hour behind the instant of its draft."""
    time = ManualTime(AT + timedelta(hours=1))
    async with House(dsn, [service], time, shipped_policy()).open_room("settlement") as room:
        yield room


async def draft(room: Room) -> None:
    """Every step of the draft, each in its transaction."""
    while not await _draft_step(room):
        pass


async def _draft_step(room: Room) -> bool:
    async with room.pool.acquire() as tx, tx.transaction():
        return await draft_step(tx, MONTH, AT, room)


async def confirm(room: Room, role: str, column: str) -> None:
    """Everybody of one side confirms what is theirs."""
    for whose, ids in await _own(room, column):
        await _take(room, f"{role}:{whose}", "confirm", ids)


async def approve(room: Room) -> None:
    """The bureau of each pool approves what is confirmed."""
    for pool, ids in await _own(room, "pool"):
        await _take(room, f"bureau:{pool}/reviewer", "approve", ids)


async def _own(room: Room, column: str) -> list[Any]:
    rows: list[Any] = await room.pool.fetch(_OWN.format(whose=column), MONTH)
    return rows


async def _take(room: Room, actor: str, step: StepName, ids: list[str]) -> None:
    acting = Acting(parse_actor(actor), is_sandbox=False)
    for start in range(0, len(ids), DESK):
        outcomes = await take_step(room, acting, step, ids[start : start + DESK])
        assert not any(outcomes.values()), outcomes
