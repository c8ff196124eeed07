"""Signed requests at the door (签名认证): which key, is it timely, is it signed, is it new.

The order matters: what is cheap to refuse goes first, and a nonce is recorded only for a valid
signature, or anybody could burn another's. Time is real time even where a sandbox's stands still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from shared.kernel.clock import local_text
from shared.kernel.codes import is_path_id
from shared.kernel.errors import Problem
from shared.runtime import signing
from shared.runtime.actors import Actor, unauthenticated
from shared.runtime.key_ring import KeyRing, LiveKey
from shared.runtime.limits import RateLimits
from shared.runtime.sent_body import body_as_sent
from shared.store.access.nonces import use_nonce
from shared.store.access.sealing import Sealed

_TIMESTAMP: Final = re.compile(r"^[0-9]{10}$", re.ASCII)
_NONCE: Final = re.compile(r"^[\x21-\x7e]{1,128}$")


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says of its signature."""

    key: str
    timestamp: str
    nonce: str
    signature: str

    @classmethod
    def by(cls, request: Request) -> Said:
        return cls(*(request.headers.get(name, "") for name in signing.HEADERS))


class Authenticator:
    """Knows a caller by its signature; `explains` adds the server's string to a refusal (sandbox)."""

    def __init__(self, pool: Any, ring: KeyRing, *, explains: bool) -> None:
        self._pool = pool
        self._ring = ring
        self._explains = explains

    async def __call__(self, request: Request) -> Actor:
        """The actor of the key that signed this request; 401 with the server's time otherwise."""
        said = Said.by(request)
        live: LiveKey | None = None
        try:
            live = await self._live_key(said.key)
            self._check_timestamp(said.timestamp)
            # Before the body is read, and only asked: who has no more than the key's name may not spend.
            limits: RateLimits = request.app.state.door.limits
            limits.ask(live.actor.counted_as)
            await _check_signature(request, said, live)
            await self._check_nonce(said)
        except Problem as problem:
            if problem.status == 401:
                problem.extra["server_time"] = local_text(self._ring.now())
                if self._explains:
                    algorithm = "sm3" if live is None else live.algorithm
                    text = await _server_string(request, said, algorithm)
                    problem.extra["string_to_sign"] = text.decode("utf-8", "replace")
            raise
        return live.actor

    async def _live_key(self, key: str) -> LiveKey:
        try:
            # A text that cannot be a key is looked up as none: the answer tells the time all the same.
            live = await self._ring.find(key if is_path_id(key) else "")
        except Sealed as error:
            raise Problem(
                503,
                "secrets_key_missing",
                "密钥的私密部分已加密, 本服务未配置正确的 JICAI_SECRETS_KEY",
                f"the key's secret cannot be opened here: {error}",
            ) from None
        if live is None:
            raise unauthenticated(
                "key_unknown",
                f"请求头 {signing.KEY_HEADER} 中的密钥不存在或已吊销",
                f"the key in {signing.KEY_HEADER} is unknown or revoked",
            )
        return live

    def _check_timestamp(self, timestamp: str) -> None:
        if not _TIMESTAMP.match(timestamp):
            raise unauthenticated(
                "timestamp_out_of_window",
                f"{signing.TIMESTAMP_HEADER} 应为 10 位的秒数",
                f"{signing.TIMESTAMP_HEADER} is a 10-digit number of seconds",
            )
        off = int(timestamp) - self._ring.now().timestamp()
        if abs(off) > signing.WINDOW_SECONDS:
            raise unauthenticated(
                "timestamp_out_of_window",
                f"时间戳与服务器时间相差 {off:+.0f} 秒, 超过 {signing.WINDOW_SECONDS} 秒; 请校准时钟",
                f"the timestamp is {off:+.0f} s from the server's time, more than "
                f"{signing.WINDOW_SECONDS} s; set your clock",
            )

    async def _check_nonce(self, said: Said) -> None:
        if not await use_nonce(self._pool, said.key, said.nonce):
            raise unauthenticated(
                "nonce_used",
                "该随机串已使用过; 每次发送 (包括重发) 都要换新的随机串并重新签名",
                "this nonce was used before; sign every attempt, retries too, with a new one",
            )


async def _check_signature(request: Request, said: Said, live: LiveKey) -> None:
    if not _NONCE.match(said.nonce):
        raise unauthenticated(
            "signature_invalid",
            f"{signing.NONCE_HEADER} 应为 1 到 128 个可见 ASCII 字符",
            f"{signing.NONCE_HEADER} is 1 to 128 visible ASCII characters",
        )
    text = await _server_string(request, said, live.algorithm)
    if not signing.is_signed(live.secret, text, said.signature, live.algorithm):
        raise unauthenticated(
            "signature_invalid",
            "签名不符; 请对照示例核对待签名串与算法",
            "the signature does not match; compare your string to sign and algorithm with the samples",
        )


async def _server_string(request: Request, said: Said, algorithm: signing.Algorithm) -> bytes:
    return signing.string_to_sign(
        request.method,
        _target(request),
        said.timestamp,
        said.nonce,
        await body_as_sent(request),
        algorithm,
    )


def _target(request: Request) -> bytes:
    """Path and query as they travelled, nothing decoded."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path
