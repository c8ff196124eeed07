"""A TCP proxy before a door: cuts after the request was handed on, and delays (连接中断).

What was cut may have been committed: the sender does not know, and that is the case to be tested.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

CHUNK = 64 * 1024


class Proxy:
    """One listening port, one door behind it; `cut` and `delay` are turned by the nemesis."""

    def __init__(self, port: int, target: int, seed: int) -> None:
        self.port, self._target = port, target
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = 0.0
        """How often an answer is swallowed and its connection cut, from 0 to 1."""
        self.delay = 0.0
        """Up to so many seconds before a request is handed on, and before its answer is."""
        self.cuts = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Cut whatever is open, and listen no more."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.close()

    def calm(self) -> None:
        """Neither cut nor delay any more."""
        self.cut = self.delay = 0.0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self._open.discard(writer)
            writer.close()
            return
        self._open.add(inner_writer)
        ways = [
            asyncio.create_task(self._pump(reader, inner_writer, answers=False)),
            asyncio.create_task(self._pump(inner_reader, writer, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, inner_writer):
                self._open.discard(one)
                with contextlib.suppress(Exception):
                    one.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self._random.uniform(0, self.delay))
                if answers and self._random.random() < self.cut:
                    self.cuts += 1
                    return
                sink.write(chunk)
                await sink.drain()
