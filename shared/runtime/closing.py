"""Closes (结账, mechanism 13): the lowest instant that every partition has met, run once, in steps.

Nobody is elected: whoever holds a partition may run it. The lock comes first and in a statement of
its own; what it waits for, the next statement sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import structlog

from shared.runtime.metrics import CLOSE_LATENESS
from shared.runtime.room import Room
from shared.store.checkpoints import close_done, lowest_complete
from shared.store.locks import CLOSE_CLASS, singleton
from shared.store.parking import streams_parked

log = structlog.get_logger()


async def run_close(room: Room, group: str, partitions: Sequence[str]) -> bool:
    """Run the lowest complete close to its end; False when none is complete."""
    ran = False
    while (done := await _step(room, group, partitions)) is not None:
        ran = True
        if done:
            return True
    return ran


async def _step(room: Room, group: str, partitions: Sequence[str]) -> bool | None:
    """One step, one transaction: None where nothing is to be closed, True behind the last step."""
    service = room.service
    assert service.close is not None
    async with room.pool.acquire() as tx, tx.transaction():
        await lock_closes(tx, group)
        at = await lowest_complete(tx, group, list(partitions))
        if at is None:
            return None
        if not await service.close(tx, at, room):
            return False
        parked = await streams_parked(tx)
        ran_at = room.time.at(await tx.fetchval("SELECT clock_timestamp()"))
        await close_done(tx, at, ran_at=ran_at, parked=parked)
    late = (ran_at - at).total_seconds()
    CLOSE_LATENESS.labels(service.name).set(late)
    log.info(
        "close.done", service=service.name, at=at.isoformat(), late_seconds=late, parked=parked
    )
    return True


async def lock_closes(tx: asyncpg.Connection, group: str) -> None:
    """One close at a time."""
    await tx.fetchval(
        "SELECT pg_advisory_xact_lock($1, $2)", CLOSE_CLASS, singleton(group, "close")
    )
