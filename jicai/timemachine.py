"""Time that moves only when told (时间旅行): the sandbox's clock, and waiting until all is quiet."""

from __future__ import annotations

import asyncio
from datetime import datetime

import asyncpg

from shared.kernel.errors import Problem
from shared.runtime.house import House
from shared.runtime.rounds import fire
from shared.runtime.time import ManualTime
from shared.store.locks import gate_key

SETTLE_SECONDS = 60

_KEEP = """CREATE TABLE IF NOT EXISTS public.sandbox_clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), now timestamptz NOT NULL)"""


class TimeMachine:
    """Moves the clock of a house forward, firing everything that is due in between."""

    def __init__(self, house: House, time: ManualTime, pool: asyncpg.Pool) -> None:
        self._house = house
        self._time = time
        self._pool = pool
        self._moving = asyncio.Lock()

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self._time.now

    async def move(self, to: datetime) -> None:
        """Set the clock, fire what is due by then (each fact dated at its own instant), settle.

        ValueError for a step backwards.
        """
        async with self._moving:
            await self._set(to)
            await self._fire()
            await self._settle()
            # What a close has begun on the way may be due by now itself.
            while await self._something_due(to):
                await self._fire()
                await self._settle()

    async def settle(self) -> None:
        """Wait until every consumer has caught up."""
        async with self._moving:
            await self._settle()

    async def _set(self, to: datetime) -> None:
        """Behind all gates at once: no writer is between reading the clock and committing."""
        gates = sorted(gate_key(name) for name in self._house.rooms)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(h) FROM unnest($1::bigint[]) h", gates
            )
            self._time.set(to)
            await connection.execute(
                """INSERT INTO public.sandbox_clock (now) VALUES ($1)
                   ON CONFLICT (one) DO UPDATE SET now = excluded.now""",
                to,
            )

    async def _fire(self) -> None:
        """Whatever is due by now, each fact dated at its own instant."""
        if not await self._something_due(self._time.now):
            return
        for room in self._house.rooms.values():
            await fire(room)

    async def _something_due(self, by: datetime) -> bool:
        """One question for all services: an idle step costs one round trip here."""
        names = [name for name, room in self._house.rooms.items() if room.desk is not None]
        parts = [
            f"""EXISTS (SELECT FROM {name}.log_head WHERE next_mark <= $1)
                OR EXISTS (SELECT FROM {name}.streams WHERE next_due <= $1)"""
            for name in names
        ]
        return bool(await self._pool.fetchval(f"SELECT {' OR '.join(parts)}", by))

    async def _settle(self) -> None:
        """Relays first, then consumers; what a close publishes goes round once more."""
        workers = self._house.workers
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            moved = await asyncio.gather(*(worker.step() for worker in workers))
            if any(moved):
                continue
            quiet = await asyncio.gather(*(worker.is_caught_up() for worker in workers))
            if all(quiet) and not await self._round():
                return
            await asyncio.sleep(0.001)
        raise Problem(
            503,
            "not_settled",
            f"{SETTLE_SECONDS} 秒内仍有消费者未跟上; 详见 /readyz",
            f"some consumer has not caught up in {SETTLE_SECONDS} s; see /readyz",
        )

    async def _round(self) -> bool:
        """What services do behind their writers; True where it made facts that go round once more."""
        made = False
        for room in self._house.rooms.values():
            if room.service.each_round is not None:
                made = await room.service.each_round(room) or made
        return made


async def kept_clock(connection: asyncpg.Connection) -> datetime | None:
    """The instant at which an earlier run of this sandbox stopped."""
    await connection.execute(_KEEP)
    now: datetime | None = await connection.fetchval("SELECT now FROM public.sandbox_clock")
    return now
