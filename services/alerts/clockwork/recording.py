"""How a close records what it decides (日结留痕): one road for alerts and lists.

Everything before `behind_locks` only reads: a transaction id that is older than the locks would let
readers of the log see facts out of order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.alerts.domain.rules import State
from shared.runtime.handling import Kit, store
from shared.runtime.judging import Batch
from shared.runtime.room import Room
from shared.store.locks import lock_streams
from shared.store.log import load


async def behind_locks(
    tx: Any, room: Room, streams: Iterable[str], at: datetime
) -> tuple[Kit[State, None], Batch[State, None]]:
    """Lock these streams and load them: a batch in which each fact is recorded at this instant."""
    names = sorted(set(streams))
    await lock_streams(tx, room.service.name, names)
    _, rows = await load(tx, names)
    assert room.service.kit is not None
    kit: Kit[State, None] = room.service.kit(room.policy, room.calendars, room.time)
    return kit, Batch(kit.decider, rows, {}, at, None)


async def record(tx: Any, kit: Kit[State, None], batch: Batch[State, None]) -> None:
    """Store what the batch has taken, if anything."""
    if batch.events:
        await store(tx, kit, batch)
