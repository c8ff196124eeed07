"""Appends in process against pyeventsourcing, 500 events per call, no HTTP on either side.

Theirs is given one aggregate per order, which remembers what was last said, and saves 500 of them
at once. Ours goes down the one road of every write: locks, state, duplicates, decision, log, state.
Once with rules as simple as theirs (like against like), once with the rules of `orders`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bench.load import Lane, lanes
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.peer import Peer
from bench.prepared import TEMPLATE
from bench.scale import Scale
from bench.teller import service as teller
from bench.town import IMPORTER
from services.orders.api.reading import read_event
from services.orders.app import service as orders
from shared.kernel.decider import Sent
from shared.runtime.actors import parse_actor
from shared.runtime.desk import Desk
from shared.runtime.house import House
from shared.runtime.service import Service
from shared.runtime.time import DatabaseTime
from shared.store.policy_files import shipped_policy

CALLERS = 4


async def append_vs_eventsourcing(machine: Machine, scale: Scale) -> list[Line]:
    """Our write desk against `Application.save` on their PostgreSQL recorder."""
    plain = await machine.create("plain")
    houses = [house_of(plain, teller), house_of(await machine.create("ours", TEMPLATE), orders)]
    await houses[0].migrate()
    for house in houses:
        await house.start()
    peer = Peer(_environment(await machine.create("reference")))
    its_lanes = lanes(CALLERS, "e")
    lines = []
    for house, what in zip(
        houses, ("rules as simple as theirs", "the rules of orders"), strict=True
    ):
        pairs = await _against(machine, scale, house, peer, its_lanes)
        mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        note = (
            f"our desk with {what} {figures(mine)}; pyeventsourcing 9.5 on PostgreSQL with its "
            f"database functions {figures(theirs)}; 500 events per call, each of another order; "
            f"{CALLERS} callers of ours, 1 of theirs (it locks its table for a write); fsync on"
        )
        name = "append_vs_eventsourcing" if house is houses[0] else "append_orders_vs_eventsourcing"
        lines.append(summarise(name, rates(pairs), note))
        its_lanes = lanes(CALLERS, "f")
    peer.close()
    for house in houses:
        await house.stop()
    for database in ("plain", "ours", "reference"):
        await machine.drop(database)
    return lines


async def _against(
    machine: Machine, scale: Scale, house: House, peer: Peer, its_lanes: list[Lane]
) -> list[tuple[Run, Run]]:
    desk = house.rooms["orders"].desk
    assert desk is not None
    actor = parse_actor(IMPORTER)
    batches: list[list[list[bytes]]] = []

    async def ours(_: int) -> Run:
        sent = [[[read_event(raw, actor) for raw in batch] for batch in lane] for lane in batches]
        return await timed(machine, batches, append(desk, sent))

    async def theirs(_: int) -> Run:
        prepared = [peer.prepare(batch) for lane in batches for batch in lane]
        return await timed(machine, batches, asyncio.to_thread(peer.save_all, prepared))

    async def next_batches(count: int = max(1, scale.appended // CALLERS)) -> None:
        batches[:] = [[lane.batch() for _ in range(count)] for lane in its_lanes]

    await next_batches(6)
    await ours(0)
    await theirs(0)
    return await interleave("append", scale.rounds, ours, theirs, before=next_batches)


def house_of(dsn: str, service: Service) -> House:
    return House(dsn, [service], DatabaseTime(), shipped_policy(), own_time=False)


async def append(desk: Desk[Any, Any], lanes_sent: list[list[list[Sent]]]) -> None:
    async def one(batches: list[list[Sent]]) -> None:
        for batch in batches:
            verdicts = await desk.submit(batch)
            assert all(verdict.status == "accepted" for verdict in verdicts)

    await asyncio.gather(*(one(batches) for batches in lanes_sent))


async def timed(machine: Machine, batches: list[list[list[bytes]]], work: Any) -> Run:
    count = sum(len(batch) for lane in batches for batch in lane)
    app, database = cpu_of_self(), machine.database_cpu
    begin = time.perf_counter()
    await work
    seconds = time.perf_counter() - begin
    return Run(count, seconds, cpu_of_self() - app, machine.database_cpu - database)


def _environment(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.strip("/"),
        "POSTGRES_HOST": query["host"][0],
        "POSTGRES_PORT": query["port"][0],
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": unquote(parts.password or ""),
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
    }
