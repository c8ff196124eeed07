"""When an event was said to happen the first time it was recorded (已登记的发生时间)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any


async def recorded_instants(
    connection: Any, source: str, event_ids: Sequence[str]
) -> dict[str, datetime]:
    """`occurred_at` of those events of one source that are recorded."""
    rows = await connection.fetch(
        "SELECT event_id, occurred_at FROM events WHERE source = $1 AND event_id = ANY($2)",
        source,
        list(event_ids),
    )
    return {row["event_id"]: row["occurred_at"] for row in rows}
