"""Streams as they stand (现状): read without a lock, for answers and for a look before a write."""

from __future__ import annotations

from typing import Any


async def find_state(connection: Any, stream: str) -> bytes | None:
    """The state of a stream as stored; None where nothing was recorded on it."""
    state: bytes | None = await connection.fetchval(
        "SELECT state FROM streams WHERE stream = $1", stream
    )
    return state
