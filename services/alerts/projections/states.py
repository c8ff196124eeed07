"""The stored states of alerts and lists (状态读取), under whatever condition their doors put together."""

from __future__ import annotations

from typing import Any

from services.alerts.projections.scope import Where


async def one_state(connection: Any, where: Where) -> bytes | None:
    """The state of the one stream that meets the condition."""
    state: bytes | None = await connection.fetchval(
        f"SELECT state FROM streams WHERE {where}", *where.values
    )
    return state


async def states_by_id(connection: Any, where: Where, limit: int) -> list[bytes]:
    """A page of states, by the ids of their streams."""
    rows = await connection.fetch(
        f"SELECT state FROM streams WHERE {where} ORDER BY stream LIMIT {where.value(limit)}",
        *where.values,
    )
    return [row["state"] for row in rows]


def equal_where_asked(where: Where, wanted: Any, *columns: str) -> None:
    """Each filter that was given narrows its column."""
    for column in columns:
        value = getattr(wanted, column)
        if value is not None:
            where.add(column + " = {0}", value)
