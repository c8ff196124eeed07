"""Three rooms over one database, orders told of by an oracle's history, alerts reading their logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.alerts.app import service as alerts
from services.feedback.app import service as feedback
from services.orders.app import service as orders
from shared.bus.log import LogBus
from shared.runtime.clockwork import fire_due
from shared.runtime.consumer import Consumer
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.postgres import desk_of, open_room
from tests.alerts.closing import facts_of
from tests.oracle.histories import History
from tests.shared.playing import put, read_events


@dataclass
class Town:
    """Rooms on one clock; `consumer` is the alerts service's."""

    time: ManualTime
    orders: Room
    feedback: Room
    alerts: Room
    bus: LogBus
    consumer: Consumer

    async def live(self, history: History, *, punctual: bool) -> None:
        """Every step of a history; a consumer that is not punctual sleeps till the end of it."""
        await self.tick()
        await put(self.orders, history.puts)
        for step in history.steps:
            if step[0] == "clock":
                self.time.set(step[1])
                await self.tick()
                if punctual:
                    await self.catch_up()
            elif step[0] == "put":
                await put(self.orders, [step[1:]])
            else:
                await desk_of(self.orders).submit(read_events(step[1], step[2]))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Until nothing stands behind the consumer and no partition is held."""
        while await self.consumer.step() or not await self.consumer.is_caught_up():
            pass

    async def forget(self, *tables: str) -> None:
        """Wipe these tables of alerts and read the logs from their beginning."""
        await self.consumer.close()
        for table in tables:
            await self.alerts.pool.execute(f"DELETE FROM {table}")
        self.consumer = Consumer(self.alerts, self.bus.subscribe("alerts", alerts.topics))
        await self.catch_up()

    async def figures(self) -> list[Any]:
        """What closes left, and the rows they stood on."""
        found: list[Any] = []
        for statement in (
            "SELECT * FROM day_closes ORDER BY at",
            "SELECT * FROM small_samples ORDER BY 1, 2, 3, 4",
            "SELECT * FROM listed ORDER BY 1, 2",
            "SELECT order_id, line_id, facts FROM lines ORDER BY 1, 2",
            "SELECT * FROM orders ORDER BY order_id",
            "SELECT ticket_id, facts FROM tickets ORDER BY 1",
        ):
            found += [tuple(row) for row in await self.alerts.pool.fetch(statement)]
        return found

    async def said(self) -> list[Any]:
        """The facts of alerts in commit order."""
        return await facts_of(self.alerts)

    async def tick(self) -> None:
        """What a clockwork does: marks first, for they fire what is due before them."""
        for room in (self.orders, self.feedback):
            await append_marks(room.pool, desk_of(room).kit)
            await fire_due(room.pool, desk_of(room).kit)


@asynccontextmanager
async def town(dsn: str, history: History) -> AsyncIterator[Town]:
    """The rooms at the beginning of a history."""
    time = ManualTime(history.start)
    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(open_room(dsn, service, time=time))
            for service in (orders, feedback, alerts)
        ]
        pool = await open_pool(dsn, "public", size=4, role=BUS_ROLE)
        stack.callback(pool.terminate)
        bus = LogBus(LogReader(pool))
        stack.push_async_callback(bus.close)
        consumer = Consumer(rooms[2], bus.subscribe("alerts", alerts.topics))
        made = Town(time, *rooms, bus, consumer)
        yield made
        await made.consumer.close()
