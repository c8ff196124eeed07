"""Reading a log in commit order without losing anything: the visibility horizon.

A cursor is (epoch, xid, position). Only rows of transactions older than every open one are read, so
nothing can appear behind a cursor later. A cursor on the position alone loses events: transactions
do not commit in the order of their positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from shared.events.envelope import Record, place_of
from shared.events.topics import MARK_TYPE


class EpochPassed(Exception):
    """The cursor is from before a restore: its xids mean nothing any more."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in one log; the text form is what consumers store."""

    epoch: int
    xid: int
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.xid}:{self.position}"


def parse(text: str, epoch: int) -> Cursor:
    """The cursor behind its text; empty = before the oldest row of this epoch."""
    place = _place(text, epoch)
    if place.epoch != epoch:
        raise EpochPassed(
            f"cursor of epoch {place.epoch}, the log is in epoch {epoch}: run `jicai recover`"
        )
    return place


def _place(text: str, epoch: int = 0) -> Cursor:
    return Cursor(*place_of(text)) if text else Cursor(epoch, 0, 0)


BEHIND: Final = "(xid, position) > ($1::text::xid8, $2::bigint)"
SETTLED: Final = "xid < pg_snapshot_xmin(pg_current_snapshot())"

# Ordered by the column, with its table's name: a bare `xid` would be the text of the select list,
# and '1000' sorts before '999'.
_READ: Final = """
SELECT xid::text AS xid, position, topic, stream, version, source, event_id, type, occurred_at,
       recorded_at, traceparent, CASE WHEN topic = ANY($4::text[]) OR topic = '' THEN fact END AS fact
FROM {schema}events e WHERE {behind} AND {settled} ORDER BY e.xid, e.position LIMIT $3"""


async def read(
    connection: asyncpg.Connection,
    cursor: Cursor,
    limit: int,
    topics: Sequence[str],
    schema: str = "",
) -> tuple[list[Record], Cursor]:
    """Records behind the cursor in commit order, cut behind the first mark, and the new cursor."""
    rows = await connection.fetch(
        _READ.format(schema=schema, behind=BEHIND, settled=SETTLED),
        str(cursor.xid),
        cursor.position,
        limit,
        list(topics),
    )
    records: list[Record] = []
    xid, position = str(cursor.xid), cursor.position
    # Unpacked, not asked by name: this loop runs for every fact that travels.
    for row in rows:
        (
            xid, position, topic, stream, version, source, event_id, type_,
            occurred_at, recorded_at, traceparent, fact,
        ) = row  # fmt: skip
        if fact is None:
            continue
        is_mark = type_ == MARK_TYPE
        records.append(
            Record(
                topic=topic,
                stream=stream,
                version=version,
                source=source,
                event_id=event_id,
                type=type_,
                occurred_at=occurred_at,
                recorded_at=recorded_at,
                fact=fact,
                mark=occurred_at if is_mark else None,
                traceparent=traceparent,
                place=f"{cursor.epoch}:{xid}:{position}",
            )
        )
        if is_mark:
            break
    return records, Cursor(cursor.epoch, int(xid), position)


async def anything_behind(connection: asyncpg.Connection, cursors: Mapping[str, str]) -> bool:
    """Whether anything stands behind a cursor of one of these logs, settled or not: one question."""
    values: list[Any] = []
    for text in cursors.values():
        place = _place(text)
        values += [str(place.xid), place.position]
    # By the index, in order: asked as EXISTS, the planner hopes to meet a row soon and reads the whole
    # log where there is none.
    questions = [
        f"""(SELECT true FROM {log}.events e
            WHERE (xid, position) > (${2 * n + 1}::text::xid8, ${2 * n + 2}::bigint)
            ORDER BY e.xid, e.position LIMIT 1) IS NOT NULL"""
        for n, log in enumerate(cursors)
    ]
    return bool(await connection.fetchval(f"SELECT {' OR '.join(questions)}", *values))


async def wait_until_settled(connection: asyncpg.Connection, seconds: float = 1.5) -> None:
    """Wait until every transaction that is open now has ended (at most `seconds`).

    A caller that has just got its answer then finds its fact in what is read next.
    """
    upper = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if await connection.fetchval(
            "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8", upper
        ):
            return
        await asyncio.sleep(0.005)


async def epoch_of(connection: asyncpg.Connection, schema: str = "") -> int:
    """The log's epoch: a restore raises it."""
    return int(await connection.fetchval(f"SELECT epoch FROM {schema}log_head"))
