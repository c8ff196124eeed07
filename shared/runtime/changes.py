"""`GET /<service>/v1/changes`: every fact the caller may see, in commit order, nothing skipped."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from shared.runtime.actors import CurrentActor
from shared.runtime.feed import cursor_of, place_behind, read_feed
from shared.runtime.pages import After, Limit
from shared.runtime.room import Room, room_of
from shared.store.horizon import wait_until_settled

Wait = Annotated[float, Query(ge=0, le=30, description="没有新事实时最多等待的秒数")]
Registers = Annotated[
    bool, Query(description="医院和企业: 一并给出基础信息的变更 (医保部门总是可见)")
]


def changes_router(service: str) -> APIRouter:
    """The feed of one service's log."""
    router = APIRouter(prefix=f"/{service}/v1", tags=["changes 变更流"])
    # A default and not an Annotated: a postponed annotation cannot see this function's `service`.
    its_room = Depends(room_of(service))

    async def changes(
        actor: CurrentActor,
        room: Room = its_room,
        after: After = None,
        limit: Limit = 100,
        wait: Wait = 0,
        registers: Registers = False,
    ) -> dict[str, Any]:
        place = await place_behind(room.pool, after)
        deadline = asyncio.get_running_loop().time() + wait
        async with room.pool.acquire() as connection:
            await wait_until_settled(connection)
        while True:
            found = await read_feed(room, actor, place, limit, registers=registers)
            moved, place = found.reached != place, found.reached
            if moved and not found.items:
                continue  # others' facts only, so far: an empty page would look like the end
            if found.items or asyncio.get_running_loop().time() >= deadline:
                return {"items": [item for _, item in found.items], "next": cursor_of(place)}
            await asyncio.sleep(0.1)

    router.add_api_route("/changes", changes, methods=["GET"], name=f"{service}_changes")
    return router
