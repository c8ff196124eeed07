"""The body of a request as it was sent (原始请求体): limited for everybody, kept for those who hash it.

A signature covers the bytes as they travelled, and so does the memory of an Idempotency-Key; the
handler behind reads them after that as if nobody had. What nobody hashes is not kept.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.bodies import BODY_BYTES_MAX

_HASHED_FOR: Final = (b"x-ca-", b"idempotency-key")


@dataclass(slots=True)
class Intake:
    """What bodies may take of this process (请求体总量): so many bytes at once, so long for each.

    Without it a few dozen senders of large or endless bodies would take all memory.
    """

    bytes_max: int = 48 * 1024 * 1024
    seconds: float = 60.0
    in_hand: int = 0


class SentBody:
    """Reads one request's body at most once; whoever comes later gets the same messages again."""

    def __init__(self, receive: Receive, intake: Intake, *, declared: int, keep: bool) -> None:
        self._receive = receive
        self._intake = intake
        self._declared = declared
        self._held = 0
        self._late_at: float | None = None
        self._keep = keep
        self._kept: list[bytes] = []
        self._ahead: deque[Message] = deque()
        self._size = 0
        self._is_whole = False

    async def read(self) -> bytes:
        """All of it, without taking it from the handler."""
        assert self._keep, "only a request with a signature or an Idempotency-Key keeps its body"
        while not self._is_whole:
            message = await self._next()
            self._ahead.append(message)
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
        return b"".join(self._kept)

    @property
    def size(self) -> int:
        """How many bytes there are, as far as is known."""
        return max(self._declared, self._size)

    def let_go(self) -> None:
        """The request is over: its bytes are no longer in hand."""
        self._intake.in_hand -= self._held

    async def receive(self) -> Message:
        """What the handler's side receives."""
        return self._ahead.popleft() if self._ahead else await self._next()

    async def _next(self) -> Message:
        # An HTTPException and no Problem: FastAPI would turn anything else raised here into a 400.
        if self.size > BODY_BYTES_MAX:
            raise HTTPException(413)
        self._hold()
        message = await self._received_in_time()
        if message["type"] == "http.request":
            chunk = message.get("body", b"")
            self._size += len(chunk)
            if self._size > BODY_BYTES_MAX:
                raise HTTPException(413)
            self._hold()
            if self._keep:
                self._kept.append(chunk)
            self._is_whole = self._is_whole or not message.get("more_body", False)
        return message

    def _hold(self) -> None:
        """Make room for what was declared before it comes; 503 when there is none."""
        more = self.size - self._held
        if more > 0 and self._intake.in_hand + more > self._intake.bytes_max:
            raise HTTPException(503)
        self._intake.in_hand += more
        self._held += more

    async def _received_in_time(self) -> Message:
        """The next message; 408 when the body is not whole in its time. What comes after has no end."""
        if self._is_whole:
            return await self._receive()
        if self._late_at is None:
            self._late_at = asyncio.get_running_loop().time() + self._intake.seconds
        try:
            async with asyncio.timeout_at(self._late_at):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None


class SentBodies:
    """Gives every request its body; a plain ASGI middleware, for it stands in every path."""

    def __init__(self, app: ASGIApp, intake: Intake) -> None:
        self._app = app
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared, keep = 0, False
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = int(value) if value.isdigit() else 0
            elif name.startswith(_HASHED_FOR):
                keep = True
        body = SentBody(receive, self._intake, declared=declared, keep=keep)
        scope.setdefault("state", {})["sent_body"] = body
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.let_go()


async def body_as_sent(request: Request) -> bytes:
    """The bytes as they travelled; 413 beyond the limit."""
    body: SentBody = request.state.sent_body
    return await body.read()
