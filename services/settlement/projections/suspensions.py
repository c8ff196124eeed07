"""Suspensions as they stand (暂停登记)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any


async def insert_suspension(
    tx: Any,
    suspension_id: str,
    payee_id: str | None,
    scope: str,
    scope_id: str | None,
    begins_at: datetime,
) -> None:
    """A new one (入表)."""
    await tx.execute(
        """INSERT INTO suspensions (suspension_id, payee_id, scope, scope_id, begins_at)
           VALUES ($1, $2, $3, $4, $5)""",
        suspension_id,
        payee_id,
        scope,
        scope_id,
        begins_at,
    )


async def lift_suspension(tx: Any, suspension_id: str, at: datetime) -> None:
    """It is over (解除)."""
    await tx.execute(
        "UPDATE suspensions SET lifted_at = $2, is_routed = false WHERE suspension_id = $1",
        suspension_id,
        at,
    )


async def unrouted(connection: Any, now: datetime) -> list[tuple[str, datetime | None]]:
    """Suspensions that have begun, or ended, since payables were last moved: id and end (待调账)."""
    rows = await connection.fetch(
        """SELECT suspension_id, lifted_at FROM suspensions
           WHERE NOT is_routed AND (begins_at <= $1 OR lifted_at IS NOT NULL)""",
        now,
    )
    return [(row[0], row[1]) for row in rows]


async def note_routed(tx: Any, done: Sequence[tuple[str, datetime | None]]) -> None:
    """Every payable lies where these want it, if they stand as they were looked at (调账完成)."""
    await tx.executemany(
        """UPDATE suspensions SET is_routed = true
           WHERE suspension_id = $1 AND lifted_at IS NOT DISTINCT FROM $2""",
        done,
    )


async def list_suspensions(
    connection: Any, payee_id: str | None, *, after: str, limit: int
) -> list[Any]:
    """All of them by id, with their streams' states; `payee_id`: those that concern this one."""
    rows: list[Any] = await connection.fetch(
        """SELECT x.suspension_id, t.state FROM suspensions x
           JOIN streams t ON t.stream = 'suspension-' || x.suspension_id
           WHERE x.suspension_id > $1 AND ($3::text IS NULL OR x.payee_id IS NULL OR x.payee_id = $3)
           ORDER BY x.suspension_id LIMIT $2""",
        after,
        limit,
        payee_id,
    )
    return rows
