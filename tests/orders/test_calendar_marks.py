"""A year of the calendar is heard while nobody was awake over 24:00: its facts stand behind the marks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from services.orders import consumer
from services.orders.app import service
from shared.events.envelope import PLATFORM, Record
from shared.events.orders import DUE_MOVED, PLACED
from shared.events.reference import CALENDAR_YEAR, CalendarDay, CalendarYearLoaded
from shared.events.topics import MARK_TYPE, ORDERS, REFERENCE
from shared.kernel.decider import Decided
from shared.runtime.deciding import Held, decide_together
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.calendar_files import shipped_calendar
from shared.store.log import Head
from shared.testing.postgres import MONDAY, desk_of, open_room, whole_log
from tests.alerts.facts import placed

BRIDGE = date(2026, 1, 8)
"""The day on which the delivery of an order of Monday is due."""


async def _told(database: str) -> list[str]:
    """An order on Monday, a notice on Tuesday that Thursday is free; the worker sleeps from the start."""
    async with open_room(database, service, time=ManualTime(MONDAY)) as room:
        await append_marks(room.pool, desk_of(room).kit)
        await _place(room)
        assert isinstance(room.time, ManualTime)
        room.time.set(MONDAY + timedelta(hours=25))
        async with room.pool.acquire() as tx, tx.transaction():
            await consumer.fold(tx, [_notice()], room)
        return [row["type"] for row in await whole_log(room.pool)]


async def _place(room: Room) -> None:
    fact = placed()

    async def work(held: Held) -> None:
        decided = Decided(ORDERS, PLACED, fact, MONDAY, event_id="e1", data={})
        held.batch.record(fact.order_id, decided)

    await decide_together(room, [fact.order_id], work)


def _notice() -> Record:
    calendar = shipped_calendar()
    days = [
        CalendarDay(date=day.date.isoformat(), kind=day.kind, name=day.name)
        for day in calendar.year(2026).days
    ]
    days.append(CalendarDay(date=BRIDGE.isoformat(), kind="holiday", name="试验"))
    at = MONDAY + timedelta(hours=25)
    fact = CalendarYearLoaded(year=2026, version="v2", days=days)
    return Record(
        topic=REFERENCE, stream="calendar-2026", version=1, source=PLATFORM, event_id="calendar",
        type=CALENDAR_YEAR, occurred_at=at, recorded_at=at, fact=msgspec.json.encode(fact),
    )  # fmt: skip


async def test_what_a_notice_moves_stands_behind_the_marks_that_have_passed(database: str) -> None:
    assert await _told(database) == [PLACED, MARK_TYPE, MARK_TYPE, DUE_MOVED]


async def test_without_the_marks_a_close_would_see_what_came_after_its_day(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(_tx: Any, _kit: Any, head: Head) -> Head:
        return head

    monkeypatch.setattr(consumer, "append_passed", nobody)
    assert await _told(database) == [PLACED, DUE_MOVED]
