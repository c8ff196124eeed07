"""The same counts by Faust: `python -m bench.faust_app BOOTSTRAP GROUP DATA_DIR`.

Its own means throughout: an agent over both topics with a table of orders, the changes sent on by
distributor and day through a topic of its own, and a second agent with a table of sums; tables in
memory, each change on a changelog. Ends when nothing more comes; prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import Any

import faust

from bench.counting import Line, changes
from bench.peer_facts import named, put

PARTITIONS = 12
QUIET_SECONDS = 10.0
_TOPICS = ("jicai.orders.v1", "jicai.deliveries.v1")


def make(bootstrap: str, group: str, data_dir: str) -> Any:
    """The application: two agents, two tables, and whoever ends it."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=data_dir,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        value_serializer="json",
        web_enabled=False,
    )
    facts = app.topic(*_TOPICS, key_type=str, key_serializer="raw", value_serializer="json")
    changed = app.topic(f"{group}-changed", key_type=str, value_serializer="json", internal=True)
    orders = app.Table("lines", partitions=PARTITIONS)
    sums = app.Table("sums", partitions=PARTITIONS)
    seen: dict[str, float] = {}
    totals: dict[str, list[int]] = {}

    @app.agent(facts)
    async def tell(stream: Any) -> None:
        async for event in stream.events():
            if "first" not in seen:
                seen["first"], seen["cpu"] = time.time(), _cpu()
            for of, by in _tell(orders, event):
                await changed.send(key=of, value=by)
            seen["last"] = time.time()

    @app.agent(changed)
    async def add(stream: Any) -> None:
        async for of, by in stream.items():
            known = sums.get(of, [0, 0, 0, 0])
            sums[of] = totals[of] = [a + b for a, b in zip(known, by, strict=True)]
            seen["last"] = time.time()

    @app.task
    async def end() -> None:
        while "last" not in seen or time.time() - seen["last"] < QUIET_SECONDS:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        seconds, cpu = seen["last"] - seen["first"], _cpu() - seen["cpu"]
        print(json.dumps({"seconds": seconds, "cpu": cpu, "sums": totals}), flush=True)
        os._exit(0)  # its own way out takes as long as the counting

    return app


def _tell(orders: Any, event: Any) -> list[tuple[str, list[int]]]:
    """Put a fact on the lines of its order; what the sums change by."""
    fact, type_ = event.value, _text(event.headers["ce_type"])
    if "order_id" not in fact:
        return []  # a mark: no fact of an order
    lines = {id_: Line(*row) for id_, row in orders.get(fact["order_id"], {}).items()}
    before = {id_: line.counts() for id_, line in lines.items()}
    touched = {id_: lines.setdefault(id_, Line()) for id_ in named(type_, fact)}
    put(type_, fact, touched)
    orders[fact["order_id"]] = {id_: list(line.row()) for id_, line in lines.items()}
    befores = [before.get(id_, (0, 0, 0, 0)) for id_ in touched]
    return [
        (f"{distributor} {day}", values)
        for (distributor, day), values in changes(befores, touched.values()).items()
    ]


def _text(header: Any) -> str:
    return header.decode() if isinstance(header, bytes) else str(header)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    its_app = make(*sys.argv[1:])
    faust.Worker(its_app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()
