"""The key that signs roots (签名密钥): made when the first root is, kept like the callers' keys."""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from shared.store.access.sealing import Sealing

ALGORITHM: Final = "Ed25519"


async def signing_key(tx: Any, sealing: Sealing) -> Ed25519PrivateKey:
    """The latest key; the sealer, who alone asks, makes the first one."""
    row = await tx.fetchrow(
        """SELECT key_id, private_key, sealed FROM signing_keys
           ORDER BY created_at DESC, key_id LIMIT 1"""
    )
    if row is None:
        return await _make(tx, sealing)
    opened = sealing.open(row["key_id"], row["private_key"], sealed=row["sealed"])
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(opened))


async def _make(tx: Any, sealing: Sealing) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    public = public_hex(key)
    await tx.execute(
        """INSERT INTO signing_keys (key_id, public_key, private_key, sealed)
           VALUES ($1, $2, $3, $4)""",
        public[:16],
        bytes.fromhex(public),
        sealing.close(public[:16], key.private_bytes_raw().hex()),
        sealing.is_on,
    )
    return key


async def known_keys(connection: Any) -> set[str]:
    """The public keys that were ever ours, in hex."""
    rows = await connection.fetch("SELECT encode(public_key, 'hex') AS key FROM signing_keys")
    return {row["key"] for row in rows}


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, in hex."""
    return key.public_key().public_bytes_raw().hex()


def is_signed(public: str, signature: str, message: bytes) -> bool:
    """Whether this key has signed this message."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True
