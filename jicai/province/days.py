"""The days of the simulated province: working days in early 2026, and when people are at work.

The holidays are those of the State Council's notice for 2026 up to the Spring Festival (春节) with
its make-up workdays (调休). A story outside these months knows weekends only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
SPRING_FESTIVAL = tuple(date(2026, 2, day) for day in range(15, 24))
HOLIDAYS = frozenset({*(date(2026, 1, day) for day in (1, 2, 3)), *SPRING_FESTIVAL})
MAKE_UP_WORKDAYS = frozenset({date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28)})


def days_between(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def is_working_day(day: date) -> bool:
    return day in MAKE_UP_WORKDAYS or (day.weekday() < 5 and day not in HOLIDAYS)


def working_days_after(day: date, count: int) -> date:
    """The count-th working day after a day; the day itself is never counted."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def at(day: date, hours: float) -> datetime:
    """A moment of a day by its hour: 14.5 is half past two."""
    return datetime.combine(day, time(), BEIJING) + timedelta(seconds=round(hours * 3600))


def in_daytime(moment: datetime) -> datetime:
    """Somebody answers from seven to nine in the evening, every day; at night nobody does."""
    if moment.hour < 7:
        return moment.replace(hour=7) + timedelta(minutes=10)
    if moment.hour >= 21:
        return moment.replace(hour=7) + timedelta(days=1, minutes=10)
    return moment


def in_office(moment: datetime) -> datetime:
    """Hospital stores and accounts work office hours, on working days only."""
    if is_working_day(moment.date()) and 8 <= moment.hour < 17:
        return moment
    day = moment.date() if moment.hour < 8 else moment.date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return at(day, 8 + moment.minute / 30)
