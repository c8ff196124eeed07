"""The body of a request as it was sent (原始请求体): limited for everybody, kept for those who hash it.

A signature covers the bytes as they travelled, and so does the memory of an Idempotency-Key; the
handler behind reads them after that as if nobody had. What nobody hashes is not kept.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.bodies import BODY_BYTES_MAX

_HASHED_FOR: Final = (b"x-ca-", b"idempotency-key")


class SentBody:
    """Reads one request's body at most once; whoever comes later gets the same messages again."""

    def __init__(self, receive: Receive, *, declared: int, keep: bool) -> None:
        self._receive = receive
        self._declared = declared
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

    async def receive(self) -> Message:
        """What the handler's side receives."""
        return self._ahead.popleft() if self._ahead else await self._next()

    async def _next(self) -> Message:
        # An HTTPException and no Problem: FastAPI would turn anything else raised here into a 400.
        if max(self._declared, self._size) > BODY_BYTES_MAX:
            raise HTTPException(413)
        message = await self._receive()
        if message["type"] == "http.request":
            chunk = message.get("body", b"")
            self._size += len(chunk)
            if self._size > BODY_BYTES_MAX:
                raise HTTPException(413)
            if self._keep:
                self._kept.append(chunk)
            self._is_whole = self._is_whole or not message.get("more_body", False)
        return message


class SentBodies:
    """Gives every request its body; a plain ASGI middleware, for it stands in every path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
        body = SentBody(receive, declared=declared, keep=keep)
        scope.setdefault("state", {})["sent_body"] = body
        await self._app(scope, body.receive, send)


async def body_as_sent(request: Request) -> bytes:
    """The bytes as they travelled; 413 beyond the limit."""
    body: SentBody = request.state.sent_body
    return await body.read()
