"""Signed requests (签名请求): the string that is signed, and its HMAC with SM3 (国密) or SHA-256. Pure."""

from __future__ import annotations

import hmac
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

Algorithm = Literal["sm3", "sha256"]

KEY_HEADER: Final = "x-ca-key"
TIMESTAMP_HEADER: Final = "x-ca-timestamp"
NONCE_HEADER: Final = "x-ca-nonce"
SIGNATURE_HEADER: Final = "x-ca-signature"
HEADERS: Final = (KEY_HEADER, TIMESTAMP_HEADER, NONCE_HEADER, SIGNATURE_HEADER)

WINDOW_SECONDS: Final = 300
"""How far the sender's clock may be from ours, either way."""


def body_hash(body: bytes, algorithm: Algorithm) -> str:
    """The body's hash as sent (a compressed body stays compressed), lower-case hex."""
    digest = hashes.Hash(_hash(algorithm))
    digest.update(body)
    return digest.finalize().hex()


def string_to_sign(
    method: str, target: bytes, timestamp: str, nonce: str, body: bytes, algorithm: Algorithm
) -> bytes:
    """Five lines joined by LF, none trailing; `target` is path and query as they travelled."""
    parts = (
        method.upper().encode(),
        target,
        timestamp.encode(),
        nonce.encode(),
        body_hash(body, algorithm).encode(),
    )
    return b"\n".join(parts)


def signature_of(secret: str, text: bytes, algorithm: Algorithm) -> str:
    """HMAC over the string to sign, lower-case hex (签名)."""
    mac = HMAC(secret.encode(), _hash(algorithm))
    mac.update(text)
    return mac.finalize().hex()


def is_signed(secret: str, text: bytes, signature: str, algorithm: Algorithm) -> bool:
    """Whether this signature is ours; takes the same time whichever character differs."""
    expected = signature_of(secret, text, algorithm).encode()
    return hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass"))


def _hash(algorithm: Algorithm) -> hashes.HashAlgorithm:
    return hashes.SM3() if algorithm == "sm3" else hashes.SHA256()
