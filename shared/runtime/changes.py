"""`GET /<service>/v1/changes`: every fact the caller may see, in commit order, nothing skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Depends, Query

from shared.events.topics import MARKS
from shared.kernel.clock import utc_text
from shared.kernel.errors import Problem
from shared.runtime.actors import CurrentActor
from shared.runtime.pages import After, Limit, cursor, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.visibility import visible_facts
from shared.store.horizon import BEHIND, SETTLED, Cursor, epoch_of, wait_until_settled

Wait = Annotated[float, Query(ge=0, le=30, description="没有新事实时最多等待的秒数")]
Registers = Annotated[
    bool, Query(description="医院和企业: 一并给出基础信息的变更 (医保部门总是可见)")
]
_SCAN = 50_000


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
        place = await _place(room.pool, after)
        deadline = asyncio.get_running_loop().time() + wait
        async with room.pool.acquire() as connection:
            await wait_until_settled(connection)
        while True:
            # One snapshot for both statements: else a row could settle between them and be skipped.
            async with (
                room.pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                seen = visible_facts(
                    actor, first=5, registers=registers, by_pool=service == "settlement"
                )
                items, reached = await _read(connection, seen, place, limit)
                if room.service.narrow is not None:
                    items = await room.service.narrow(connection, actor, items)
            moved, place = reached != place, reached
            if moved and not items:
                continue  # others' facts only, so far: an empty page would look like the end
            if items or asyncio.get_running_loop().time() >= deadline:
                return {"items": items, "next": cursor(place.epoch, place.xid, place.position)}
            await asyncio.sleep(0.1)

    router.add_api_route("/changes", changes, methods=["GET"], name=f"{service}_changes")
    return router


async def _place(pool: asyncpg.Pool, after: str | None) -> Cursor:
    epoch = await epoch_of(pool)
    if after is None:
        return Cursor(epoch, 0, 0)
    its_epoch, xid, position = read_cursor(after, int, int, int)
    if its_epoch != epoch:
        raise Problem(
            410,
            "cursor_epoch",
            "该游标早于一次数据恢复, 已失效; 请从头读取并对账",
            "this cursor is from before a restore; read from the beginning and reconcile",
        )
    return Cursor(epoch, xid, position)


async def _read(
    connection: Any, seen: tuple[str, list[Any]], place: Cursor, limit: int
) -> tuple[list[dict[str, Any]], Cursor]:
    """A page, and where to go on: behind the last item, or behind all that was looked at."""
    where, values = seen
    rows = await connection.fetch(
        f"""SELECT xid::text AS xid, position, payload, version, recorded_at, sha256, seen
            FROM (SELECT *, topic <> $4 AND {where} AS seen FROM events
                  WHERE {BEHIND} AND {SETTLED} ORDER BY xid, position LIMIT {_SCAN}) scanned
            WHERE seen ORDER BY scanned.xid, scanned.position LIMIT $3""",
        str(place.xid),
        place.position,
        limit,
        MARKS,
        *values,
    )
    if len(rows) >= limit:
        last = rows[-1]
        return _items(rows), Cursor(place.epoch, int(last["xid"]), last["position"])
    end = await connection.fetchrow(
        f"""SELECT xid::text AS xid, position FROM (
              SELECT xid, position FROM events WHERE {BEHIND} AND {SETTLED}
              ORDER BY xid, position LIMIT {_SCAN}) scanned
            ORDER BY scanned.xid DESC, scanned.position DESC LIMIT 1""",
        str(place.xid),
        place.position,
    )
    if end is not None:
        place = Cursor(place.epoch, int(end["xid"]), end["position"])
    return _items(rows), place


def _items(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [structured(row) for row in rows]


def structured(row: Any) -> dict[str, Any]:
    """The event as it was sent, with what we add: recordedtime, streamversion and its hash."""
    event: dict[str, Any] = msgspec.json.decode(row["payload"])
    event["recordedtime"] = utc_text(row["recorded_at"])
    event["streamversion"] = row["version"]
    event["sha256"] = row["sha256"].hex()
    return event
