"""What a manufacturer may read of an order's facts (生产企业可见范围): the lines of its products.

A fact that names several makers' lines is given with its own lines only. Its hash is still that of
the whole fact, so the counts and roots of the reconciliation hold through the item's `sha256`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.orders.domain.order import decode
from services.orders.projections.orders import find_states
from shared.runtime.actors import Actor

Json = dict[str, Any]


async def narrow(connection: Any, actor: Actor, items: Sequence[Json]) -> list[Json]:
    """The items of a feed as this caller may read them."""
    if actor.role != "manufacturer":
        return list(items)
    order_ids = {item["data"]["order_id"] for item in items if "order_id" in item["data"]}
    states = await find_states(connection, sorted(order_ids))
    own = {
        order_id: {
            line.line_id
            for line in decode(state).lines.values()
            if line.manufacturer_id == actor.organisation
        }
        for order_id, state in states.items()
    }
    return [narrowed(item, own.get(item["data"].get("order_id"), set())) for item in items]


def narrowed(item: Json, own: set[str]) -> Json:
    """One fact without the lines that are not among `own`; a fact of a register stays as it is."""
    data: Json = item["data"]
    if "order_id" not in data:
        return item
    kept = dict(data)
    if isinstance(lines := data.get("lines"), list):
        kept["lines"] = [line for line in lines if line["line_id"] in own]
    if isinstance(line_ids := data.get("line_ids"), list):
        kept["line_ids"] = [line_id for line_id in line_ids if line_id in own]
    if data.get("line_id") not in (None, *own):
        del kept["line_id"]
    return {**item, "data": kept}
