"""The bus door of orders: a calendar change moves dues that have not passed (工作日历变更改期)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.orders.domain.moving import moved_dues
from services.orders.policy import OrderTerms, order_terms
from shared.events.envelope import Record
from shared.events.reference import CALENDAR_YEAR
from shared.events.topics import REFERENCE
from shared.runtime.calendars import fold_calendar, stored_calendar
from shared.runtime.handling import Kit, instant_behind_gate, store
from shared.runtime.judging import Batch
from shared.runtime.marks import append_passed
from shared.runtime.room import Room
from shared.store.locks import lock_gate
from shared.store.log import StreamRow, load

_CHUNK = 1000


TOPICS = (REFERENCE,)


async def fold(tx: asyncpg.Connection, records: Sequence[Record], room: Room) -> None:
    """Keep the loaded years and move the dues of open orders, behind the exclusive gate."""
    loaded = [record for record in records if record.type == CALENDAR_YEAR]
    if not loaded:
        return
    assert room.desk is not None
    await lock_gate(tx, room.service.name)
    head, _ = await load(tx, [])
    # Nobody may have been awake over 24:00: what is recorded now belongs behind its mark.
    head = await append_passed(tx, room.desk.kit, head)
    now = instant_behind_gate(room.time, head)
    if await fold_calendar(tx, loaded):
        changed_at = max(record.recorded_at for record in loaded)
        await _move(tx, room.desk.kit, order_terms(room.policy), changed_at, now)


async def _move(
    tx: asyncpg.Connection,
    kit: Kit[Any, Any],
    terms: OrderTerms,
    changed_at: datetime,
    now: datetime,
) -> None:
    calendar = await stored_calendar(tx)
    behind = ""
    while rows := await tx.fetch(
        """SELECT stream, version, state FROM streams
           WHERE last_due > $1 AND stream > $2 ORDER BY stream LIMIT $3""",
        changed_at,
        behind,
        _CHUNK,
    ):
        behind = rows[-1]["stream"]
        found = {row["stream"]: StreamRow(row["version"], row["state"]) for row in rows}
        batch: Batch[Any, Any] = Batch(kit.decider, found, {}, now, None)
        for stream in found:
            batch.apply(
                stream,
                lambda order: moved_dues(order, calendar, terms, changed_at=changed_at, now=now),
            )
        if batch.events:
            await store(tx, kit, batch)
