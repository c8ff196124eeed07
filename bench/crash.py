"""kill -9 of the whole PostgreSQL under load, to the first answer of `jicai serve orders` afterwards.

A server of its own with max_wal_size 1 GB, and half of that written since the last checkpoint: what
recovery has to read. The service is never restarted; its client asks again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from itertools import count
from pathlib import Path

import httpx2

from bench.load import Lane, lanes
from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.prepared import TEMPLATE, prepare, serve
from bench.scale import Scale
from bench.town import IMPORTER
from shared.store.embedded import EmbeddedPostgres

GOAL_SECONDS = 15.0
_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "1GB", "checkpoint_timeout": "15min"}
_HEADERS = {
    "X-Jicai-Actor": IMPORTER,
    "Content-Type": "application/cloudevents-batch+json",
}
_WRITE = """
INSERT INTO public.ballast SELECT n, repeat(md5(n::text), 16) FROM generate_series(1, {rows}) AS n"""


async def restart(machine: Machine, scale: Scale) -> list[Line]:
    """Killed some times; every batch that was answered is there at the end."""
    server = EmbeddedPostgres(machine.directory / "crash", durable=True, settings=_SETTINGS)
    its_machine = Machine(server, machine.directory)
    try:
        server.start()
        return [await _killed(its_machine, scale)]
    finally:
        its_machine.end_programs()
        server.remove()


async def _killed(machine: Machine, scale: Scale) -> Line:
    await prepare(machine)
    await machine.create("ours", TEMPLATE)
    await machine.execute("ours", "CREATE TABLE public.ballast (n int, words text)")
    url = serve(machine, "orders", machine.dsn("ours")).url
    lane = lanes(1, "x")[0]
    took, redo, answered = [], [], 0
    async with httpx2.AsyncClient(base_url=url, headers=_HEADERS, timeout=30) as client:
        for number in range(min(scale.rounds, 3)):
            await machine.execute("ours", "CHECKPOINT", _WRITE.format(rows=scale.ballast))
            redo.append(await machine.fetch("ours", _SINCE))
            answered += await _post(client, lane)
            begin = time.perf_counter()
            kill_all(machine)
            await asyncio.to_thread(machine.server.start)
            up = time.perf_counter() - begin
            answered += await _post(client, lane)
            took.append(time.perf_counter() - begin)
            console.print(
                f"  restart {number + 1}: {took[-1]:.1f} s, PostgreSQL up after {up:.1f} s, "
                f"{redo[-1]:.0f} MB since the checkpoint"
            )
    stored = await machine.fetch(
        "ours", "SELECT count(*) FROM orders.events WHERE starts_with(stream, 'order-')"
    )
    assert stored == answered, f"{answered} answered, {stored} stored"
    note = (
        f"kill -9 of every process of PostgreSQL, started again at once: {min(took):.1f} to "
        f"{max(took):.1f} s to the first accepted batch, {max(redo):.0f} MB of WAL since the "
        f"checkpoint, max_wal_size 1 GB; {answered} events answered, all there; fsync on"
    )
    return summarise("restart", [one / GOAL_SECONDS for one in took], note)


_SINCE = """
SELECT (pg_current_wal_lsn() - redo_lsn)::float8 / 1e6 FROM pg_control_checkpoint()"""


def kill_all(machine: Machine) -> None:
    """The postmaster and its children, as a dead machine would leave them."""
    postmaster = machine.server.pid
    assert postmaster is not None
    os.kill(postmaster, signal.SIGSTOP)  # it must not tidy up behind its children
    for child in _children(postmaster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)
    while machine.server.pid is not None:
        time.sleep(0.001)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def _post(client: httpx2.AsyncClient, lane: Lane) -> int:
    """One batch, sent again until it is answered; how many events were accepted."""
    events = lane.batch()
    body = b"[" + b",".join(events) + b"]"
    for _ in count():
        with contextlib.suppress(httpx2.TransportError):
            answer = await client.post("/orders/v1/events", content=body)
            if answer.status_code == 200:
                verdicts = answer.json()["results"]
                assert all(one["status"] in ("accepted", "duplicate") for one in verdicts)
                return len(events)
        await asyncio.sleep(0.02)
    raise AssertionError
