"""Roots as published (根哈希查询): the log itself is asked."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.events.settlement import ROOT_PUBLISHED, RootPublished

_ROOTS: Final = """
SELECT version, fact FROM events
WHERE stream = $1 AND version > $2::bigint AND type = $3 ORDER BY version LIMIT $4"""


async def list_roots(
    connection: Any, stream: str, *, after: int, limit: int
) -> list[tuple[int, RootPublished]]:
    """Roots behind a version of the chain's stream, the oldest first."""
    rows = await connection.fetch(_ROOTS, stream, after, ROOT_PUBLISHED, limit)
    return [(row["version"], msgspec.json.decode(row["fact"], type=RootPublished)) for row in rows]
