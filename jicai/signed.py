"""Our own command line at a real installation's door: every attempt is signed anew (签名)."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator

import httpx2

from shared.runtime import signing


class SignedBy(httpx2.Auth):
    """Signs what passes with one key; a retry passes again, so its nonce is its own."""

    requires_request_body = True

    def __init__(self, key: str, secret: str, algorithm: signing.Algorithm) -> None:
        self._key = key
        self._secret = secret
        self._algorithm = algorithm

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        text = signing.string_to_sign(
            request.method,
            request.url.raw_path,
            timestamp,
            nonce,
            request.content,
            self._algorithm,
        )
        request.headers[signing.KEY_HEADER] = self._key
        request.headers[signing.TIMESTAMP_HEADER] = timestamp
        request.headers[signing.NONCE_HEADER] = nonce
        request.headers[signing.SIGNATURE_HEADER] = signing.signature_of(
            self._secret, text, self._algorithm
        )
        yield request


def signed_by_environment() -> SignedBy | None:
    """From JICAI_KEY, JICAI_SECRET and JICAI_ALGORITHM, where they are set: no secret is an argument."""
    key, secret = os.environ.get("JICAI_KEY", ""), os.environ.get("JICAI_SECRET", "")
    algorithm: signing.Algorithm = (
        "sha256" if os.environ.get("JICAI_ALGORITHM", "").lower() == "sha256" else "sm3"
    )
    return SignedBy(key, secret, algorithm) if key and secret else None
