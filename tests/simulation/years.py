"""A year of the calendar is announced while deadlines run (录入工作日历): by feedback, heard by all others.

As in `services/feedback/api/loading.py`, `services/orders/consumer.py` and `shared/runtime/calendars.py`:
what has passed by now passed by the old calendar, and readers keep the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from services.feedback.domain.moving import moved_deadlines
from services.orders.domain.moving import moved_dues
from shared.events.envelope import Record
from shared.events.reference import CALENDAR_YEAR, CalendarDay, CalendarYearLoaded
from shared.events.topics import REFERENCE
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import SpecialDay, is_weekend
from shared.kernel.clock import local_day
from shared.runtime.calendars import special_days
from shared.store.log import NewEvent
from tests.simulation.ground import CALENDAR, ORDER_TERMS
from tests.simulation.journal import Journal
from tests.simulation.tables import Transaction

YEAR: Final = 2026
SOURCE: Final = "urn:jicai:360000"
_STREAM: Final = f"calendar-{YEAR}"
_ROW: Final = "year"
_decode = msgspec.json.Decoder(CalendarYearLoaded).decode


def announce(feedback: Journal, clock: datetime, ahead: int) -> None:
    """The day so many days ahead is free where it was worked, and worked where it was free."""
    now = feedback.behind_marks(clock)
    feedback.wake(now, clock)
    world = feedback.world
    told = [record.recorded_at for record in feedback.log if record.type == CALENDAR_YEAR]
    if local_day(now).year != YEAR or now in told:
        return  # two of one instant would be a microsecond apart, and nobody's clock is here
    after = world.calendar.with_year(YEAR, _other_days(world.calendar, now, ahead))
    event = _event(feedback, after, now)
    feedback.record([event], clock)
    feedback.world = replace(world, calendar=_told(event.fact))
    batch = feedback.batch(now, probe=False)
    for name in list(feedback.rows):
        batch.apply(
            name, lambda ticket: list(moved_deadlines(ticket, world.calendar, feedback.world, now))
        )
    batch.wake_all(list(feedback.rows), now)  # one that moved to this very instant has passed
    feedback.store(batch, clock)


def move_dues(
    orders: Journal, tx: Transaction, records: Sequence[Record], *, marks_first: bool = True
) -> None:
    """Orders hears of it: dues that have not passed move, behind the marks that have."""
    now = orders.behind_marks(tx.clock) if marks_first else tx.clock
    if not keep_year(tx, records):
        return
    changed_at = max(record.recorded_at for record in records)
    calendar = calendar_of(tx)
    batch = tx.batch(now)
    for name, columns in orders.columns.items():
        if columns[-1] > changed_at:
            batch.apply(
                name,
                lambda order: moved_dues(
                    order, calendar, ORDER_TERMS, changed_at=changed_at, now=now
                ),
            )
    tx.then(lambda: _turn(orders, calendar))


def keep_year(tx: Transaction, records: Sequence[Record]) -> bool:
    """Keep the latest; True when something changed."""
    changed = False
    for record in records:
        if record.type != CALENDAR_YEAR:
            continue
        known = tx.get("calendar", _ROW)
        if known is None or known[0] < record.recorded_at:
            tx.put("calendar", _ROW, (record.recorded_at, _told(record.fact)))
            changed = True
    return changed


def calendar_of(tx: Transaction) -> WorkCalendar:
    """The calendar as the facts heard so far leave it."""
    known = tx.get("calendar", _ROW)
    calendar: WorkCalendar = CALENDAR if known is None else known[1]
    return calendar


@lru_cache(maxsize=256)  # five readers hear the same, and a calendar counts its year once
def _told(fact: bytes) -> WorkCalendar:
    return CALENDAR.with_year(YEAR, special_days(_decode(fact)))


def _turn(orders: Journal, calendar: WorkCalendar) -> None:
    orders.world = replace(orders.world, calendar=calendar)


def _other_days(calendar: WorkCalendar, now: datetime, ahead: int) -> list[SpecialDay]:
    day = local_day(now) + timedelta(days=ahead)
    days = [one for one in calendar.year(YEAR).days if one.date != day]
    if day.year != YEAR or calendar.is_workday(day) == is_weekend(day):
        return days  # what a notice had changed is as it would be without one
    return [*days, SpecialDay(day, "workday" if is_weekend(day) else "holiday", "试验")]


def _event(feedback: Journal, calendar: WorkCalendar, now: datetime) -> NewEvent:
    version = feedback.version_of(_STREAM) + 1
    days = [
        CalendarDay(date=day.date.isoformat(), kind=day.kind, name=day.name, notice=day.notice)
        for day in calendar.year(YEAR).days
    ]
    fact = CalendarYearLoaded(year=YEAR, version=calendar.version, days=days)
    return NewEvent(
        REFERENCE, _STREAM, version, SOURCE, f"{_STREAM}-v{version}", CALENDAR_YEAR, now, now,
        b"", b"", msgspec.json.encode(fact),
    )  # fmt: skip
