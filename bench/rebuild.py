"""`jicai rebuild alerts` beside the standing service: twins filled, compared row by row, switched.

Against two SQL statements over typed columns that were filled beforehand, which compare nothing; and
against the rate at which facts travel from POST to scorecard while nobody rebuilds.
"""

from __future__ import annotations

import time

import asyncpg

from bench.filling import fill
from bench.fold import SQL
from bench.grown import consume
from bench.ingest import CLIENTS
from bench.load import lanes, write_requests
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.pipeline import Expected
from bench.pipeline import ours as our_pipeline
from bench.prepared import TEMPLATE
from bench.scale import Scale
from services.alerts.app import service
from shared.bus.wire import PARTITIONS
from shared.runtime.rebuilding import Rebuild
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader


async def rebuild_vs_sql(machine: Machine, scale: Scale) -> list[Line]:
    """Equal rows every time: the rebuild says so itself before it switches."""
    live = await _live(machine, scale)
    dsn = await machine.create("ours", TEMPLATE)
    events = await fill(dsn, lanes(CLIENTS, "z"), scale.folded)
    await consume(dsn)
    await machine.execute("ours", SQL["stage"], "VACUUM ANALYZE")
    connection = await asyncpg.connect(dsn)
    pool = await open_pool(dsn, "public", role=BUS_ROLE)

    async def ours(_: int) -> Run:
        await connection.execute("CHECKPOINT")
        owner = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
        app, database = cpu_of_self(), machine.database_cpu
        begin = time.perf_counter()
        rebuild = Rebuild(
            owner, LogReader(pool), service, partitions=PARTITIONS, tell=lambda *_: None
        )
        report = await rebuild.run()
        seconds = time.perf_counter() - begin
        await owner.close()
        assert report.switched, "not switched"
        assert report.rows["lines"] > 0, "no lines"
        assert not any(report.differing.values()), report.differing
        return Run(events, seconds, cpu_of_self() - app, machine.database_cpu - database)

    async def by_hand(_: int) -> Run:
        await connection.execute("TRUNCATE hand.lines, hand.orders; CHECKPOINT")
        database, begin = machine.database_cpu, time.perf_counter()
        await connection.execute(SQL["rebuild"])
        return Run(events, time.perf_counter() - begin, 0.0, machine.database_cpu - database)

    pairs = await interleave("rebuild_vs_sql", scale.rounds, ours, by_hand)
    await connection.close()
    await pool.close()
    await machine.drop("ours")
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"rebuild of alerts with its comparison and switch {figures(mine)}; two SQL statements over "
        f"typed columns filled beforehand {figures(theirs)}; {events} facts; 0 rows differ; fsync on"
    )
    against = [run.rate / live.rate for run in mine]
    return [
        summarise("rebuild_vs_sql", rates(pairs), note),
        summarise("rebuild_vs_live", against, f"live, over the log: {figures([live])}"),
    ]


async def _live(machine: Machine, scale: Scale) -> Run:
    """POST to committed row over the log, once everything is warm."""
    side, expected = await our_pipeline(machine, ""), Expected()
    its_lanes, path = lanes(CLIENTS, "j"), str(machine.directory / "live")
    for batches in (6, scale.streamed):
        write_requests(path, its_lanes, batches)
        expected.add_requests(path)
        run = await side.run(path, expected.total)
    machine.end_programs()
    await machine.drop("ours")
    return run
