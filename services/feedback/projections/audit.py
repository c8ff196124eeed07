"""Tickets that are due and have no step (到期无处理核查), found in the log's facts alone.

Independent of what fires deadlines: no state, no `next_due`, no decider is asked. A fact lists the
deadlines that begin or run again with it; one that has passed wants the fact of its passing, unless
a fact recorded before it was due had stopped it. A final ticket wants nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from shared.events import feedback as facts

GRACE: Final = timedelta(minutes=2)
"""A timer may be so late before it counts as missing (宽限)."""

WINDOW: Final = timedelta(days=60)
"""Facts older than this are not read: no deadline runs for longer than a month (核查范围)."""

_BEGIN: Final = (
    facts.TICKET_OPENED,
    facts.REPLIED,
    facts.SOLVED,
    facts.REOPENED,
    facts.SUPERVISION_BEGAN,
    facts.ESCALATED,
    facts.DEADLINE_MOVED,
)
_FINAL: Final = (facts.CONFIRMED, facts.CLOSED)
_STEPS: Final[Mapping[str, Sequence[str]]] = {
    "reply_due": (facts.REPLY_OVERDUE,),
    "promised": (facts.PROMISE_BROKEN,),
    "confirm_due": (facts.CONFIRMED,),
    "level_due": (facts.ESCALATED, facts.PROVINCE_OVERDUE),
}
"""What is recorded when a deadline passes (届满后应有的处理)."""
_STOPS: Final[Mapping[str, Sequence[str]]] = {
    "reply_due": (facts.REPLIED, facts.SOLVED, facts.DEADLINE_MOVED),
    "promised": (facts.SOLVED,),
    "confirm_due": (facts.REOPENED, facts.DEADLINE_MOVED),
    "level_due": (facts.SOLVED, facts.DEADLINE_MOVED),
}
"""What ends a deadline before it has passed (届满前的终止)."""


def _ends() -> str:
    """Both tables as rows: `name, type, passes`."""
    rows = [
        f"('{name}', '{type_}', {passes})"
        for table, passes in ((_STEPS, "true"), (_STOPS, "false"))
        for name, types in table.items()
        for type_ in types
    ]
    return ", ".join(rows)


# The rows of one ticket are asked for by scalar subqueries: whatever the planner believes, that is
# one short range of an index, and never a join with the whole log.
_FIND: Final = f"""
WITH ends (name, type, passes) AS (VALUES {_ends()}),
begun AS MATERIALIZED (
    SELECT e.stream, e.version, e.fact FROM events e
    WHERE e.recorded_at > $1 AND e.type = ANY($3) AND NOT EXISTS (
        SELECT FROM events f
        WHERE f.recorded_at > $1 AND f.type = ANY($4) AND f.stream = e.stream)),
due AS (
    SELECT stream, version, one ->> 'name' AS name, (one ->> 'due_at')::timestamptz AS due_at
    FROM begun, json_array_elements(convert_from(fact, 'UTF8')::json -> 'deadlines') one)
SELECT substr(stream, 8) AS ticket_id, name AS deadline, due_at FROM due d
WHERE due_at <= $2 AND name <> 'promise_limit'
  AND ($5::text IS NULL OR (substr(stream, 8) COLLATE "C", name COLLATE "C", due_at) > ($5, $6, $7))
  AND (SELECT true FROM events s, ends e
       WHERE s.stream = d.stream AND s.version > d.version
         AND e.type = s.type AND e.name = d.name AND (e.passes OR s.recorded_at < d.due_at)
         AND (s.type <> '{facts.DEADLINE_MOVED}'
              OR convert_from(s.fact, 'UTF8')::json ->> 'name' = d.name)
       LIMIT 1) IS NULL
  -- Recorded once a ticket: what the province lets pass after that makes no step.
  AND (name <> 'level_due' OR
       (SELECT true FROM events s
        WHERE s.stream = d.stream AND s.type = '{facts.PROVINCE_OVERDUE}' LIMIT 1) IS NULL)
ORDER BY substr(stream, 8) COLLATE "C", name COLLATE "C", due_at LIMIT $8"""


class Unstepped(NamedTuple):
    """A deadline that has passed without its fact (到期无处理)."""

    ticket_id: str
    deadline: str
    due_at: datetime


async def find_unstepped(
    connection: Any,
    now: datetime,
    *,
    after: tuple[str, str, datetime] | None = None,
    limit: int,
) -> list[Unstepped]:
    """What was due more than the grace ago and has no step, by ticket."""
    rows = await connection.fetch(
        _FIND, now - WINDOW, now - GRACE, _BEGIN, _FINAL, *(after or (None, None, None)), limit
    )
    return [Unstepped(*row) for row in rows]
