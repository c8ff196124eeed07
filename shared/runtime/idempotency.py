"""`Idempotency-Key` (幂等键): the same POST again gets the first answer, across processes and restarts.

A dependency claims the key before the endpoint runs, for only there the actor is known; a middleware
keeps the answer before the sender sees it. Facts need no key: an event's own id does the same.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.errors import Problem
from shared.runtime.access import Access
from shared.runtime.actors import current_actor
from shared.runtime.bodies import inflate
from shared.runtime.sent_body import body_as_sent
from shared.store.access.answers import Claim, KeptAnswer

log = structlog.get_logger()

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
NOT_KEPT: Final = frozenset({401, 408, 413, 429})
"""Besides 5xx: nothing was decided, so the same request may well fare better."""
_KEY: Final = re.compile(r"^[\x20-\x7e]{1,255}$")
_NOT_OURS: Final = frozenset({b"content-length", b"date", b"server", b"transfer-encoding"})


class Replayed(Exception):
    """Carries the first answer past the endpoint."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__()
        self.answer = answer


async def once_per_key(request: Request) -> None:
    """A dependency of every endpoint: claim the key, or answer as the first time."""
    key = request.headers.get(HEADER)
    access: Access | None = request.app.state.access
    path: str = request.scope["path"]
    if key is None or access is None or request.method != "POST":
        return
    if path in request.app.state.without_idempotency:
        return
    if not _KEY.match(key):
        raise Problem(
            422,
            "malformed",
            f"{HEADER} 应为 1 到 255 个可见 ASCII 字符",
            f"{HEADER} is 1 to 255 visible ASCII characters",
        )
    actor = await current_actor(request)
    claim = Claim(str(actor), path, key, await _request_hash(request), uuid.uuid4())
    outcome = await access.claim(claim)
    if isinstance(outcome, KeptAnswer):
        raise Replayed(outcome)
    if outcome == "reused":
        raise Problem(
            422,
            "idempotency_key_reused",
            f"该 {HEADER} 已用于另一内容的请求; 新请求请换新键",
            f"this {HEADER} was used with another request; take a new one",
        )
    if outcome == "in_flight":
        raise Problem(
            409,
            "idempotency_in_flight",
            "同一请求正在处理, 请稍后再查",
            "the same request is being worked on; ask again later",
            headers={"Retry-After": "1"},
        )
    request.state.claim = claim


async def _request_hash(request: Request) -> bytes:
    """What must be the same: the query and the body, compressed or not."""
    body = await body_as_sent(request)
    if request.headers.get("content-encoding", "").lower() == "gzip":
        # Compressing twice rarely gives the same bytes, and it is the same body.
        body = inflate(body)
    return hashlib.sha256(request.scope["query_string"] + b"\n" + body).digest()


def install(app: FastAPI) -> None:
    """Kept answers go out, new ones are kept."""
    app.add_exception_handler(Replayed, _replay)
    app.add_middleware(_KeepsAnswers, state=app.state)


async def _replay(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Replayed)
    response = Response(error.answer.body, error.answer.status)
    kept = msgspec.json.decode(error.answer.headers, type=list[tuple[str, str]])
    for name, value in kept:
        response.headers.append(name, value)
    response.headers[REPLAYED] = "true"
    return response


class _KeepsAnswers:
    """Holds a claimed request's answer back until it is kept; everything else passes as it is."""

    def __init__(self, app: ASGIApp, state: Any) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        is_settled = False

        async def holding(message: Message) -> None:
            nonlocal is_settled
            claim: Claim | None = scope.get("state", {}).get("claim")
            if claim is None:
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                is_settled = True
                await self._settle(claim, held)
                for kept in held:
                    await send(kept)

        try:
            await self._app(scope, receive, holding)
        finally:
            claim = scope.get("state", {}).get("claim")
            if claim is not None and not is_settled:
                await self._release(claim)

    async def _settle(self, claim: Claim, held: list[Message]) -> None:
        """Keep the answer, or give the key back; a fault of either costs the sender nothing."""
        start = held[0]
        if start["status"] >= 500 or start["status"] in NOT_KEPT:
            await self._release(claim)
            return
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start["headers"]
            if name.lower() not in _NOT_OURS
        ]
        body = b"".join(message.get("body", b"") for message in held[1:])
        answer = KeptAnswer(start["status"], msgspec.json.encode(headers), body)
        try:
            await self._state.access.keep(claim, answer)
        except Exception as error:
            log.warning("idempotency.not_kept", path=claim.path, error=str(error))

    async def _release(self, claim: Claim) -> None:
        try:
            await self._state.access.release(claim)
        except Exception as error:
            log.warning("idempotency.not_released", path=claim.path, error=str(error))
