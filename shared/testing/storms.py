"""Consumers in a storm: they race, die at random statements and are started again, until all is taken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import asyncpg

from shared.bus.port import Subscription
from shared.runtime.consumer import Consumer
from shared.runtime.room import Room
from shared.testing.adversarial import AdversarialBus
from shared.testing.faults import Crash, Faults, FaultyPool

STORM_SECONDS = 60.0


async def is_over(room: Room, bus: AdversarialBus) -> bool:
    """Whether the stored checkpoints stand at the end of every partition, and no close is open."""
    rows = await room.pool.fetch(
        "SELECT partition, cursor FROM checkpoints WHERE group_name = $1", room.service.name
    )
    stored = {row["partition"]: row["cursor"] for row in rows}
    ends = bus.ends(room.service.topics)
    if any(stored.get(partition) != end for partition, end in ends.items()):
        return False
    if room.service.close is None:
        return True
    open_ = "SELECT EXISTS (SELECT FROM met WHERE close_at NOT IN (SELECT close_at FROM closes))"
    return not await room.pool.fetchval(open_)


async def weather(
    room: Room, bus: AdversarialBus, faults: Faults, *, consumers: int = 2, batch_max: int = 20
) -> int:
    """Let so many consumers take everything; how many of them died on the way."""
    deaths = 0

    def start() -> tuple[Consumer, Subscription]:
        pool = cast(asyncpg.Pool, FaultyPool(room.pool, faults))
        subscription = bus.subscribe(room.service.name, room.service.topics)
        # These deaths are the weather's, no fact's: however many come together, none is to blame.
        consumer = Consumer(
            replace(room, pool=pool), subscription, batch_max=batch_max, deaths_max=1_000_000
        )
        return consumer, subscription

    async def live() -> None:
        nonlocal deaths
        consumer, subscription = start()
        while not over.is_set():
            try:
                moved = await consumer.step()
            except Crash:
                deaths += 1
                # Every other one dies; the rest only lost a connection and go on as they were.
                if deaths % 2:
                    await subscription.close()
                    consumer, subscription = start()
                continue
            except asyncpg.DeadlockDetectedError:
                continue  # two owners met over one order's lines: the loser tries again
            if not moved:
                await asyncio.sleep(0)
                if await is_over(room, bus):
                    over.set()
        await subscription.close()

    over = asyncio.Event()
    async with asyncio.timeout(STORM_SECONDS):
        await asyncio.gather(*(live() for _ in range(consumers)))
    return deaths


async def fine_weather(room: Room, bus: AdversarialBus, **options: Any) -> None:
    """One quiet consumer takes everything."""
    assert await weather(room, bus, Faults(0, 0), consumers=1, **options) == 0
