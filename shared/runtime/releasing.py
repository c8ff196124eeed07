"""Back from the shelf (搁置处理): the parked facts of a key are taken in order, or the first is skipped.

Nothing is lost by skipping: the fact stays in its log and on its dead-letter topic.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from shared.runtime.calendars import fold_calendar
from shared.runtime.room import Room
from shared.store.parking import Parked, lock_parking, parked_facts, release


async def retry(room: Room, stream: str) -> int:
    """Take everything that is parked of this stream, in order; how many facts. All or nothing.

    Raises what the handler raises: then everything stays where it is.
    """
    return await _release(room, stream, skipped=0)


async def skip(room: Room, stream: str) -> int:
    """Leave the first fact out and take the rest; how many facts were taken."""
    return await _release(room, stream, skipped=1)


async def _release(room: Room, stream: str, *, skipped: int) -> int:
    async with room.pool.acquire() as tx, tx.transaction():
        await lock_parking(tx)
        parked = await parked_facts(tx, stream=stream)
        taken = [one for topic in _by_topic(parked) for one in topic[skipped:]]
        if taken and room.service.fold is not None:
            facts = [one.record for one in taken]
            await room.service.fold(tx, facts, room)
            await fold_calendar(tx, facts)
        await release(tx, parked)
    return len(taken)


def _by_topic(parked: Sequence[Parked]) -> list[list[Parked]]:
    """A stream that feeds two topics has an order, and a first fact, in each."""
    topics: dict[str, list[Parked]] = {}
    for one in parked:
        topics.setdefault(one.record.topic, []).append(one)
    return list(topics.values())


async def shelf(pool: asyncpg.Pool, stream: str | None = None) -> list[Parked]:
    """What lies on a service's shelf, oldest first."""
    return await parked_facts(pool, stream=stream)
