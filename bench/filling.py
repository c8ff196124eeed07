"""Filling a log through our own desk, in this process, where only the result matters."""

from __future__ import annotations

import asyncio

from bench.load import Lane
from bench.town import IMPORTER
from services.orders.api.reading import read_event
from services.orders.app import service
from shared.runtime.actors import parse_actor
from shared.runtime.house import House
from shared.runtime.time import DatabaseTime
from shared.store.policy_files import shipped_policy


async def fill(dsn: str, its_lanes: list[Lane], batches: int) -> int:
    """Record so many batches of each lane; returns the events."""
    house = House(dsn, [service], DatabaseTime(), shipped_policy(), own_time=False)
    await house.start()
    desk = house.rooms["orders"].desk
    assert desk is not None
    actor = parse_actor(IMPORTER)

    async def one(lane: Lane) -> int:
        count = 0
        for _ in range(batches):
            sent = [read_event(raw, actor) for raw in lane.batch()]
            verdicts = await desk.submit(sent)
            assert all(verdict.status == "accepted" for verdict in verdicts)
            count += len(sent)
        return count

    counts = await asyncio.gather(*map(one, its_lanes))
    await house.stop()
    return sum(counts)
