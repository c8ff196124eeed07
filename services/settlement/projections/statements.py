"""Statements as they are listed and looked up (对账单查询): a row each, as their streams left them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.settlement.projections.visibility import visible
from shared.runtime.actors import Actor

_CHANGING: Final = {
    "state": "text",
    "began_at": "timestamptz",
    "due_at": "timestamptz",
    "receipts_fen": "bigint",
    "returns_fen": "bigint",
    "is_apart": "boolean",
    "in_held": "boolean",
}
_FIXED: Final = {
    "statement_id": "text",
    "hospital_id": "text",
    "payee_id": "text",
    "month": "text",
    "pool": "text",
    "drafted_at": "timestamptz",
    "carried_fen": "bigint",
    "is_second": "boolean",
}
_ROW: Final = {"number": "bigint", **_FIXED, **_CHANGING}


def _arrays(columns: dict[str, str]) -> str:
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), 1))


_INSERT: Final = f"""
INSERT INTO statements ({", ".join(_ROW)}) SELECT * FROM unnest({_arrays(_ROW)})"""

_UPDATE: Final = f"""
UPDATE statements s SET ({", ".join(_CHANGING)}) = ROW ({", ".join(f"u.{n}" for n in _CHANGING)})
FROM unnest({_arrays({"statement_id": "text"} | _CHANGING)}) u (statement_id, {", ".join(_CHANGING)})
WHERE s.statement_id = u.statement_id"""

_OVERDUE: Final = (
    "due_at <= {now} AND state IN ('draft', 'hospital_confirmed', 'confirmed') AND total_fen > 0"
)


class StatementFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which statements a list asks for (筛选条件)."""

    month: str | None = None
    hospital_id: str | None = None
    payee_id: str | None = None
    state: str | None = None
    overdue: bool | None = None


async def insert_statements(tx: Any, rows: Sequence[tuple[int, Any]]) -> None:
    """New statements, each with its number (入表)."""
    if rows:
        columns = [
            [number for number, _ in rows],
            *([_value(state, name) for _, state in rows] for name in list(_ROW)[1:]),
        ]
        await tx.execute(_INSERT, *columns)


async def update_statements(tx: Any, states: Sequence[Any]) -> None:
    """What has changed of statements, sorted by id (更新)."""
    if states:
        ordered = sorted(states, key=lambda state: state.statement_id)
        names = ["statement_id", *_CHANGING]
        await tx.execute(_UPDATE, *([_value(state, name) for state in ordered] for name in names))


def _value(state: Any, column: str) -> Any:
    """A column of a statement's state: two are named by what they are there."""
    return getattr(state, {"began_at": "began", "due_at": "due"}.get(column, column))


async def list_statements(
    connection: Any,
    actor: Actor,
    wanted: StatementFilter,
    *,
    now: datetime,
    after: str,
    limit: int,
) -> list[Any]:
    """The statements that this caller may see, by id; each with its stream's state."""
    values: list[Any] = [after, limit]
    where = ["statement_id > $1", *visible(actor, values)]
    for column in ("month", "hospital_id", "payee_id", "state"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    if wanted.overdue is not None:
        values.append(now)
        condition = f"coalesce({_OVERDUE.format(now=f'${len(values)}')}, false)"
        where.append(condition if wanted.overdue else f"NOT {condition}")
    rows: list[Any] = await connection.fetch(
        f"""SELECT s.*, t.state AS stream_state
            FROM (SELECT * FROM statements WHERE {" AND ".join(where)}
                  ORDER BY statement_id LIMIT $2) s
            JOIN streams t ON t.stream = 'statement-' || s.statement_id ORDER BY s.statement_id""",
        *values,
    )
    return rows


async def find_statements(connection: Any, actor: Actor, ids: Sequence[str]) -> dict[str, Any]:
    """Those of these statements that this caller may see, by id."""
    values: list[Any] = [list(ids)]
    where = ["statement_id = ANY($1)", *visible(actor, values)]
    rows = await connection.fetch(f"SELECT * FROM statements WHERE {' AND '.join(where)}", *values)
    return {row["statement_id"]: row for row in rows}


async def open_of_pair(connection: Any, hospital_id: str, payee_id: str) -> list[str]:
    """The pair's statements that are not confirmed by both."""
    rows = await connection.fetch(
        """SELECT statement_id FROM statements WHERE hospital_id = $1 AND payee_id = $2
             AND state IN ('draft', 'hospital_confirmed')""",
        hospital_id,
        payee_id,
    )
    return [row[0] for row in rows]


async def to_be_carried(connection: Any, before: datetime, limit: int) -> list[str]:
    """Statements of earlier drafts that still wait, though there is nothing to pay (待结转)."""
    rows = await connection.fetch(
        """SELECT statement_id FROM statements
           WHERE state IN ('draft', 'hospital_confirmed') AND total_fen <= 0 AND drafted_at < $1
           ORDER BY statement_id LIMIT $2""",
        before,
        limit,
    )
    return [row[0] for row in rows]
