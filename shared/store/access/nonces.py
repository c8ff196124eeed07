"""Nonces (一次性随机串): a signed request is taken once. Always a statement of its own, never in a
writing transaction: it would assign a transaction id before the locks."""

from __future__ import annotations

from typing import Any, Final

KEPT_SECONDS: Final = 900
"""Longer than any timestamp stays in the window (300 s either way): then the timestamp refuses."""

_CHUNK: Final = 10_000


async def use_nonce(pool: Any, key: str, nonce: str) -> bool:
    """Record it; False when this key has used it before."""
    row = await pool.fetchval(
        f"""INSERT INTO access.nonces AS n (key, nonce, expires_at)
            VALUES ($1, $2, clock_timestamp() + interval '{KEPT_SECONDS} seconds')
            ON CONFLICT (key, nonce) DO UPDATE SET expires_at = excluded.expires_at
              WHERE n.expires_at < clock_timestamp()
            RETURNING true""",
        key,
        nonce,
    )
    return row is not None


async def prune_nonces(pool: Any) -> None:
    """Delete what has expired, in small statements."""
    while True:
        deleted = await pool.execute(
            f"""DELETE FROM access.nonces WHERE (key, nonce) IN (
                  SELECT key, nonce FROM access.nonces WHERE expires_at < clock_timestamp()
                  ORDER BY expires_at LIMIT {_CHUNK})"""
        )
        if deleted != f"DELETE {_CHUNK}":
            return
