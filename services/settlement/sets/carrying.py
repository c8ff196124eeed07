"""Totals that asked for nothing (结转): each waits for its pair's next statement and enters it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Waiting(NamedTuple):
    """A total that waits for its pair's next statement (待结转)."""

    statement_id: str
    hospital_id: str
    payee_id: str
    total_fen: int


async def let_totals_wait(tx: Any, totals: Sequence[tuple[str, str, str, int]]) -> None:
    """Totals of statements that were carried forward, each once for ever (结转)."""
    if totals:
        await tx.execute(
            """INSERT INTO carried (statement_id, hospital_id, payee_id, total_fen)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])""",
            *map(list, zip(*sorted(totals), strict=True)),
        )


async def waiting_totals(connection: Any, hospitals: Sequence[str]) -> list[Waiting]:
    """The totals of these hospitals that wait for a statement."""
    rows = await connection.fetch(
        """SELECT statement_id, hospital_id, payee_id, total_fen FROM carried
           WHERE hospital_id = ANY($1) AND into_id IS NULL ORDER BY statement_id""",
        list(hospitals),
    )
    return [Waiting(*row) for row in rows]


async def carry(tx: Any, moves: Sequence[tuple[str, str]]) -> None:
    """Each of these totals enters its statement: from, into (结转入账)."""
    if moves:
        await tx.execute(
            """UPDATE carried c SET into_id = u.into_id
               FROM unnest($1::text[], $2::text[]) AS u (statement_id, into_id)
               WHERE c.statement_id = u.statement_id AND c.into_id IS NULL""",
            *map(list, zip(*sorted(moves), strict=True)),
        )
