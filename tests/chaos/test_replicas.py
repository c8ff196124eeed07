"""Two replicas of alerts share the work; one is killed, one sleeps too long: no line doubled or lost."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.counting import Counts, by_hand, counted, differences, reaches, scorecards
from tests.chaos.installation import Installation, Server, installed, own_broker, sleep_past
from tests.chaos.killing import wait_until
from tests.chaos.marking import closes, epochs, let_days_pass
from tests.chaos.sending import sending

pytestmark = pytest.mark.kafka


async def kill_one(house: Installation, replicas: list[Server], dsn: str) -> None:
    """SIGKILL of the younger replica; a new one takes its place."""
    before = await epochs(dsn)
    replicas.pop().kill()
    replicas.append(house.serve("alerts"))
    await _others_take_over(dsn, before)


async def put_one_to_sleep(_house: Installation, replicas: list[Server], dsn: str) -> None:
    """SIGSTOP of the older replica until its partitions have been taken from it, then SIGCONT."""
    sleeper = replicas[0]
    before = await epochs(dsn)
    sleeper.send(signal.SIGSTOP)
    await _others_take_over(dsn, before)
    sleep_past(3)
    sleeper.send(signal.SIGCONT)
    wait_until(lambda: sleeper.readiness()[0] == 200, pause=0.2)


async def _others_take_over(dsn: str, before: dict[str, int]) -> None:
    """The group's patience with a silent member is ten seconds; then its epochs are behind."""
    async with asyncio.timeout(60):
        while True:
            now = await epochs(dsn)
            if sum(now[name] > epoch for name, epoch in before.items()) >= len(before) // 2:
                return
            await asyncio.sleep(0.2)


@pytest.mark.timeout(360)
@pytest.mark.parametrize(
    "blows",
    [(kill_one, put_one_to_sleep), (put_one_to_sleep, kill_one)],
    ids=["killed, then another asleep", "asleep, then killed"],
)
async def test_no_line_is_doubled_or_lost(
    database: str,
    tmp_path: Path,
    blows: tuple[Callable[..., Awaitable[None]], ...],
) -> None:
    """Facts come in all the while and closing instants pass in the middle."""
    with own_broker() as broker, installed(database, broker.bootstrap, tmp_path) as house:
        orders, _ = house.serve("orders"), house.serve("feedback")
        replicas = [house.serve("alerts"), house.serve("alerts")]
        with sending(orders) as sender:
            wait_until(lambda: counted(replicas[0])["response"][1] > 20, pause=0.1)
            await blows[0](house, replicas, database)
            instants = await let_days_pass(database)
            await blows[1](house, replicas, database)
        # The one that slept can go on alone.
        survivor = replicas[0]
        replicas[1].stop()
        expected = by_hand(sender)
        reaches(survivor, expected)
        assert len(sender.orders) > 500
        await _closed_once(database, house, instants)
        noisy = scorecards(survivor)
        noisy_closes = await _frozen(database)
        survivor.stop()
        quiet = await _one_quiet_consumer(house, database, expected, instants)
        assert differences(scorecards(quiet), noisy) == []
        assert await _frozen(database) == noisy_closes


async def _closed_once(dsn: str, house: Installation, instants: list[datetime]) -> None:
    done = await closes(dsn)
    assert done == instants
    said = Counter(
        datetime.fromisoformat(line["at"])
        for server in house.servers
        if server.name == "alerts"
        for line in server.said("close.done")
    )
    assert set(said) <= set(instants)
    assert set(said.values()) == {1}, "a close ran twice"


async def _frozen(dsn: str) -> list[tuple[object, ...]]:
    """What each close stood on."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT * FROM alerts.day_closes ORDER BY at")
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def _one_quiet_consumer(
    house: Installation, dsn: str, expected: Counts, instants: list[datetime]
) -> Server:
    """The same logs, read from the beginning by one consumer over the log bus."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("DROP SCHEMA alerts CASCADE")
    finally:
        await connection.close()
    house.command("migrate")
    quiet = house.serve("alerts", over_the_log_bus=True)
    reaches(quiet, expected)
    async with asyncio.timeout(60):
        while await closes(dsn) != instants:  # noqa: ASYNC110 - another process runs them
            await asyncio.sleep(0.1)
    return quiet
