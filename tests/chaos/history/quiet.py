"""A second reader of the same logs, whom nobody disturbs (静默重读).

The database is copied, the read models are thrown away in the copy, and one process folds the logs
over the log bus. Feedback keeps its own log, so only what it made of others' is thrown away.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from jicai.rooms import SERVICES as ROOMS
from shared.runtime.house import House
from shared.runtime.measuring import sources_of
from shared.runtime.time import ManualTime
from shared.store.migrations import migrate
from shared.store.policy_files import shipped_policy
from shared.store.standing import Standing, standing_of
from tests.chaos.history.evidence import Tables
from tests.chaos.history.gathering import READ_MODELS, tables_of
from tests.chaos.history.house import HouseUnderTest

READERS: Final = ("alerts", "feedback", "settlement")
PATIENCE: Final = 90.0
LAST: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def folded_again(house: HouseUnderTest) -> Tables:
    """The read models of the second reader; the services have ended."""
    await house.postgres.order("CREATE DATABASE quiet TEMPLATE house")
    dsn = house.postgres.named("quiet")
    now = await _emptied(dsn)
    readers = [ROOMS[name] for name in READERS]
    second = House(dsn, readers, ManualTime(now), shipped_policy(), own_time=False)
    await second.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while await _left(dsn):  # noqa: ASYNC110 - asked of the database
                await asyncio.sleep(0.2)
    except TimeoutError:
        health = {name: room.health for name, room in second.rooms.items()}
        raise AssertionError(f"the second reader has left {await _left(dsn)}: {health}") from None
    finally:
        await second.stop()
    return await tables_of(dsn)


async def _emptied(dsn: str) -> datetime:
    """Throw the read models away; an instant at which nothing is due any more that was not fired."""
    connection = await asyncpg.connect(dsn)
    try:
        for name in ("alerts", "settlement"):
            await connection.execute(f"DROP SCHEMA {name} CASCADE")
            await migrate(connection, name, ROOMS[name].migrations)
        tables = ", ".join(f"feedback.{table}" for table in READ_MODELS["feedback"])
        await connection.execute(f"TRUNCATE {tables}")
        await connection.execute("DELETE FROM feedback.checkpoints")
        last: datetime = (
            await connection.fetchval(
                """SELECT max(at) FROM (SELECT last_mark AS at FROM orders.log_head
                                    UNION ALL SELECT last_mark FROM feedback.log_head) marks"""
            )
            or LAST
        )
        return last + timedelta(microseconds=1)
    finally:
        await connection.close()


async def _left(dsn: str) -> list[Standing]:
    """Who has something left to read or to close."""
    connection = await asyncpg.connect(dsn)
    try:
        found = [
            await standing_of(connection, name, sources_of(ROOMS[name]), relay="")
            for name in READERS
        ]
        return [one for one in found if any(one.lag.values()) or one.held_partitions]
    finally:
        await connection.close()
