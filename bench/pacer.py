"""The patient load generator: `python -m bench.pacer FILE INTERVAL URL`.

It sends one request each INTERVAL seconds, whether the answers are quick or not: who is slow is
late for the next one too, and that counts. Prints the instant at which the first was due.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.sender import Lane, answered

CONNECTIONS = 8


async def pace(lane: Lane, interval: float, url: str) -> float:
    """Send the requests, each at its instant, over the next free connection."""
    parts = urlsplit(url)
    # In turn: a server closes a connection that nobody has used for some seconds.
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20))

    async def ask(count: int, request: bytes) -> None:
        reader, writer = connection = await free.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        if not head.startswith(b"HTTP/1.1 200") or answered(body) != count:
            raise RuntimeError(f"{head!r} {body[:2000]!r}")
        free.put_nowait(connection)

    began, begin = time.time() + 0.1, time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as asking:
        for number, (count, request) in enumerate(lane):
            await asyncio.sleep(begin + number * interval - time.perf_counter())
            asking.create_task(ask(count, request))
    return began


if __name__ == "__main__":
    its_lane = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=list[Lane])[0]
    print(uvloop.run(pace(its_lane, float(sys.argv[2]), sys.argv[3])))
