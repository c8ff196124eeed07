"""Orders as stored (订单查询): one by its id with its history, many by state in commit order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.kernel.clock import day_end, day_start
from shared.runtime.actors import Actor
from shared.runtime.visibility import visible_facts


@dataclass(frozen=True, slots=True)
class Found:
    """One order of a list, and its place in commit order."""

    state: bytes
    xid: int
    position: int


async def find_state(connection: Any, order_id: str) -> bytes | None:
    """The order's state as it stands."""
    state: bytes | None = await connection.fetchval(
        "SELECT state FROM streams WHERE stream = $1", f"order-{order_id}"
    )
    return state


async def find_states(connection: Any, order_ids: Sequence[str]) -> dict[str, bytes]:
    """The states of many orders by their ids."""
    rows = await connection.fetch(
        "SELECT stream, state FROM streams WHERE stream = ANY($1)",
        [f"order-{order_id}" for order_id in order_ids],
    )
    return {row["stream"].removeprefix("order-"): row["state"] for row in rows}


async def history_of(connection: Any, order_id: str) -> list[Any]:
    """Its facts in their order."""
    rows: list[Any] = await connection.fetch(
        """SELECT event_id, source, type, occurred_at, recorded_at, fact FROM events
           WHERE stream = $1 ORDER BY version""",
        f"order-{order_id}",
    )
    return rows


async def list_orders(
    connection: Any,
    actor: Actor,
    *,
    states: int | None,
    distributor_id: str | None,
    hospital_id: str | None,
    after: tuple[int, int],
    limit: int,
) -> list[Found]:
    """Orders with a line in one of these states (bits), as they began to exist."""
    values: list[Any] = [str(after[0]), after[1], limit]
    where = [
        "(first_xid, first_position) > ($1::text::xid8, $2::bigint)",
        "hospital_id IS NOT NULL",
    ]
    if actor.role == "distributor":
        # Its own orders by their index, and none at all when it asks for another's.
        where.append(f"{'true' if distributor_id in (None, actor.organisation) else 'false'}")
        distributor_id = actor.organisation
    seen, seen_values = visible_facts(actor, first=4)
    if seen_values:
        where.append(seen)
        values += seen_values
    for column, value in (("distributor_id", distributor_id), ("hospital_id", hospital_id)):
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    if states is not None:
        values.append(states)
        where.append(f"states & ${len(values)} <> 0")
    rows = await connection.fetch(
        f"""SELECT state, first_xid::text AS xid, first_position FROM streams
            WHERE {" AND ".join(where)} ORDER BY first_xid, first_position LIMIT $3""",
        *values,
    )
    return [Found(r["state"], int(r["xid"]), r["first_position"]) for r in rows]


async def reconcile(
    connection: Any, actor: Actor, day: date, *, after: str, limit: int
) -> list[tuple[str, list[bytes]]]:
    """Per order with a fact recorded on `day`: the hashes of all its facts up to that 24:00."""
    where, values = visible_facts(actor, first=5)
    rows = await connection.fetch(
        f"""WITH touched AS (
              SELECT DISTINCT stream FROM events
              WHERE recorded_at >= $1 AND recorded_at < $2 AND starts_with(stream, 'order-')
                AND stream > $3 AND {where}
              ORDER BY stream LIMIT $4)
            SELECT e.stream, array_agg(e.sha256 ORDER BY e.version) AS hashes
            FROM touched t JOIN events e ON e.stream = t.stream AND e.recorded_at < $2
            GROUP BY e.stream ORDER BY e.stream""",
        day_start(day),
        day_end(day),
        f"order-{after}",
        limit,
        *values,
    )
    return [(row["stream"].removeprefix("order-"), row["hashes"]) for row in rows]
