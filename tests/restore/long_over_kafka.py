"""The drill over a broker, which knows more than the restored logs: refused, told, recovered."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jicai.recover import recover
from jicai.rooms import chosen
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.runtime.house import NotServable, topics_of
from shared.testing.broker import Broker
from tests.oracle.histories import history
from tests.restore.rooms import asked, caught_up, everything, live, restored, saved, serving
from tests.shared.playing import put

TOLD = history(7, orders=12, days=6)
HALF = len(TOLD.steps) // 2


@pytest_asyncio.fixture
async def topics(broker: Broker) -> AsyncIterator[KafkaAddress]:
    """All topics of an installation, two partitions each."""
    name = f"r{secrets.token_hex(4)}."
    address = KafkaAddress(
        bootstrap=broker.bootstrap, topic_prefix=name, group_prefix=name, partitions=2,
        session_timeout_ms=6000,
    )  # fmt: skip
    bus, names = KafkaBus(address), topics_of(chosen("all"))
    await bus.apply_topics(names)
    yield address
    await bus.drop_topics(names)


def last_clock(steps: list[Any]) -> datetime:
    return [step[1] for step in steps if step[0] == "clock"][-1]


async def test_a_broker_that_is_ahead_is_refused_and_recovered_and_nothing_is_lost_or_doubled(
    postgres: str, database: str, target: str, topics: KafkaAddress, tmp_path: Path
) -> None:
    """Half a history is saved, the other half is lost with the database, and sent again."""
    first, second = TOLD.steps[:HALF], TOLD.steps[HALF:]
    async with serving(database, topics, TOLD.start) as house:
        await put(house.rooms["orders"], TOLD.puts)
        await live(house, first)
        file = await saved(database, tmp_path / "backup.tar")
        before = await everything(database)
        await live(house, second)
    after = await everything(database)
    assert sum(map(len, after.values())) > sum(map(len, before.values()))
    async with asked(database) as connection:
        rows = await connection.fetch("SELECT source, event_id FROM orders.events")
    lived = {tuple(row) for row in rows}

    await restored(target, file)
    now = last_clock(first)
    with pytest.raises(NotServable, match=r"topics orders: .* run `jicai recover`"):
        async with serving(target, topics, now):
            pass
    told = await recover(target, topics, accept_all=False)
    async with asked(target) as connection:
        rows = await connection.fetch("SELECT source, event_id FROM orders.events")
    kept = {tuple(row) for row in rows}
    listed = {(one.source, one.event_id) for one in told.lost if one.log == "orders"}
    assert listed == lived - kept
    assert len(listed) > 10
    with pytest.raises(NotServable):
        async with serving(target, topics, now):
            pass

    accepted = await recover(target, topics, accept_all=True)
    assert "accepted: the services may start" in list(accepted.sentences())[-1]
    async with serving(target, topics, now) as house:
        await caught_up(house)
        assert await everything(target) == before
        await live(house, second)
    assert await everything(target) == after
    assert not (await recover(target, topics, accept_all=False)).is_ahead
    async with serving(target, topics, last_clock(second)):
        pass


async def test_without_the_refusal_a_consumer_takes_what_never_happened(
    database: str, target: str, topics: KafkaAddress, tmp_path: Path
) -> None:
    """Alerts would count orders that nobody has."""
    async with serving(database, topics, TOLD.start) as house:
        await put(house.rooms["orders"], TOLD.puts)
        file = await saved(database, tmp_path / "backup.tar")
        await live(house, TOLD.steps[:HALF])
    await restored(target, file)
    async with serving(target, topics, TOLD.start, shares_topics=True) as house:
        await caught_up(house)
        known = await house.rooms["orders"].pool.fetchval(
            "SELECT count(*) FROM streams WHERE hospital_id IS NOT NULL"
        )
        taken = await house.rooms["alerts"].pool.fetchval("SELECT count(*) FROM orders")
    assert known == 0
    assert taken > 0


async def test_an_emptied_broker_is_refused_and_all_is_published_again(
    database: str, topics: KafkaAddress
) -> None:
    """Its offsets begin anew: whoever stood at 40 would wait for ever, or miss what comes first."""
    async with serving(database, topics, TOLD.start) as house:
        await put(house.rooms["orders"], TOLD.puts)
        await live(house, TOLD.steps[:HALF])
    before = await everything(database)
    empty = replace(topics, topic_prefix=f"{topics.topic_prefix}new.")
    bus, names = KafkaBus(empty), topics_of(chosen("all"))
    await bus.apply_topics(names)
    try:
        now = last_clock(TOLD.steps[:HALF])
        with pytest.raises(NotServable, match="ends at 0, before what was read"):
            async with serving(database, empty, now):
                pass
        await recover(database, empty, accept_all=True)
        async with serving(database, empty, now) as house:
            await caught_up(house)
        assert await everything(database) == before
        assert sum((await bus.offsets(["jicai.orders.v1"])).values()) > 0
    finally:
        await bus.drop_topics(names)
