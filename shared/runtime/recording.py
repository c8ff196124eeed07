"""How a room records what it decides by itself (自动留痕): for closes, and for a fold that tells.

Everything before `behind_locks` only reads: a transaction id that is older than the locks would let
readers of the log see facts out of order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.runtime.handling import Kit, store
from shared.runtime.judging import Batch
from shared.runtime.room import Room
from shared.store.locks import lock_streams
from shared.store.log import load


async def behind_locks(
    tx: Any,
    room: Room,
    streams: Iterable[str],
    at: datetime,
    *,
    locks: Iterable[str] | None = None,
) -> tuple[Kit[Any, Any], Batch[Any, Any]]:
    """Lock these streams and load them: a batch in which each fact is recorded at this instant.

    `locks` names what is locked in their stead, where the streams are too many or not yet known.
    """
    names = sorted(set(streams))
    await lock_streams(tx, room.service.name, names if locks is None else locks)
    _, rows = await load(tx, names)
    assert room.service.kit is not None
    kit: Kit[Any, Any] = room.service.kit(room.policy, room.calendars, room.time)
    return kit, Batch(kit.decider, rows, {}, at, None)


async def record(tx: Any, kit: Kit[Any, Any], batch: Batch[Any, Any]) -> None:
    """Store what the batch has taken, if anything."""
    if batch.events:
        await store(tx, kit, batch)
