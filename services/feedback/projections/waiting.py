"""The tickets that wait for somebody, as stored (待办查询)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shared.runtime.actors import Actor

_FOR: Final = {
    "hospital": "hospital_id = $1 AND ticket_state = 'solved'",
    "distributor": """string_to_array(addressees, ' ') @> ARRAY[$1::text]
                      AND ticket_state IN ('open', 'promised')""",
    "bureau": "bureau = $1 AND level IS NOT NULL AND ticket_state IN ('open', 'promised')",
}
# What is due no more stands last, in a year that a cursor can still name.
_WAITING: Final = """
SELECT stream, state, due FROM (
    SELECT stream, state, coalesce(next_due, '9998-12-31Z'::timestamptz) AS due
    FROM streams WHERE {who}) AS waiting
WHERE $2::timestamptz IS NULL OR (due, stream) > ($2, $3)
ORDER BY due, stream LIMIT $4"""


async def list_waiting(
    connection: Any, actor: Actor, *, after: tuple[datetime, str] | None, limit: int
) -> list[Any]:
    """Rows of `stream, state, due` by due: what this organisation is to see to."""
    who = _FOR["distributor" if actor.role == "manufacturer" else actor.role]
    due, stream = after or (None, "")
    rows: list[Any] = await connection.fetch(
        _WAITING.format(who=who), actor.organisation, due, stream, limit
    )
    return rows
