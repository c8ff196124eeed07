"""Reading a service's log for a caller: the facts it may see, in commit order, nothing skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from shared.events.topics import MARKS
from shared.kernel.clock import utc_text
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor
from shared.runtime.pages import cursor, read_cursor
from shared.runtime.room import Room
from shared.runtime.visibility import visible_facts
from shared.store.horizon import BEHIND, SETTLED, Cursor, epoch_of

_SCAN = 50_000


@dataclass(frozen=True, slots=True)
class Read:
    """What was found behind a place, each with the place behind it, and where to go on."""

    items: list[tuple[Cursor, dict[str, Any]]]
    reached: Cursor


async def place_behind(pool: asyncpg.Pool, after: str | None) -> Cursor:
    """The place behind a cursor as callers hold it, without one before the oldest fact.

    422 for what is no cursor, 410 for one from before a restore.
    """
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


def cursor_of(place: Cursor) -> str:
    """A place as callers hold it."""
    return cursor(place.epoch, place.xid, place.position)


async def read_feed(
    room: Room, actor: Actor, place: Cursor, limit: int, *, registers: bool = False
) -> Read:
    """A page behind a place, with only what this caller may read of it."""
    by_pool = room.service.name == "settlement"
    seen = visible_facts(actor, first=5, registers=registers, by_pool=by_pool, of_several=True)
    # One snapshot for all statements: else a row could settle between them and be skipped.
    async with (
        room.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        rows, reached = await _read(connection, seen, place, limit)
        items = [structured(row) for row in rows]
        if room.service.narrow is not None:
            items = await room.service.narrow(connection, actor, items)
    places = (Cursor(place.epoch, int(row["xid"]), row["position"]) for row in rows)
    return Read(list(zip(places, items, strict=True)), reached)


async def _read(
    connection: Any, seen: tuple[str, list[Any]], place: Cursor, limit: int
) -> tuple[Sequence[Any], Cursor]:
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
        return rows, Cursor(place.epoch, int(last["xid"]), last["position"])
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
    return rows, place


def structured(row: Any) -> dict[str, Any]:
    """The event as it was sent, with what we add: recordedtime, streamversion and its hash."""
    event: dict[str, Any] = msgspec.json.decode(row["payload"])
    event["recordedtime"] = utc_text(row["recorded_at"])
    event["streamversion"] = row["version"]
    event["sha256"] = row["sha256"].hex()
    return event
