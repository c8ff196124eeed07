"""The row of a line (明细行): read and written many at a time, always in the order of the keys.

Two owners may hold two topics of one order. Each row carries a revision: a write counts only on the
revision that was read, and the number of rows written tells whether somebody was faster.
`since` counts the publications that the row as it stands belongs to none of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

Key = tuple[str, str]
"""Order id and line id."""

Row = tuple[Any, ...]
"""Key, revision, since, outcome, facts; of whole rows the subject too."""


class Known(NamedTuple):
    """What a fold needs of a row that stands (已知行)."""

    revision: int
    since: int
    facts: bytes


class Subject(NamedTuple):
    """Whose line it is, as stored with the order (统计主体与维度)."""

    selected: bool
    distributor_id: str
    manufacturer_id: str
    product_id: str
    hospital_id: str
    division: str
    level: str | None
    category: str
    batch_id: str | None


NOBODY: Final = (None,) * len(Subject._fields)
UNKNOWN: Final = (None,) * 13
"""The outcome of a line whose order has not arrived."""

_KEYS: Final = {"order_id": "text", "line_id": "text", "revision": "int"}
_SINCE: Final = {"since": "int"}
_OUTCOME: Final = {
    "response_day": "date",
    "delivery_day": "date",
    "back_entered": "bool",
    "excused": "bool",
    "answer_counted": "bool",
    "accepted": "bool",
    "answered": "bool",
    "delivery_counted": "bool",
    "on_time": "bool",
    "on_time_first": "bool",
    "ordered": "bigint",
    "dispatched": "bigint",
    "received": "bigint",
    "facts": "bytea",
}
_SUBJECT: Final = {name: "bool" if name == "selected" else "text" for name in Subject._fields}


def _arrays(columns: Iterable[str]) -> str:
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns, 1))


def _names(columns: Iterable[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in columns)


_MOVED: Final = _SINCE | _OUTCOME
_ALL: Final = _KEYS | _MOVED | _SUBJECT
_CHANGED: Final = _KEYS | _MOVED
STORED: Final = tuple(_ALL)
"""The columns of a row that are written."""

_LOAD: Final = """
SELECT order_id, line_id, revision, since, facts FROM lines WHERE order_id = ANY($1::text[])"""

_PUT: Final = f"""
INSERT INTO lines AS l ({_names(_ALL)})
SELECT {_names(_ALL, "u.")} FROM unnest({_arrays(_ALL.values())}) AS u ({_names(_ALL)})
ON CONFLICT (order_id, line_id) DO UPDATE
SET ({_names(_ALL)}) = ROW ({_names(_ALL, "excluded.")})
WHERE l.revision = excluded.revision - 1"""

_UPDATE: Final = f"""
UPDATE lines AS l SET (revision, {_names(_MOVED)}) = ROW (u.revision, {_names(_MOVED, "u.")})
FROM unnest({_arrays(_CHANGED.values())}) AS u ({_names(_CHANGED)})
WHERE l.order_id = u.order_id AND l.line_id = u.line_id AND l.revision = u.revision - 1"""

# Everything here is by key: a plan made while the table was small must not scan it when it is large.
_BY_KEY: Final = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true)"""


async def work_by_key(tx: Any) -> None:
    """Hold the planner to the indexes until the transaction ends."""
    await tx.execute(_BY_KEY)


async def load(tx: Any, order_ids: Sequence[str]) -> dict[Key, Known]:
    """Every known line of these orders (读取)."""
    if not order_ids:
        return {}
    rows = await tx.fetch(_LOAD, order_ids)
    return {(row[0], row[1]): Known(row[2], row[3], row[4]) for row in rows}


async def load_locked(tx: Any, order_ids: Sequence[str]) -> dict[Key, Known]:
    """The same, with nobody else writing them until we are done: for a second look (加锁读取).

    A line that turns out to say nothing new is not written, so no revision would tell that another
    owner is just changing it.
    """
    rows = await tx.fetch(f"{_LOAD} ORDER BY order_id, line_id FOR UPDATE", order_ids)
    return {(row[0], row[1]): Known(row[2], row[3], row[4]) for row in rows}


async def add(tx: Any, rows: Sequence[Row]) -> int:
    """Write whole rows that nobody has written yet, in key order; all or none (新增)."""
    if not rows:
        return 0
    try:
        async with tx.transaction():
            await tx.copy_records_to_table("lines", records=rows, columns=list(_ALL))
    except asyncpg.UniqueViolationError:
        return 0
    return len(rows)


async def put(tx: Any, rows: Sequence[Row]) -> int:
    """Write whole rows over those of the revision read; returns how many (补全)."""
    return await _write(tx, _PUT, rows)


async def update(tx: Any, rows: Sequence[Row]) -> int:
    """Write what facts change over rows of the revision read; returns how many (更新)."""
    return await _write(tx, _UPDATE, rows)


async def _write(tx: Any, statement: str, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    status: str = await tx.execute(statement, *map(list, zip(*rows, strict=True)))
    return int(status.rpartition(" ")[2])
