"""A consumer process that dies of a fact (run as a program: dsn, the fact's id)."""

from __future__ import annotations

import asyncio
import sys

from shared.bus.log import LogBus
from shared.runtime.consumer import Consumer
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from tests.shared.poisoning import TOPICS, Handler, poisoned_room


async def main(dsn: str, deadly: str) -> None:
    """Take everything and end; or die on the way."""
    async with poisoned_room(dsn, Handler(deadly={deadly})) as room:
        pool = await open_pool(dsn, "public", size=6, role=BUS_ROLE)
        bus = LogBus(LogReader(pool))
        consumer = Consumer(room, bus.subscribe("alerts", TOPICS))
        while await consumer.step() or not await consumer.is_caught_up():
            pass
        await consumer.close()
        await bus.close()
        pool.terminate()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
