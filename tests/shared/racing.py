"""Two toy logs whose clock races, so that days close several times a second while writers write."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import asyncpg

from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, MARKS, ORDERS
from shared.runtime.clockwork import fire_due
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.store.horizon import Cursor, read
from shared.testing.postgres import desk_of, open_room, whole_log
from shared.testing.times import RacingTime
from shared.testing.toys import FIRED, a_note, noting

FACTOR = 300_000  # a half day in 0.15 s
TOPICS = {"orders": (ORDERS, DELIVERIES), "feedback": (FEEDBACK,)}

Writer = Callable[[Room, random.Random], Awaitable[None]]
_numbers = count(1)


@asynccontextmanager
async def racing_rooms(dsn: str) -> AsyncIterator[list[Room]]:
    """Orders and feedback as toys, on one racing clock, their first mark at the same instant."""
    connection = await asyncpg.connect(dsn)
    time = RacingTime(await connection.fetchval("SELECT clock_timestamp()"), factor=FACTOR)
    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(open_room(dsn, noting(log), time=time))
            for log in TOPICS
        ]
        for room in rooms:
            await append_marks(room.pool, desk_of(room).kit)
        firsts = [await room.pool.fetchval("SELECT next_mark FROM log_head") for room in rooms]
        for room in rooms:
            await room.pool.execute("UPDATE log_head SET next_mark = $1", max(firsts))
        await connection.close()
        yield rooms


async def our_writer(room: Room, rng: random.Random) -> None:
    """A request at the desk; some notes set timers a few hours ahead."""
    due = None
    if rng.random() < 0.3:
        due = await room.now() + rng.random() * timedelta(days=2)
    note = a_note(
        f"{room.service.name}-{rng.randrange(30)}",
        f"n{next(_numbers)}",
        topic=rng.choice(TOPICS[room.service.name]),
        due=due,
        times=rng.randrange(3),
    )
    [verdict] = await desk_of(room).submit([note])
    assert verdict.status == "accepted"


WRITES_MIN = 20
"""Of each writer, however slow the machine is."""


async def write_for(
    rooms: Sequence[Room], seconds: float, *, writer: Writer = our_writer, awake: bool = True
) -> None:
    """Six writers per log for so long, and a clockwork that is awake or not."""
    stop = asyncio.get_running_loop().time() + seconds
    over = asyncio.Event()

    async def write(room: Room, seed: int) -> None:
        rng = random.Random(seed)
        written = 0
        while asyncio.get_running_loop().time() < stop or written < WRITES_MIN:
            await writer(room, rng)
            written += 1
            await asyncio.sleep(rng.random() * 0.01)

    async def clockwork(room: Room) -> None:
        while awake and not over.is_set():
            await append_marks(room.pool, desk_of(room).kit)
            await fire_due(room.pool, desk_of(room).kit)
            await asyncio.sleep(0.02)

    clocks = [asyncio.create_task(clockwork(room)) for room in rooms]
    await asyncio.gather(*(write(room, seed) for room in rooms for seed in range(6)))
    over.set()
    await asyncio.gather(*clocks)


@dataclass
class Sides:
    """Facts on the wrong side of a mark."""

    marks: list[datetime]
    facts: int = 0
    before_but_behind: int = 0
    after_but_ahead: int = 0


async def sides_of(room: Room) -> Sides:
    """Walk a log and count the facts that stand on the wrong side of a mark."""
    rows = await whole_log(room.pool)
    marks = [row["occurred_at"] for row in rows if row["topic"] == MARKS]
    sides, passed = Sides(marks), 0
    for row in rows:
        if row["topic"] == MARKS:
            passed += 1
            continue
        sides.facts += 1
        at = row["recorded_at"]
        # A timer due at the very instant of a mark fires before it; a fact sent then stands behind.
        fires = row["type"] == FIRED
        if passed and (at < marks[passed - 1] or (fires and at == marks[passed - 1])):
            sides.before_but_behind += 1
        if passed < len(marks) and (at > marks[passed] or (not fires and at == marks[passed])):
            sides.after_but_ahead += 1
    return sides


async def records_until_last_common_mark(rooms: Sequence[Room]) -> dict[str, list[Record]]:
    """Both logs as a relay would read them, cut behind the last mark that both have."""
    logs: dict[str, list[Record]] = {}
    for room in rooms:
        place, records = Cursor(1, 0, 0), []
        async with room.pool.acquire() as connection:
            while True:
                some, place = await read(connection, place, 500, TOPICS[room.service.name])
                if not some:
                    break
                records += some
        logs[room.service.name] = records
    last = min(max(r.mark for r in log if r.mark) for log in logs.values())
    return {
        name: log[: next(n for n, r in enumerate(log, 1) if r.mark == last)]
        for name, log in logs.items()
    }


def closes_by_hand(logs: dict[str, list[Record]]) -> list[tuple[datetime, int, str]]:
    """What each close must stand on: exactly the facts that stand before its mark in every log."""
    marks = sorted({r.mark for log in logs.values() for r in log if r.mark})
    closes = []
    for mark in marks:
        facts = []
        for log in logs.values():
            end = next(n for n, r in enumerate(log) if r.mark is not None and r.mark >= mark)
            facts += [r for r in log[:end] if r.mark is None]
        keys = sorted((r.topic, r.stream, r.version) for r in facts)
        text = ",".join(f"{topic}{stream}@{version}" for topic, stream, version in keys)
        closes.append((mark, len(keys), hashlib.md5(text.encode()).hexdigest()))
    return closes


async def closes_of(pool: Any) -> list[tuple[datetime, int, str]]:
    """What the toy consumer's closes stood on."""
    return [tuple(row) for row in await pool.fetch("SELECT * FROM closed ORDER BY close_at")]
