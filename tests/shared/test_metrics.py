"""What /metrics says: counted where it happens, asked of the database where it stands there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from prometheus_client import REGISTRY

from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.bus.wire import Message
from shared.events.topics import ORDERS
from shared.runtime.clockwork import fire_due
from shared.runtime.measuring import Ends, Measuring
from shared.runtime.metrics import FROM_DATABASE, HORIZON_AGE
from shared.runtime.relay import GROUP
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.store.checkpoints import advance, claim
from shared.store.horizon import epoch_of
from shared.testing.broker import Broker
from shared.testing.postgres import MONDAY, desk_of, open_room
from shared.testing.toys import a_note, hearing, noting
from tests.shared.kafka_case import own_topics

HOUR = timedelta(hours=1)


def value(name: str, **labels: str) -> float | None:
    """One figure as a scrape would show it."""
    return REGISTRY.get_sample_value(name, labels)


@asynccontextmanager
async def two_rooms(database: str) -> AsyncIterator[tuple[Room, Room, ManualTime]]:
    """Orders, which notes, and alerts, which hears it."""
    time = ManualTime(MONDAY)
    listener = hearing((ORDERS,))
    async with (
        open_room(database, noting(), time=time) as orders,
        open_room(database, listener, time=time) as alerts,
    ):
        yield orders, alerts, time


async def measure(database: str, *rooms: Room, ends: Ends | None = None) -> None:
    await Measuring(database, [room.service for room in rooms], rooms[0].time, ends=ends)()
    assert value("jicai_database_up") == 1


async def test_a_consumer_is_as_far_behind_as_there_are_records_behind_its_cursor(
    database: str,
) -> None:
    async with two_rooms(database) as (orders, alerts, _):
        await desk_of(orders).submit([a_note(f"s{n}", f"e{n}") for n in range(5)])
        await measure(database, orders, alerts)
        assert value("jicai_consumer_lag_records", service="alerts", topic="orders") == 5
        assert value("jicai_consumer_lag_records", service="orders", topic="alerts") is None

        row = await orders.pool.fetchrow(
            "SELECT xid::text AS xid, position FROM events ORDER BY position OFFSET 2 LIMIT 1"
        )
        cursor = f"{await epoch_of(orders.pool)}:{row['xid']}:{row['position']}"
        claimed = await claim(alerts.pool, "alerts", "orders")
        await advance(alerts.pool, "alerts", "orders", epoch=claimed.epoch, old="", new=cursor)
        await measure(database, orders, alerts)
        assert value("jicai_consumer_lag_records", service="alerts", topic="orders") == 2


async def test_over_kafka_it_is_as_far_behind_as_the_ends_of_its_partitions(database: str) -> None:
    """Two logs in one partition are read separately: the slower of them counts, not their sum."""

    async def ends(group: str, topics: Any) -> dict[str, str]:
        assert group == "alerts"
        return {
            "jicai.x.v1/0:orders": "10",
            "jicai.x.v1/0:feedback": "10",
            "jicai.x.v1/1:orders": "7",
        }

    async def no_broker(group: str, topics: Any) -> dict[str, str]:
        raise ConnectionError("no broker")

    async with open_room(database, hearing((ORDERS,))) as alerts:
        for partition, at in (("jicai.x.v1/0:orders", "9"), ("jicai.x.v1/0:feedback", "6")):
            claimed = await claim(alerts.pool, "alerts", partition)
            await advance(alerts.pool, "alerts", partition, epoch=claimed.epoch, old="", new=at)
        await measure(database, alerts, ends=ends)
        assert value("jicai_consumer_lag_records", service="alerts", topic="jicai.x.v1") == 4 + 7
        await measure(database, alerts, ends=no_broker)
        assert value("jicai_consumer_lag_records", service="alerts", topic="jicai.x.v1") is None
        assert value("jicai_parked_keys", service="alerts") == 0, "the database still answers"


async def test_a_real_broker_is_asked_where_its_partitions_end(
    database: str, broker: Broker
) -> None:
    async with (
        own_topics(broker.bootstrap) as address,
        open_room(database, hearing((ORDERS,))) as alerts,
    ):
        publisher = KafkaBus(address).publisher()
        try:
            await publisher.publish(
                [Message(ORDERS, n % 2, b"order-1", b"{}", []) for n in range(5)]
            )
        finally:
            await publisher.close()
        claimed = await claim(alerts.pool, "alerts", f"{ORDERS}/0:orders")
        await advance(
            alerts.pool, "alerts", f"{ORDERS}/0:orders", epoch=claimed.epoch, old="", new="1"
        )
        await measure(database, alerts, ends=KafkaBus(address).ends)
        assert value("jicai_consumer_lag_records", service="alerts", topic=ORDERS) == 2 + 2

        gone = KafkaBus(KafkaAddress(bootstrap="127.0.0.1:1"))
        await measure(database, alerts, ends=gone.ends)
        assert value("jicai_consumer_lag_records", service="alerts", topic=ORDERS) is None


async def test_a_relay_is_behind_by_what_it_has_not_published_and_there_is_none_on_the_log_bus(
    database: str,
) -> None:
    async def nothing_consumed(group: str, topics: Any) -> dict[str, str]:
        return {}

    async with open_room(database, noting()) as orders:
        await desk_of(orders).submit([a_note(f"s{n}", f"e{n}") for n in range(3)])
        await measure(database, orders)
        assert value("jicai_relay_lag_records", service="orders") is None
        await measure(database, orders, ends=nothing_consumed)
        assert value("jicai_relay_lag_records", service="orders") == 3

        row = await orders.pool.fetchrow(
            "SELECT xid::text AS xid, position FROM events ORDER BY position DESC LIMIT 1"
        )
        claimed = await claim(orders.pool, GROUP, "orders")
        end = f"{await epoch_of(orders.pool)}:{row['xid']}:{row['position']}"
        await advance(orders.pool, GROUP, "orders", epoch=claimed.epoch, old="", new=end)
        await measure(database, orders, ends=nothing_consumed)
        assert value("jicai_relay_lag_records", service="orders") == 0


async def test_held_partitions_parked_keys_and_deadlines_are_shown_with_their_age(
    database: str,
) -> None:
    async with two_rooms(database) as (orders, alerts, time):
        await desk_of(orders).submit([a_note("s", "e", due=MONDAY + HOUR)])
        await measure(database, orders, alerts)
        assert value("jicai_deadline_overdue_seconds", service="orders") == 0

        time.set(MONDAY + 3 * HOUR)
        await alerts.pool.execute(
            "INSERT INTO met (close_at, partition) VALUES ($1, 'orders'), ($2, 'feedback')",
            MONDAY + 2 * HOUR,
            MONDAY,
        )
        await alerts.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", MONDAY)
        for version in (3, 4):
            await alerts.pool.execute(
                """INSERT INTO parked (partition, topic, stream, version, source, event_id, type,
                                       occurred_at, recorded_at, fact, reason)
                   VALUES ('orders', 'topic', 's', $1, '', '', '', now(), now(), '', 'broken')""",
                version,
            )
        await measure(database, orders, alerts)
        assert value("jicai_deadline_overdue_seconds", service="orders") == 2 * 3600
        assert value("jicai_held_partitions", service="alerts") == 1, (
            "that of the closed day is free"
        )
        assert value("jicai_held_age_seconds", service="alerts") == 3600
        assert value("jicai_parked_keys", service="alerts") == 1, "two facts of one key"


async def test_only_a_transaction_that_readers_wait_for_makes_the_horizon_old(
    database: str,
) -> None:
    async with open_room(database, noting()) as orders:
        idle, writing = [await asyncpg.connect(database) for _ in range(2)]
        try:
            async with idle.transaction():
                await idle.fetchval("SELECT 1")
                await measure(database, orders)
                assert HORIZON_AGE._value.get() == 0
                async with writing.transaction():
                    await writing.fetchval("SELECT pg_current_xact_id()")
                    await asyncio.sleep(0.05)
                    await measure(database, orders)
                    assert HORIZON_AGE._value.get() >= 0.05
        finally:
            await idle.close()
            await writing.close()


async def test_a_dead_database_leaves_the_page_readable_and_takes_its_figures_off(
    database: str,
) -> None:
    async with two_rooms(database) as (orders, alerts, time):
        await measure(database, orders, alerts)
        nowhere = Measuring("postgresql://nobody@127.0.0.1:1/none", [alerts.service], time)
        async with _client(orders, nowhere) as client:
            answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert "jicai_database_up 0.0" in answer.text
        assert "jicai_horizon_age_seconds NaN" in answer.text
        for gone in ("jicai_consumer_lag_records{", "jicai_parked_keys{", "jicai_held_partitions{"):
            assert gone not in answer.text
        assert "jicai_verdicts_total" in answer.text


async def test_a_database_that_hangs_holds_a_scrape_up_for_a_moment_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes calls, answers none
        port = server.getsockname()[1]
        hanging = Measuring(f"postgresql://u:p@127.0.0.1:{port}/none", [], ManualTime(MONDAY))
        await asyncio.wait_for(hanging(), 30)
        assert value("jicai_database_up") == 0


async def test_how_late_a_timer_fired_is_counted_once_it_has(database: str) -> None:
    async with open_room(database, noting("feedback")) as room:
        await desk_of(room).submit([a_note("s", "e", due=MONDAY + HOUR)])
        assert isinstance(room.time, ManualTime)
        room.time.set(MONDAY + HOUR + timedelta(seconds=40))
        name = "jicai_deadline_lateness_seconds"
        before = value(f"{name}_sum", service="feedback") or 0.0
        count = value(f"{name}_count", service="feedback") or 0.0
        await fire_due(room.pool, desk_of(room).kit)
        await fire_due(room.pool, desk_of(room).kit)
        assert value(f"{name}_count", service="feedback") == count + 1
        assert value(f"{name}_sum", service="feedback") == before + 40


async def test_every_verdict_of_a_desk_is_counted_and_every_commit_measured(database: str) -> None:
    def verdicts() -> dict[str, float]:
        return {
            status: value("jicai_verdicts_total", service="settlement", status=status) or 0.0
            for status in ("accepted", "duplicate", "rejected")
        }

    async with open_room(database, noting("settlement")) as room:
        before, name = verdicts(), "jicai_batch_events_sum"
        events = value(name, service="settlement") or 0.0
        batch = [a_note("s", "e"), a_note("s", "e"), a_note("s", "bad", -1)]
        await desk_of(room).submit(batch)
        await desk_of(room).dry_run([a_note("s", "another")])
        assert verdicts() == {status: count + 1 for status, count in before.items()}
        assert value(name, service="settlement") == events + 3


async def test_requests_are_counted_by_route_and_by_no_word_of_the_caller(database: str) -> None:
    async with open_room(database, noting()) as room, _client(room, None) as client:
        name, labels = "jicai_http_requests_total", {"method": "GET", "status": "200"}
        before = value(name, route="/problems/{code}", **labels) or 0.0
        await client.get("/problems/malformed")
        await client.get("/problems/not_yours")
        assert value(name, route="/problems/{code}", **labels) == before + 2
        timed = value(
            "jicai_http_request_duration_seconds_count", route="/problems/{code}", method="GET"
        )
        assert timed is not None
        assert timed >= before + 2

        await client.request("MADE-UP", "/made/up")
        page = (await client.get("/metrics")).text
        assert "MADE" not in page
        assert "/made/up" not in page


@pytest.fixture(autouse=True)
def _nothing_of_others() -> Iterator[None]:
    """The gauges are the process's: another test's figures must not answer here."""
    yield
    for gauge in FROM_DATABASE:
        gauge.clear()


def _client(room: Room, measuring: Measuring | None) -> httpx2.AsyncClient:
    async def ready() -> dict[str, str]:
        return {}

    app = create_app(
        {room.service.name: room}, trust_actor_header=True, readiness=ready, measure=measuring
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://jicai")
