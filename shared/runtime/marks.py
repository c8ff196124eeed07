"""Closing instants: the log says "everything before this instant stands before me" (mechanism 13).

At 24:00 and 09:00 of every local day each log that takes facts from outside gets a mark, appended
under the exclusive gate after every timer due by then. A writer that finds an instant passed
without its mark has the missing marks appended first, one per instant, in order.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from shared.events.envelope import PLATFORM
from shared.events.topics import MARK_TYPE, MARKS
from shared.kernel.canonical import fact_sha256
from shared.kernel.clock import day_end, day_start, local_day, utc_text
from shared.runtime.clockwork import BEGINNING, fire_due
from shared.runtime.handling import Kit, instant_behind_gate, store
from shared.runtime.judging import Batch
from shared.store.locks import lock_gate
from shared.store.log import Head, NewEvent, StreamRow, append, hint, load, take_positions

MARK_STREAM = "mark"
_MORNING = timedelta(hours=9)
_CHUNK = 2000
_DUE = """
SELECT stream, version, state, next_due FROM streams
WHERE next_due <= $1 AND (next_due, stream) > ($2, $3) ORDER BY next_due, stream LIMIT $4"""


def next_closing_instant(after: datetime) -> datetime:
    """The first 09:00 or 24:00 local time strictly after an instant."""
    day = local_day(after)
    morning = day_start(day) + _MORNING
    return morning if after < morning else day_end(day)


async def append_marks(pool: asyncpg.Pool, kit: Kit[Any, Any], *, since_mark: bool = False) -> int:
    """Append every mark that is due, each in a transaction of its own; returns how many. Idempotent.

    What is due by a mark fires first, in chunks, while others write: the exclusive gate then finds
    only what came in between. `since_mark`: see `fire_due`.
    """
    count = 0
    while True:
        await fire_due(pool, kit, since_mark=since_mark)
        if not await _append_next(pool, kit):
            return count
        count += 1


async def _append_next(pool: asyncpg.Pool, kit: Kit[Any, Any]) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        await lock_gate(connection, kit.service)
        head, _ = await load(connection, [])
        now = instant_behind_gate(kit.time, head)
        if head.next_mark is None:
            await connection.execute(
                "UPDATE log_head SET next_mark = $1", next_closing_instant(now)
            )
            return False
        if now < head.next_mark:
            return False
        await _mark(connection, kit, head, head.next_mark)
        return True


async def append_passed(tx: asyncpg.Connection, kit: Kit[Any, Any], head: Head) -> Head:
    """The marks that have passed, for a writer who holds the gate alone; the head behind them.

    They stand before what it writes, in its own transaction.
    """
    now = instant_behind_gate(kit.time, head)
    while head.next_mark is not None and now >= head.next_mark:
        passed = head.next_mark
        await _mark(tx, kit, head, passed)
        head = replace(head, last_mark=passed, next_mark=next_closing_instant(passed))
    return head


async def _mark(tx: asyncpg.Connection, kit: Kit[Any, Any], head: Head, at: datetime) -> None:
    """One mark, behind every timer due by then."""
    await apply_due(tx, kit, head, at)
    await _append_mark(tx, at)
    await tx.execute(
        "UPDATE log_head SET last_mark = $1, next_mark = $2", at, next_closing_instant(at)
    )


async def apply_due(
    tx: asyncpg.Connection, kit: Kit[Any, Any], head: Head, until: datetime
) -> None:
    """Every timer due by `until` fires; behind the exclusive gate, which makes stream locks needless."""
    world = await kit.world(tx, head, until, [])
    behind: tuple[datetime, str] = BEGINNING
    while rows := await tx.fetch(_DUE, until, *behind, _CHUNK):
        # On from there: a row whose state does not say what its column says holds up no mark.
        behind = (rows[-1]["next_due"], rows[-1]["stream"])
        found = {row["stream"]: StreamRow(row["version"], row["state"]) for row in rows}
        judged: Batch[Any, Any] = Batch(kit.decider, found, {}, until, world)
        judged.wake_all(list(found), until)
        if judged.events:
            await store(tx, kit, judged)


async def _append_mark(tx: asyncpg.Connection, at: datetime) -> None:
    version = await tx.fetchval(
        "SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = $1", MARK_STREAM
    )
    event_id = f"mark-{utc_text(at)}"
    data = {"at": utc_text(at)}
    sha256 = fact_sha256(
        source=PLATFORM, id=event_id, type=MARK_TYPE, time=at, subject=None, data=data
    )
    fact = msgspec.json.encode(data)
    event = NewEvent(
        MARKS, MARK_STREAM, version, PLATFORM, event_id, MARK_TYPE, at, at, sha256, fact, fact
    )
    await append(tx, [event], await take_positions(tx, 1))
    await hint(tx)
