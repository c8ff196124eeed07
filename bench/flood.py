"""What the API's memory grows by while 64 clients send bodies of 4 MB at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import Lane, lanes, request
from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

CLIENTS = 64
GOAL_BYTES = 150e6
_BODY_BYTES = 4 * 1024 * 1024 - 4096
_ORDERS = 100


async def memory_api(machine: Machine, scale: Scale) -> list[Line]:
    """Each round on a fresh process; the peak is the kernel's own."""
    growths, statuses = [], Counter[int]()
    idle = 0.0
    for number in range(min(scale.rounds, 3)):
        program = serve(machine, "orders", await machine.create("ours", TEMPLATE))
        its_lanes = lanes(CLIENTS, f"v{number}", _ORDERS)
        # One small batch first, so that what stands for ever is not counted as growth.
        await _send(program.url, request(lanes(1, "u", 1)[0].batch()))
        pid = program.process.pid
        idle = forget_peak(pid)
        bodies = [request(_padded(lane)) for lane in its_lanes]
        statuses.update(await asyncio.gather(*(_send(program.url, body) for body in bodies)))
        growths.append(memory(pid, "VmHWM") - idle)
        console.print(
            f"  memory_api {number + 1}: {growths[-1] / 1e6:.0f} MB over {idle / 1e6:.0f}"
        )
        machine.end_programs()
        await machine.drop("ours")
    assert statuses.keys() <= {200, 429, 503}, statuses
    answers = ", ".join(f"{count} times {status}" for status, count in sorted(statuses.items()))
    note = (
        f"{CLIENTS} clients at once, {_ORDERS} orders in {_BODY_BYTES / 1e6:.1f} MB each: peak "
        f"{max(growths) / 1e6:.0f} MB above the {idle / 1e6:.0f} MB of an idle process; {answers}"
    )
    return [summarise("memory_api", [growth / GOAL_BYTES for growth in growths], note)]


def forget_peak(pid: int) -> float:
    """Let the kernel count the peak anew; what the process has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")
    return memory(pid, "VmHWM")


def memory(pid: int, what: str) -> float:
    """Bytes, as the kernel counts them: `VmHWM` the most so far, `VmRSS` now."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024.0
    raise LookupError(what)


def _padded(lane: Lane) -> list[bytes]:
    """A batch that is as large as a body may be: an unknown member, stored and echoed."""
    events = lane.batch()
    rest = _BODY_BYTES - sum(len(event) + 1 for event in events)
    words = b'"note":"%b",' % (b"x" * (rest // len(events) - 12))
    return [event.replace(b'"data":{', b'"data":{' + words, 1) for event in events]


async def _send(url: str, sent: bytes) -> int:
    """One request over its own connection; the status of the answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])
    finally:
        writer.transport.abort()
