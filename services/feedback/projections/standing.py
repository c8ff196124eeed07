"""How many tickets are under way (在办工单): for operators, asked at every look."""

from __future__ import annotations

from typing import Any, Final

# The partial index of what waits for a bureau holds these and no others.
_COUNT: Final = """
SELECT ticket_state, level, count(*) AS number FROM feedback.streams
WHERE ticket_state IN ('open', 'promised', 'solved') GROUP BY ticket_state, level"""


async def count_under_way(connection: Any) -> dict[tuple[str, str | None], int]:
    """Tickets that nobody has confirmed or closed, by state and level of supervision."""
    rows = await connection.fetch(_COUNT)
    return {(row["ticket_state"], row["level"]): row["number"] for row in rows}
