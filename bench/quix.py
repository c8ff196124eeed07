"""Topic to committed scorecard: our alerts consumer over Kafka against stream processors, same topics."""

from __future__ import annotations

import asyncio
import time

import asyncpg

from bench.filling import fill
from bench.load import lanes
from bench.machine import Machine, broker, cpu_of_self
from bench.pairs import Line, Run, console, figures, interleave, rates, summarise
from bench.peers import count_by, environment
from bench.pipeline import OUR_SUMS, Total, make_topic
from bench.prepared import TEMPLATE
from bench.scale import Scale
from services.alerts.app import service as alerts
from services.orders.app import service as orders
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.runtime.calendars import CalendarHolder
from shared.runtime.consumer import Consumer
from shared.runtime.house import House, topics_of
from shared.runtime.room import Room
from shared.runtime.time import DatabaseTime
from shared.store.database import open_pool
from shared.store.policy_files import shipped_policy

OWN_TOPICS = {"quix": (), "faust": ("changed", "lines-changelog", "sums-changelog")}
"""What a peer needs to find: Faust makes its topics itself, and goes on before they are there."""


async def stream_vs_quix(machine: Machine, scale: Scale) -> list[Line]:
    """Quix Streams with RocksDB and changelogs."""
    what = "Quix Streams 3.28, RocksDB with changelogs, 1 process"
    return [await _against(machine, scale, "quix", f"{what}, without its last commit", scale.keyed)]


async def stream_vs_faust(machine: Machine, scale: Scale) -> list[Line]:
    """Faust with tables in memory and changelogs."""
    what = "faust-streaming 0.15, tables in memory with changelogs, 1 process"
    # It is slow: a tenth of the facts takes it as long.
    return [await _against(machine, scale, "faust", what, max(scale.keyed // 10, 6))]


async def _against(machine: Machine, scale: Scale, peer: str, what: str, batches: int) -> Line:
    """Both read the whole topics, each time as a new group with an empty store."""
    python = environment(peer)
    with broker() as kafka:
        events, keys = await _fill_topics(machine, batches, kafka)
        found: list[Total] = []

        async def ours(number: int) -> Run:
            dsn = await machine.create("ours", TEMPLATE)
            run = await _ours(machine, dsn, kafka, number, events)
            connection = await asyncpg.connect(dsn)
            found.append([*map(tuple, await connection.fetch(OUR_SUMS))])
            await connection.close()
            return run

        async def theirs(number: int) -> Run:
            for name in OWN_TOPICS[peer]:
                await make_topic(kafka, f"{peer}-{number}-{name}")
            run, sums = await asyncio.to_thread(
                count_by, peer, python, kafka, number, machine.directory, events
            )
            found.append(sums)
            return run

        async def compare() -> None:
            mine, other = found[-2:]
            odd = sorted(set(mine) ^ set(other), key=str)
            assert not odd, f"{len(odd)} of {len(mine)} sums differ: {odd[:4]}"

        name = f"stream_vs_{peer}"
        pairs = await interleave(name, max(2, scale.rounds // 2), ours, theirs, after=compare)
    await machine.drop("ours")
    mine, other = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"topics to committed rows: consumer of alerts, 1 process, {figures(mine)}; {what} "
        f"{figures(other)}; {events} facts of {keys} orders on two topics of 12 partitions, 3 lines "
        f"an order; {len(found[0])} sums a distributor and day equal in every round; fsync on"
    )
    return summarise(name, rates(pairs), note)


async def _fill_topics(machine: Machine, batches: int, kafka: str) -> tuple[int, int]:
    """Through our own desk and relay; returns the facts and the orders they are about."""
    address = KafkaAddress(bootstrap=kafka)
    await KafkaBus(address).apply_topics(topics_of([orders, alerts]))
    dsn = await machine.create("source", TEMPLATE)
    events = await fill(dsn, lanes(4, "q"), batches)
    policy = shipped_policy()
    house = House(dsn, [orders], DatabaseTime(), policy, own_time=False, kafka=address)
    await house.start()
    while not await house.relays["orders"].is_caught_up():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.2)
    await house.stop()
    query = "SELECT count(*) FROM orders.streams WHERE starts_with(stream, 'order-')"
    keys = await machine.fetch("source", query)
    await machine.drop("source")
    console.print(f"  {events:,} facts of {keys:,} orders stand on the topics")
    return events, keys


async def _ours(machine: Machine, dsn: str, kafka: str, number: int, events: int) -> Run:
    address = KafkaAddress(bootstrap=kafka, group_prefix=f"round-{number}-")
    pool = await open_pool(dsn, "alerts")
    room = Room(alerts, pool, DatabaseTime(), shipped_policy(), CalendarHolder())
    subscription = KafkaBus(address).subscribe("alerts", alerts.topics)
    consumer = Consumer(room, subscription)
    try:
        while not await subscription.partitions():  # noqa: ASYNC110 - asking is what joins
            await asyncio.sleep(0.01)
        app, database = cpu_of_self(), machine.database_cpu
        begin = time.perf_counter()
        while True:
            while await consumer.step():
                pass
            if await consumer.is_caught_up():
                break
            await subscription.wait(0.1)
        seconds = time.perf_counter() - begin
        return Run(events, seconds, cpu_of_self() - app, machine.database_cpu - database)
    finally:
        await consumer.close()
        await pool.close()
