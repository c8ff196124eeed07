"""HTTP by hand: bytes go out as they are, and whatever comes back is read as answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from typing import Any

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n")
SECONDS = 90.0
"""Longer than anything may take on a machine that is busy: what does not end by then has no end."""


@dataclass
class Answer:
    """One answer as it came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> Any:
        assert self.headers.get("content-type", "").startswith("application/problem+json"), self
        return json.loads(self.body)


def head(method: str, target: str, *lines: str, actor: str | None = None) -> bytes:
    """A request's head as it should be; what is strange is added by lines."""
    named = [f"X-Jicai-Actor: {actor}"] if actor else []
    return "\r\n".join(
        [f"{method} {target} HTTP/1.1", "Host: jicai", *named, *lines, "", ""]
    ).encode("utf-8", "surrogateescape")


async def converse(
    address: tuple[str, int],
    pieces: Iterable[bytes] | AsyncIterable[bytes],
    *,
    half_close: bool = False,
) -> list[Answer]:
    """Send the pieces, read until the other side closes; every answer that came, perhaps none."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(*address)
        reading = asyncio.create_task(_read(reader))
        try:
            with contextlib.suppress(ConnectionError):
                async for piece in _each(pieces):
                    if reading.done():
                        break
                    writer.write(piece)
                    await writer.drain()
                if half_close:
                    writer.write_eof()
            return answers(await reading)
        finally:
            reading.cancel()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _each(pieces: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece


async def _read(reader: asyncio.StreamReader) -> bytes:
    told = b""
    with contextlib.suppress(ConnectionError):
        while more := await reader.read(65536):
            told += more
    return told


def answers(told: bytes) -> list[Answer]:
    """The answers in these bytes, one behind the other."""
    found = []
    while told:
        status = _STATUS.match(told)
        assert status, f"no answer begins {told[:200]!r}"
        top, _, rest = told.partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in top.split(b"\r\n")[1:]]
        headers = {n.decode("latin-1").lower(): v.decode("latin-1").strip() for n, _, v in lines}
        length = int(headers.get("content-length", len(rest)))
        if status[1] != b"100":
            found.append(Answer(int(status[1]), headers, rest[:length]))
            told = rest[length:]
        else:
            told = rest
    return found
