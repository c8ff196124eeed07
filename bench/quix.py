"""Topic to committed scorecard: our alerts consumer over Kafka against Quix Streams, same topics."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import venv
from datetime import date
from pathlib import Path

import asyncpg

from bench.filling import fill
from bench.load import lanes
from bench.machine import ROOT, Machine, broker, cpu_of_self
from bench.pairs import Line, Run, console, figures, interleave, rates, summarise
from bench.pipeline import OUR_SUMS, Total
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

WANTED = Path(__file__).with_name("quix.txt")


async def stream_vs_quix(machine: Machine, scale: Scale) -> list[Line]:
    """Both read the whole topics, each time as a new group with an empty store."""
    python = environment()
    with broker() as kafka:
        events, keys = await _fill_topics(machine, scale, kafka)
        found: list[Total] = []

        async def ours(number: int) -> Run:
            dsn = await machine.create("ours", TEMPLATE)
            run = await _ours(machine, dsn, kafka, number, events)
            connection = await asyncpg.connect(dsn)
            found.append([*map(tuple, await connection.fetch(OUR_SUMS))])
            await connection.close()
            return run

        async def theirs(number: int) -> Run:
            run, sums = await asyncio.to_thread(_theirs, machine, python, kafka, number, events)
            found.append(sums)
            return run

        async def compare() -> None:
            mine, quix = found[-2:]
            assert mine == quix, f"{len(set(mine) ^ set(quix))} sums differ"

        pairs = await interleave(
            "stream_vs_quix", max(2, scale.rounds // 2), ours, theirs, after=compare
        )
    await machine.drop("ours")
    mine, quix = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"topics to committed rows: consumer of alerts, 1 process, {figures(mine)}; Quix Streams "
        f"3.28, RocksDB with changelogs, 1 process, {figures(quix)}, without its last commit; "
        f"{events} facts of {keys} orders on two topics of 12 partitions, 3 lines an order; "
        f"{len(found[0])} sums a distributor and day equal in every round; fsync on"
    )
    return [summarise("stream_vs_quix", rates(pairs), note)]


def environment() -> Path:
    """The Python of an environment with Quix Streams in it, made beside ours at the first use."""
    place = Path(sys.prefix) / "peers" / "quix"
    python, stamp = place / "bin" / "python", place / "quix.txt"
    if not stamp.exists() or stamp.read_bytes() != WANTED.read_bytes():
        console.print("  preparing the environment of Quix Streams")
        venv.create(place, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-r", str(WANTED)], check=True)
        stamp.write_bytes(WANTED.read_bytes())
    return python


async def _fill_topics(machine: Machine, scale: Scale, kafka: str) -> tuple[int, int]:
    """Through our own desk and relay; returns the facts and the orders they are about."""
    address = KafkaAddress(bootstrap=kafka)
    await KafkaBus(address).apply_topics(topics_of([orders, alerts]))
    dsn = await machine.create("source", TEMPLATE)
    events = await fill(dsn, lanes(4, "q"), scale.keyed)
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


def _theirs(
    machine: Machine, python: Path, kafka: str, number: int, events: int
) -> tuple[Run, Total]:
    state = str(machine.directory / f"quix-{number}")
    done = subprocess.run(
        [str(python), "-m", "bench.quix_app", kafka, f"quix-{number}", state],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = json.loads(done.stdout)
    sums: Total = []
    for key, values in said["sums"].items():
        if values[0] + values[2] > 0:
            distributor, day = key.split()
            sums.append((distributor, date.fromisoformat(day), *values))
    return Run(events, said["seconds"], said["cpu"]), sorted(sums)
