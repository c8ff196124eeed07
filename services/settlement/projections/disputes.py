"""Disputes as they are listed (争议查询)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.settlement.projections.visibility import visible
from shared.runtime.actors import Actor

_STATE: Final = {"open": "outcome IS NULL", "resolved": "outcome IS NOT NULL"}


class Dispute(NamedTuple):
    """A dispute as it was opened (争议)."""

    dispute_id: str
    statement_id: str
    hospital_id: str
    payee_id: str
    line_ids: Sequence[str]
    reason: str
    opened_at: datetime
    opened_by: str


async def insert_disputes(tx: Any, disputes: Sequence[Dispute]) -> None:
    """New disputes (入表): few at a time."""
    await tx.executemany(
        """INSERT INTO disputes (dispute_id, statement_id, hospital_id, payee_id, line_ids, reason,
                                 opened_at, opened_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        disputes,
    )


async def resolve_dispute(tx: Any, dispute_id: str, outcome: str) -> None:
    """How it ended (处理结果)."""
    await tx.execute("UPDATE disputes SET outcome = $2 WHERE dispute_id = $1", dispute_id, outcome)


async def find_dispute(connection: Any, actor: Actor, dispute_id: str) -> Any:
    """The dispute, where this caller may see it; else None."""
    values: list[Any] = [dispute_id]
    where = ["dispute_id = $1", *visible(actor, values)]
    return await connection.fetchrow(f"SELECT * FROM disputes WHERE {' AND '.join(where)}", *values)


async def list_disputes(
    connection: Any, actor: Actor, state: str | None, *, after: str, limit: int
) -> list[Any]:
    """The disputes that this caller may see, by id."""
    values: list[Any] = [after, limit]
    where = ["dispute_id > $1", *visible(actor, values)]
    if state is not None:
        where.append(_STATE[state])
    rows: list[Any] = await connection.fetch(
        f"SELECT * FROM disputes WHERE {' AND '.join(where)} ORDER BY dispute_id LIMIT $2", *values
    )
    return rows
