"""Rebuilding the lines of alerts from the log of orders: our consumer against hand-written SQL."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import asyncpg

from bench.filling import fill
from bench.load import lanes
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, console, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE
from bench.scale import Scale
from services.alerts.app import service
from shared.bus.log import LogBus
from shared.runtime.calendars import CalendarHolder
from shared.runtime.consumer import BATCH_MAX, Consumer
from shared.runtime.room import Room
from shared.runtime.time import DatabaseTime
from shared.store.database import BUS_ROLE, open_pool
from shared.store.policy_files import shipped_policy
from shared.store.reader import LogReader

_PARTS = re.split(r"^-- name: (\w+)\n", Path(__file__).with_name("hand.sql").read_text("utf-8"),
                  flags=re.MULTILINE)  # fmt: skip
SQL = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))
"""The statements of hand.sql by name."""

OWN_COLUMNS = ("revision", "since", "facts")
"""What only our rows need: when they were written, and what is known of the line."""


async def fold_vs_hand(machine: Machine, scale: Scale) -> list[Line]:
    """Empty tables, the whole log, equal rows at the end."""
    dsn = await machine.create("ours", TEMPLATE)
    events = await fill(dsn, lanes(4, "r"), scale.folded)
    await machine.execute("ours", SQL["stage"], "VACUUM ANALYZE")
    columns = await machine.fetch(
        "ours",
        f"""SELECT string_agg(column_name, ', ' ORDER BY ordinal_position)
            FROM information_schema.columns WHERE table_schema = 'alerts' AND table_name = 'lines'
            AND column_name <> ALL ('{{{",".join(OWN_COLUMNS)}}}')""",
    )
    connection = await asyncpg.connect(dsn)
    pools = [await open_pool(dsn, "alerts"), await open_pool(dsn, "public", role=BUS_ROLE)]
    room = Room(service, pools[0], DatabaseTime(), shipped_policy(), CalendarHolder())
    what_it_was = ""

    async def ours(_: int) -> Run:
        await connection.execute(
            """TRUNCATE alerts.lines, alerts.orders, alerts.registers, alerts.checkpoints,
                        alerts.met, alerts.closes, alerts.day_closes, alerts.waiting; CHECKPOINT"""
        )
        bus = LogBus(LogReader(pools[1]))
        consumer = Consumer(room, bus.subscribe("alerts", service.topics))
        try:
            return await _timed(machine, events, _until_quiet(consumer))
        finally:
            await consumer.close()
            await bus.close()

    async def by_hand(_: int) -> Run:
        nonlocal what_it_was
        await connection.execute("TRUNCATE hand.lines, hand.orders; CHECKPOINT")
        run = await _timed(machine, events, connection.execute(SQL["rebuild"]))
        what_it_was = await connection.fetchval(SQL["sums"])
        return run

    async def compare() -> None:
        differences = await connection.fetchval(SQL["differences"].format(columns=columns))
        assert differences == 0, f"{differences} rows differ"

    await ours(0)
    pairs = await interleave("fold_vs_hand", scale.rounds, ours, by_hand, after=compare)
    console.print(f"  equal in every round: {what_it_was}")
    await connection.close()
    for pool in pools:
        await pool.close()
    await machine.drop("ours")
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"consumer with its checkpoint, {BATCH_MAX} records a batch {figures(mine)}; two SQL "
        f"statements over typed columns filled beforehand {figures(theirs)}; {events} events, "
        f"{what_it_was}; 0 rows differ in every round; same indexes on both; fsync on"
    )
    return [summarise("fold_vs_hand", rates(pairs), note)]


async def _until_quiet(consumer: Consumer) -> None:
    while await consumer.step():
        pass


async def _timed(machine: Machine, events: int, work: Any) -> Run:
    app, database = cpu_of_self(), machine.database_cpu
    begin = time.perf_counter()
    await work
    seconds = time.perf_counter() - begin
    return Run(events, seconds, cpu_of_self() - app, machine.database_cpu - database)
