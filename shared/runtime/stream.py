"""`GET /<service>/v1/stream`: the feed as server-sent events (事件推送), resumable where it broke off.

The same reading as `/changes`, so nothing is skipped and nothing is shown that the feed would hide.
Each event's `id` is the feed's cursor behind it: `Last-Event-ID` and `after` are one and the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from shared.runtime.actors import Actor, CurrentActor
from shared.runtime.feed import cursor_of, place_behind, read_feed
from shared.runtime.room import Room, room_of
from shared.store.horizon import Cursor

HEARTBEAT_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.5
PAGE: Final = 200

HEARTBEAT: Final = b": heartbeat\n\n"
"""A comment: it keeps the line open and shows who is gone."""

_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "server-sent events", "content": {"text/event-stream": {}}}
}


def stream_router(service: str) -> APIRouter:
    """The feed of one service's log, pushed."""
    router = APIRouter(prefix=f"/{service}/v1", tags=["changes 变更流"])
    its_room = Depends(room_of(service))

    async def stream(
        request: Request,
        actor: CurrentActor,
        room: Room = its_room,
        last_event_id: Annotated[str | None, Header(description="断线处的事件 id")] = None,
    ) -> StreamingResponse:
        # A browser that has had no event yet sends an empty one.
        place = await place_behind(room.pool, last_event_id or None)
        stopping: asyncio.Event = request.app.state.stopping
        return StreamingResponse(
            events_behind(room, actor, place, stopping),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    router.add_api_route(
        "/stream",
        stream,
        methods=["GET"],
        name=f"{service}_stream",
        response_class=StreamingResponse,
        responses=_ANSWER,
    )
    return router


async def events_behind(
    room: Room,
    actor: Actor,
    place: Cursor,
    stopping: asyncio.Event,
    *,
    heartbeat: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """What stands behind a place and what comes after it, until the server stops.

    No connection is held between two looks; a client that goes away ends it at the next word.
    """
    loop = asyncio.get_running_loop()
    said = loop.time()
    while not stopping.is_set():
        found = await read_feed(room, actor, place, PAGE)
        for behind, item in found.items:
            yield as_event(behind, item)
            said = loop.time()
        if found.reached != place:
            place = found.reached
            continue
        if loop.time() - said >= heartbeat:
            yield HEARTBEAT
            said = loop.time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(POLL_SECONDS, heartbeat)):
                await stopping.wait()


def as_event(behind: Cursor, item: dict[str, Any]) -> bytes:
    """One fact in the form of the protocol; JSON has no bare line breaks, so its data is one line."""
    data = msgspec.json.encode(item)
    return f"id: {cursor_of(behind)}\nevent: {item['type']}\ndata: ".encode() + data + b"\n\n"
