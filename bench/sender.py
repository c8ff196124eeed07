"""The load generator, a process of its own: `python -m bench.sender FILE STATUS URL...`.

It sends requests built beforehand over one connection per lane (several URLs share the lanes) and does next to nothing else: read
an answer, count what was answered as expected. Prints the seconds from the first byte to the last answer, how
many events that were, and the instant of the first byte.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

Lane = list[tuple[int, bytes]]


async def send_lane(url: str, lane: Lane, expected: str, start: asyncio.Event) -> float:
    """Send one lane's requests one after another; the instant of the last answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    await start.wait()
    for count, request in lane:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        if not head.startswith(b"HTTP/1.1 200") or answered(body, expected) != count:
            raise RuntimeError(f"{head!r} {body[:2000]!r}")
    done = time.perf_counter()
    writer.close()
    return done


def answered(body: bytes, expected: str = "accepted") -> int:
    """How many events an answer accepts (or knows): one by one, or as a plain number."""
    one_by_one = body.count(b'"status":"%b"' % expected.encode())
    return one_by_one or int(msgspec.json.decode(body)["accepted"])


async def send(file: bytes, expected: str, urls: list[str]) -> tuple[float, int, float]:
    """Send every lane at the same time; the seconds that took, the events, and when it began."""
    lanes: list[Lane] = msgspec.msgpack.decode(file, type=list[Lane])
    start = asyncio.Event()
    tasks = [
        asyncio.create_task(send_lane(url, lane, expected, start))
        for url, lane in zip(itertools.cycle(urls), lanes, strict=False)
    ]
    await asyncio.sleep(0.05)
    began, begin = time.time(), time.perf_counter()
    start.set()
    seconds = max(await asyncio.gather(*tasks)) - begin
    return seconds, sum(count for lane in lanes for count, _ in lane), began


if __name__ == "__main__":
    print(*uvloop.run(send(Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3:])))
