"""Working days of mainland China, read day by day.

Readings
- A year with at least one row in the file is published. Every other year is provisional: weekends
  and the statutory days of the regulation in force since 2025, whatever the year.
- The oracle knows one calendar for ever; calendar changes (`order.due_moved`) are not modelled.
"""

import csv
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from tests.oracle.wire import SHANGHAI

# The tests' own copy of the published table, so that they run in any clone; not the product's.
FILE = Path(__file__).resolve().parents[1] / "data" / "work_calendar_cn.csv"

# First day of the lunar year, fifth of the fifth, fifteenth of the eighth lunar month.
LUNAR = {
    2005: ("02-09", "06-11", "09-18"),
    2006: ("01-29", "05-31", "10-06"),
    2007: ("02-18", "06-19", "09-25"),
    2008: ("02-07", "06-08", "09-14"),
    2009: ("01-26", "05-28", "10-03"),
    2010: ("02-14", "06-16", "09-22"),
    2011: ("02-03", "06-06", "09-12"),
    2012: ("01-23", "06-23", "09-30"),
    2013: ("02-10", "06-12", "09-19"),
    2014: ("01-31", "06-02", "09-08"),
    2015: ("02-19", "06-20", "09-27"),
    2016: ("02-08", "06-09", "09-15"),
    2017: ("01-28", "05-30", "10-04"),
    2018: ("02-16", "06-18", "09-24"),
    2019: ("02-05", "06-07", "09-13"),
    2027: ("02-06", "06-09", "09-15"),
    2028: ("01-26", "05-28", "10-03"),
    2029: ("02-13", "06-16", "09-22"),
    2030: ("02-03", "06-05", "09-12"),
    2031: ("01-23", "06-24", "10-01"),
    2032: ("02-11", "06-12", "09-19"),
}


@cache
def published() -> dict[date, str]:
    """Every day that the State Council's notices make differ from Monday to Friday."""
    if not FILE.exists():
        raise FileNotFoundError(f"the oracle needs the official calendar at {FILE}")
    with FILE.open(encoding="utf-8-sig", newline="") as lines:
        return {date.fromisoformat(row["date"]): row["kind"] for row in csv.DictReader(lines)}


@cache
def published_years() -> frozenset[int]:
    """The years that a notice covers."""
    return frozenset(day.year for day in published())


@cache
def statutory(year: int) -> frozenset[date]:
    """The public holidays that the regulation itself fixes, without any moved weekend."""
    if year not in LUNAR:
        raise LookupError(f"the oracle has no lunar dates for {year}")
    new_year, dragon_boat, mid_autumn = (
        date.fromisoformat(f"{year}-{text}") for text in LUNAR[year]
    )
    short = year % 100
    qingming = date(year, 4, int(short * 0.2422 + 4.81) - short // 4)
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 5, 2)}
    national = {date(year, 10, day) for day in (1, 2, 3)}
    spring = {new_year + timedelta(days=shift) for shift in (-1, 0, 1, 2)}
    return frozenset(fixed | national | spring | {qingming, dragon_boat, mid_autumn})


def is_working(day: date) -> bool:
    """Whether this local day counts."""
    if day.year in published_years():
        kind = published().get(day)
        return kind == "workday" if kind else day.weekday() < 5
    return day.weekday() < 5 and day not in statutory(day.year)


def working_day_after(day: date, count: int) -> date:
    """The count-th working day after a day; the day itself is not counted."""
    while count:
        day += timedelta(days=1)
        count -= is_working(day)
    return day


def provisional(first: date, last: date) -> bool:
    """Whether the days from first to last touch a year that nobody has published."""
    return any(year not in published_years() for year in range(first.year, last.year + 1))


def start_of(day: date) -> datetime:
    """00:00 of a local day."""
    return datetime.combine(day, time(0), SHANGHAI)


def end_of(day: date) -> datetime:
    """24:00 of a local day, which is written as 00:00 of the next."""
    return start_of(day + timedelta(days=1))


def local_day(instant: datetime) -> date:
    """The day of a fact: one at 00:00:00 belongs to the day that begins."""
    return instant.astimezone(SHANGHAI).date()


def due_day(deadline: datetime) -> date:
    """The day of a deadline: the local day that contains the moment just before it."""
    return local_day(deadline - timedelta(microseconds=1))
