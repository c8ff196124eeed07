"""Late-response lists as stored (清单查询): one by its id, many by day, distributor and bureau."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from services.alerts.projections.scope import Where
from services.alerts.projections.states import equal_where_asked, one_state, states_by_id
from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


class ListFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists are asked for (筛选条件)."""

    day: date | None = None
    distributor_id: str | None = None
    bureau: str | None = None


def visible_lists(where: Where, actor: Actor) -> None:
    """Only what this caller may see: addressed to it, of its area, naming its lines (可见范围)."""
    if actor.sees_everything or actor.role == "finance":
        return
    match actor.role:
        case "hospital":
            where.add("strpos(hospitals, {0}) > 0", actor.organisation)
        case "distributor":
            where.add("distributor_id = {0}", actor.organisation)
        case "bureau":
            where.add("starts_with(bureau, {0})", subtree_prefix(actor.organisation))
        case _:
            where.add("false")


async def find_list(connection: Any, actor: Actor, list_id: str) -> bytes | None:
    """The state of a list that this caller may see."""
    where = Where()
    where.add("stream = {0} AND day IS NOT NULL", f"list-{list_id}")
    visible_lists(where, actor)
    return await one_state(connection, where)


async def list_lists(
    connection: Any, actor: Actor, wanted: ListFilter, *, after: str, limit: int
) -> list[bytes]:
    """Lists that this caller may see, by id."""
    where = Where()
    where.add("day IS NOT NULL AND stream > {0}", f"list-{after}")
    visible_lists(where, actor)
    equal_where_asked(where, wanted, "day", "distributor_id", "bureau")
    return await states_by_id(connection, where, limit)


async def streams_among(tx: Any, streams: list[str]) -> set[str]:
    """Those of these streams that exist (已发清单)."""
    rows = await tx.fetch("SELECT stream FROM streams WHERE stream = ANY($1::text[])", streams)
    return {row["stream"] for row in rows}
