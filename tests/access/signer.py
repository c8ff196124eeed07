"""Signs requests by the contract alone: nothing of ours is asked how."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx2


def sign(
    secret: str, method: str, target: str, timestamp: str, nonce: str, body: bytes, digest: str
) -> str:
    """Section 12, word for word."""
    hashed = hashlib.new(digest, body).hexdigest()
    text = "\n".join([method, target, timestamp, nonce, hashed])
    return hmac.new(secret.encode(), text.encode(), digest).hexdigest()


class Signer(httpx2.Auth):
    """Signs every request that passes; `changes` overwrites headers, as a mistaken client would."""

    requires_request_body = True

    def __init__(
        self,
        key: str,
        secret: str,
        digest: str = "sm3",
        *,
        skew: float = 0,
        changes: Mapping[str, str] = {},
    ) -> None:
        self.key, self.secret, self.digest = key, secret, digest
        self.skew = skew
        self.changes = {f"x-ca-{name}": value for name, value in changes.items()}

    def auth_flow(self, request: Any) -> Any:
        timestamp = self.changes.get("x-ca-timestamp", str(int(time.time() + self.skew)))
        nonce = self.changes.get("x-ca-nonce", secrets.token_hex(16))
        target = request.url.raw_path.decode("ascii")
        signature = sign(
            self.secret, request.method, target, timestamp, nonce, request.content, self.digest
        )
        request.headers |= {
            "x-ca-key": self.key,
            "x-ca-timestamp": timestamp,
            "x-ca-nonce": nonce,
            "x-ca-signature": signature,
        }
        request.headers.encoding = "latin-1"
        for name, value in self.changes.items():
            request.headers[name] = value
        yield request
