"""HTTP with patience that ends (HTTP 防护): heads of a size and in time, and no body without an end.

Uvicorn bounds what a handler reads and waits for nothing else: a head may grow for ever or never
end, and a body that nobody wants is read on and on. What is no HTTP at all is a problem document too.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 64 * 1024
HEAD_SECONDS: Final = 60.0
LINGER_SECONDS: Final = 5.0
"""A refused body is read on for so long, that its sender may see the answer; then the line is cut."""

_REASONS: Final = {
    400: ("Bad Request", "请求无法读取", "Bad request"),
    408: ("Request Timeout", "请求超时", "Request timeout"),
    431: ("Request Header Fields Too Large", "请求头过大", "Request header fields too large"),
}


class GuardedHttp(HttpToolsProtocol):
    """Uvicorn's protocol with bounds; whoever oversteps one is answered if possible, and cut off."""

    def __init__(self, *, head_seconds: float, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._head_seconds = head_seconds
        self._in_head = True
        self._in_message = False
        self._beside = 0
        """Bytes since the last piece of a body or the last turn of a message: they only grow."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(self._head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._beside += len(data)
        if self._in_head and self._timer is None:
            self._expect(self._head_seconds)
        super().data_received(data)
        if self._beside > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse(431, "request_unreadable")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_message = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer behind a body is no header: a proxy in front may have looked at the head alone.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._beside = False, 0
        self._expect(None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._in_message, self._beside = True, False, 0
        self._expect(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        is_last = self.cycle.response_complete  # else a request behind it is still coming in
        if is_last and self._in_message and not self._in_head:
            self._expect(LINGER_SECONDS)

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read, in place of uvicorn's bare text."""
        self._refuse(400, "request_unreadable")

    def _expect(self, seconds: float | None) -> None:
        """Something has to happen within so many seconds; nothing has to with None."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._is_late)

    def _is_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._in_head and self._beside:
            self._refuse(408, "request_timeout")
        else:
            self.transport.close()

    def _refuse(self, status: int, code: str) -> None:
        """Answer where no other answer is half told, and cut the line."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            reason, title_zh, title_en = _REASONS[status]
            document = {
                "type": f"/problems/{code}",
                "title": title_zh,
                "status": status,
                "detail": f"{title_zh} / {title_en}",
                "code": code,
                "instance": "",
                "trace_id": "",
                "errors": [],
            }
            body = msgspec.json.encode(document)
            self.transport.write(
                f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
                + body
            )
        self.transport.close()
