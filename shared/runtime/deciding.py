"""Deciding over several streams in one transaction (多流判定): behind the gate, from the beginning again.

The desk decides event by event, each on its own stream. What concerns several at once, or stands on
rows that other writers change, is done here: the locks first, then `work`, then one store.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from shared.kernel.calendar import WorkCalendar
from shared.runtime.desk import RETRYABLE, TRIES_MAX, UNAVAILABLE, unavailable
from shared.runtime.handling import MarkMissing, instant_behind_gate, store
from shared.runtime.judging import Batch
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.store.locks import lock_gate, lock_streams
from shared.store.log import Head, StreamRow, load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """What `work` gets: the transaction, its instant, the calendar then, and the streams as a batch."""

    tx: asyncpg.Connection
    now: datetime
    calendar: WorkCalendar
    batch: Batch[Any, Any]
    rows: dict[str, StreamRow]

    async def also(self, streams: Iterable[str]) -> None:
        """Further streams, found behind the gate: only for whoever holds it alone."""
        _, found = await load(self.tx, sorted(streams))
        self.rows.update(found)


Work = Callable[[Held], Awaitable[T]]


async def decide_together(
    room: Room,
    streams: Iterable[str],
    work: Work[T],
    *,
    locks: Iterable[str] = (),
    alone: bool = False,
) -> T:
    """Do `work` over these streams and store what its batch has taken; durable when this returns.

    `locks` names what else nobody may touch meanwhile. `alone` takes the gate exclusively: every
    earlier writer has committed, later ones wait. `work` may be called again, so it changes nothing
    but its transaction.
    """
    names, others = sorted(set(streams)), set(locks)
    return await transact(room, lambda tx: _once(tx, room, names, others, work, alone=alone))


async def transact(room: Room, attempt: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """One transaction, begun again behind missing marks and after what may pass.

    `attempt` takes its locks first, and raises MarkMissing where an instant has passed unmarked.
    """
    tries = 0
    assert room.desk is not None
    while True:
        try:
            async with room.pool.acquire() as tx, tx.transaction():
                return await attempt(tx)
        except MarkMissing:
            await append_marks(room.pool, room.desk.kit)
        except RETRYABLE:
            tries += 1
            if tries >= TRIES_MAX:
                raise
            await asyncio.sleep(random.uniform(0, 0.02 * tries))  # noqa: S311 (jitter)
        except UNAVAILABLE as error:
            raise unavailable() from error


def instant_of(room: Room, head: Head) -> datetime:
    """The instant of a transaction behind the gate; MarkMissing where a mark must come before it."""
    now = instant_behind_gate(room.time, head)
    if head.next_mark is not None and now >= head.next_mark:
        raise MarkMissing
    return now


async def _once(
    tx: asyncpg.Connection,
    room: Room,
    names: list[str],
    others: set[str],
    work: Work[T],
    *,
    alone: bool,
) -> T:
    assert room.desk is not None
    kit = room.desk.kit
    if alone:
        await lock_gate(tx, kit.service)
    else:
        await lock_streams(tx, kit.service, {*names, *others})
    head, rows = await load(tx, names)
    now = instant_of(room, head)
    calendar = await room.calendars.at(tx, head.world)
    batch: Batch[Any, Any] = Batch(kit.decider, rows, {}, now, None)
    result = await work(Held(tx, now, calendar, batch, rows))
    if batch.events:
        await store(tx, kit, batch)
    return result
