"""What the consumer of alerts keeps in memory: bytes an event over a million facts of new orders.

`jicai serve alerts` as it runs, over the log. What it takes at first (plans, buffers, code) is left
out: the line is laid through what came behind the first fifth.
"""

from __future__ import annotations

import asyncio
import statistics

import asyncpg

from bench.filling import fill
from bench.flood import memory
from bench.history import copy_log
from bench.ingest import CLIENTS
from bench.load import lanes
from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

_APART = 1_000_000_000
_PLACE = "SELECT place FROM alerts.checkpoints WHERE partition = 'orders'"


async def memory_consumer(machine: Machine, scale: Scale) -> list[Line]:
    """The slope of its memory over the facts it has taken."""
    dsn = await machine.create("ours", TEMPLATE)
    count = await fill(dsn, lanes(CLIENTS, "y"), scale.small)
    most = await machine.fetch(
        "ours", "SELECT max(position) FROM orders.events WHERE starts_with(stream, 'order-')"
    )
    await copy_log(machine, "ours", 1, scale.kept)
    program = serve(machine, "alerts", dsn)
    connection = await asyncpg.connect(dsn)
    samples: list[tuple[float, float]] = []
    last = (scale.kept + 1) * count - 1
    idle = memory(program.process.pid, "VmRSS")
    while not samples or samples[-1][0] < last:
        await asyncio.sleep(1)
        place = await connection.fetchval(_PLACE)
        copy, position = divmod(int((place or "0:0:0").split(":")[2]), _APART)
        taken = count * (copy + position / most)
        samples.append((taken, memory(program.process.pid, "VmRSS")))
        if len(samples) % 30 == 0:
            console.print(f"  {taken:,.0f} taken, {samples[-1][1] / 1e6:.0f} MB")
    rows = await connection.fetchval("SELECT count(*) FROM alerts.lines")
    await connection.close()
    machine.end_programs()
    await machine.drop("ours")
    late = [(x, y) for x, y in samples if x > last / 5]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope
    halves = [late[: len(late) // 2], late[len(late) // 2 :]]
    parts = [statistics.linear_regression(*zip(*half, strict=True)).slope for half in halves]
    note = (
        f"jicai serve alerts over the log, {last:,.0f} facts of {rows:,} new lines: {slope:.2f} bytes "
        f"an event; {idle / 1e6:.0f} MB at first, {late[0][1] / 1e6:.0f} MB after a fifth, "
        f"{late[-1][1] / 1e6:.0f} MB at the end; the range is that of the two halves"
    )
    line = summarise("memory_consumer", [slope, *parts], note)
    line.ratio, line.low, line.high = round(slope, 2), round(min(parts), 2), round(max(parts), 2)
    return [line]
