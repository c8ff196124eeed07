"""Moving payables (挂账与恢复): behind a suspension that begins or ends, some hundred at a time."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final

from services.settlement.domain.month import end_of
from services.settlement.domain.routing import held, released
from services.settlement.domain.statement import StatementStream, stream_of
from services.settlement.projections.suspensions import note_routed, unrouted
from services.settlement.sets.suspending import Misplaced, held_back, misplaced
from shared.kernel.decider import Decided
from shared.runtime.deciding import Held, decide_together
from shared.runtime.room import Room

_CHUNK: Final = 300


async def route(room: Room) -> bool:
    """Move every approved payable to where suspensions as they stand want it; True if any moved."""
    now = await room.now()
    changed = await unrouted(room.pool, now)
    if not changed:
        return False
    # Whoever approved before the suspension had begun has committed when this returns.
    await decide_together(room, [], _nothing, alone=True)
    moved = False
    while wanted := await misplaced(room.pool, now, _CHUNK):
        if not await _move(room, wanted):
            break
        moved = True
    await note_routed(room.pool, changed)
    return moved


async def _nothing(_held: Held) -> None:
    return


async def _move(room: Room, wanted: list[Misplaced]) -> bool:
    since = {stream_of(one.statement_id): one.since for one in wanted}

    async def move(hold: Held) -> bool:
        states = [hold.batch.state_of(stream) for stream in since]
        ids = [state.statement_id for state in states if isinstance(state, StatementStream)]
        back = await held_back(hold.tx, ids, hold.now)
        closed = await _closed_until(hold.tx)
        for stream, begins in since.items():
            hold.batch.apply(stream, partial(_placed, back, begins, closed, hold.now))
        return bool(hold.batch.events)

    return await decide_together(room, since, move)


def _placed(
    back: set[str],
    begins: datetime | None,
    closed: datetime | None,
    now: datetime,
    state: StatementStream,
) -> list[Decided]:
    """What moves it, if it is still approved and lies in the wrong place.

    A hold is dated at the suspension's beginning, however late it is made, but never before the
    approval nor in a month that is closed.
    """
    is_back = state.statement_id in back
    if state.state != "approved" or state.in_held == is_back:
        return []
    if not is_back:
        return [released(state, now)]
    at = now if begins is None else min(now, max(begins, state.began))
    return [held(state, now if closed is not None and at < closed else at)]


async def _closed_until(tx: Any) -> datetime | None:
    """The end of the last closed month: no entry is dated before it, if we can help it."""
    month = await tx.fetchval("SELECT max(month) FROM closed_months")
    return None if month is None else end_of(month)
