"""Counting running deadlines again after a year was loaded (时限重算), behind the exclusive gate."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import asyncpg

from services.feedback.domain.moving import moved_deadlines
from services.feedback.domain.world import World
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import day_start
from shared.runtime.handling import Kit, store
from shared.runtime.judging import Batch
from shared.store.log import StreamRow

_CHUNK: Final = 1000

# A deadline that ends before the year begins counts none of its days.
_REACHING: Final = """
SELECT stream, version, state FROM streams
WHERE last_due > $1 AND stream > $2 ORDER BY stream LIMIT $3"""


async def move_deadlines(
    tx: asyncpg.Connection,
    kit: Kit[Any, Any],
    year: int,
    before: WorkCalendar,
    world: World,
    now: datetime,
    *,
    clock: datetime,
) -> None:
    """Move what reaches into the year. One transaction, for nobody may act on half of a calendar;
    open tickets are thousands, not millions.

    A second loading counts as a moment later than the clock: no ticket's next act has to wait for it.
    """
    begins = day_start(date(year, 1, 1))
    behind = ""
    while rows := await tx.fetch(_REACHING, begins, behind, _CHUNK):
        behind = rows[-1]["stream"]
        found = {row["stream"]: StreamRow(row["version"], row["state"]) for row in rows}
        batch: Batch[Any, Any] = Batch(kit.decider, found, {}, now, world)
        for stream in found:
            batch.apply(stream, lambda ticket: list(moved_deadlines(ticket, before, world, now)))
        batch.wake_all(list(found), now)  # one that moved to this very instant has passed
        if batch.events:
            await store(tx, kit, batch, clock=clock)
