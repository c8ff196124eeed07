"""Installations in this process, over one database each: played a little, saved, restored, asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from jicai.backup import save
from jicai.restore import load
from jicai.rooms import SERVICES, chosen
from shared.bus.address import KafkaAddress
from shared.runtime.access import migrate_access
from shared.runtime.clockwork import fire_due
from shared.runtime.house import House
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import desk_of
from tests.oracle.histories import START, Step
from tests.shared.playing import put, read_events


def silent(*_: Any) -> None:
    """Nobody watches."""


def house_over(dsn: str, kafka: KafkaAddress | None, now: datetime, **more: Any) -> House:
    """All services, on a clock that is moved by hand."""
    policy = shipped_policy()
    return House(dsn, chosen("all"), ManualTime(now), policy, own_time=False, kafka=kafka, **more)


@asynccontextmanager
async def serving(
    dsn: str, kafka: KafkaAddress | None = None, now: datetime = START, **more: Any
) -> AsyncIterator[House]:
    """The same while it serves."""
    house = house_over(dsn, kafka, now, **more)
    await house.migrate()
    await migrate_access(dsn)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(house.stop)
        await house.start()
        yield house


async def caught_up(house: House) -> None:
    """Until nothing stands behind any worker."""
    while any([await one.step() for one in house.workers]) or not all(
        [await one.is_caught_up() for one in house.workers]
    ):
        pass


async def saved(dsn: str, file: Path) -> Path:
    await save(dsn, file, silent)
    return file


async def restored(dsn: str, file: Path, replace: str | None = None) -> None:
    await load(dsn, file, replace, silent)


@asynccontextmanager
async def asked(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection for questions."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def everything(dsn: str) -> dict[str, list[Any]]:
    """Every row of the installation, but for where it stands in a log, and what ran or was written when."""
    found: dict[str, list[Any]] = {}
    async with asked(dsn) as connection:
        for name in SERVICES:
            rows = await connection.fetch(
                """SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
                   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                   WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r'
                     AND NOT a.attisdropped AND a.atttypid <> 'xid8'::regtype
                     AND a.attname NOT IN ('position', 'first_position', 'ran_at', 'touched_at')
                     AND c.relname NOT IN ('checkpoints', 'schema_migrations', 'log_head')
                   GROUP BY c.relname""",
                name,
            )
            for table, columns in rows:
                found[f"{name}.{table}"] = sorted(
                    map(str, await connection.fetch(f"SELECT {columns} FROM {name}.{table}"))
                )
    return found


async def log_of(room: Room) -> list[str]:
    """The facts of a log in the order in which readers meet them."""
    rows = await room.pool.fetch("SELECT event_id FROM events e ORDER BY e.xid, e.position")
    return [row[0] for row in rows]


async def live(house: House, steps: Sequence[Step]) -> None:
    """Some steps of a history; every day ends for everybody."""
    for step in steps:
        if step[0] == "clock":
            await move(house, step[1])
        elif step[0] == "put":
            await put(house.rooms["orders"], [step[1:]])
        else:
            await desk_of(house.rooms["orders"]).submit(read_events(step[1], step[2]))
    await caught_up(house)


async def move(house: House, to: datetime) -> None:
    """The clock goes on; marks and what is due come first."""
    assert isinstance(house.time, ManualTime)
    house.time.set(to)
    for room in house.rooms.values():
        if room.desk is not None:
            if room.service.marks:
                await append_marks(room.pool, room.desk.kit)
            await fire_due(room.pool, room.desk.kit)
    await caught_up(house)
