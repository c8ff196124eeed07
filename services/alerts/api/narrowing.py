"""What a hospital may read of a late-response list (医院可见范围): its own lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.events.alerts import LATE_LIST_ISSUED
from shared.runtime.actors import Actor

Json = dict[str, Any]


async def narrow(_connection: Any, actor: Actor, items: Sequence[Json]) -> list[Json]:
    """The items of a feed as this caller may read them; a hash stays that of the whole fact."""
    return [
        {**item, "data": lines_of_hospital(actor, item["data"])}
        if item["type"] == LATE_LIST_ISSUED
        else item
        for item in items
    ]


def lines_of_hospital(actor: Actor, late: Json) -> Json:
    """A list without other hospitals' lines, where a hospital asks."""
    if actor.role != "hospital":
        return late
    own = [line for line in late["lines"] if line["hospital_id"] == actor.organisation]
    return {**late, "lines": own}
