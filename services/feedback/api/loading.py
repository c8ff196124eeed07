"""Loading a year of the calendar (录入工作日历): one transaction behind the gate, one fact for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from services.feedback.api.moving import move_deadlines
from services.feedback.api.world import NOBODY
from services.feedback.domain.world import World
from services.feedback.policy import ticket_terms
from services.feedback.projections.calendar import (
    instant_of_loading,
    next_version,
    store_year,
)
from shared.events.envelope import written
from shared.events.reference import CALENDAR_YEAR, CalendarDay, CalendarYearLoaded
from shared.events.topics import REFERENCE
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import SpecialDay, official_year
from shared.runtime.actors import Actor
from shared.runtime.calendars import stored_calendar
from shared.runtime.deciding import instant_of, transact
from shared.runtime.marks import apply_due
from shared.runtime.room import Room
from shared.store.locks import lock_gate
from shared.store.log import NewEvent, append, hint, load, take_positions


async def load_year(
    room: Room, actor: Actor, year: int, days: Sequence[SpecialDay]
) -> WorkCalendar:
    """The calendar with this year in it; what is loaded already changes nothing. Durable."""
    return await transact(room, lambda tx: _load(tx, room, actor, year, days))


async def _load(
    tx: asyncpg.Connection, room: Room, actor: Actor, year: int, days: Sequence[SpecialDay]
) -> WorkCalendar:
    assert room.desk is not None
    await lock_gate(tx, room.service.name)
    head, _ = await load(tx, [])
    now = clock = instant_of(room, head)
    # What has passed by now passed by the calendar that was in force.
    await apply_due(tx, room.desk.kit, head, now)
    before = await stored_calendar(tx)
    plan = official_year(year, days)
    calendar = before.with_year(year, plan.days)
    if before.year(year) != plan:
        now = await _announce(tx, calendar, year, actor, now)
    # Also where the year was known: a release may have brought it, and nobody has counted again.
    world = World(NOBODY, calendar, ticket_terms(room.policy))
    await move_deadlines(tx, room.desk.kit, year, before, world, now, clock=clock)
    return calendar


async def _announce(
    tx: asyncpg.Connection, calendar: WorkCalendar, year: int, actor: Actor, now: datetime
) -> datetime:
    """Store the year and tell everybody; returns the instant it counts as loaded."""
    plan = calendar.year(year)
    loaded = CalendarYearLoaded(
        year=year,
        version=calendar.version,
        days=[
            CalendarDay(date=day.date.isoformat(), kind=day.kind, name=day.name, notice=day.notice)
            for day in plan.days
        ],
    )
    at = await instant_of_loading(tx, year, now)
    await store_year(tx, loaded, at)
    event = _event(loaded, await next_version(tx, year), actor, at)
    await append(tx, [event], await take_positions(tx, 1))
    await hint(tx)
    return at


def _event(loaded: CalendarYearLoaded, version: int, actor: Actor, now: datetime) -> NewEvent:
    """The year as the province's own event: the same words inside and outside."""
    source, event_id = f"urn:jicai:{actor.organisation}", f"calendar-{loaded.year}-v{version}"
    fact = msgspec.json.encode(loaded)
    data = msgspec.json.decode(fact)
    sha256, payload = written(source=source, id=event_id, type=CALENDAR_YEAR, time=now, data=data)
    return NewEvent(
        REFERENCE, f"calendar-{loaded.year}", version, source, event_id, CALENDAR_YEAR, now, now,
        sha256, payload, fact,
    )  # fmt: skip
