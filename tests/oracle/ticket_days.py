"""Working days as a ticket counts them: with a name for each day, and in the year's latest version.

Readings
- A year is official once a notice names its days. Every other year has weekends and the statutory
  days alone, and whatever is counted over it is provisional.
- The calendar that a deadline was counted by stays with that deadline until the deadline moves.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.oracle import calendar

Named = dict[date, tuple[str, str]]
"""Of a year's special days: `holiday` or `workday`, and the feast it belongs to."""


@dataclass(frozen=True)
class CountedDay:
    """A day on the way to a deadline: whether it counts, and why."""

    day: date
    counted: bool
    reason: str


@dataclass(frozen=True)
class Calendar:
    """The official years; `version` is whatever the outside calls this content."""

    official: dict[int, Named]
    version: str = field(default="shipped", compare=False)

    def loaded(self, year: int, days: Iterable[dict[str, str]], version: str) -> Calendar:
        """The calendar with one year as a notice has it: the body of the PUT replaces the year."""
        named = {date.fromisoformat(d["date"]): (d["kind"], d["name"]) for d in days}
        return Calendar({**self.official, year: named}, version)

    def day(self, day: date) -> CountedDay:
        """One day explained; a holiday goes by its name, on a weekend too."""
        kind, name = self._special(day)
        if kind == "holiday":
            return CountedDay(day, False, name)
        if kind == "workday":
            return CountedDay(day, True, "make-up workday")
        weekend = day.weekday() >= 5
        return CountedDay(day, not weekend, "weekend" if weekend else "workday")

    def days(self, start: date, count: int) -> list[CountedDay]:
        """Every day from the first after the start to the count-th that counts."""
        found: list[CountedDay] = []
        while count:
            start += timedelta(days=1)
            found.append(self.day(start))
            count -= found[-1].counted
        return found

    def provisional(self, days: Iterable[CountedDay]) -> bool:
        """Whether any of the days lies in a year that nobody has published."""
        return any(one.day.year not in self.official for one in days)

    def _special(self, day: date) -> tuple[str, str]:
        if day.year in self.official:
            return self.official[day.year].get(day, ("", ""))
        return ("holiday", statutory_name(day)) if day in calendar.statutory(day.year) else ("", "")


def statutory_name(day: date) -> str:
    """The feast that a statutory holiday belongs to."""
    _, dragon_boat, mid_autumn = calendar.LUNAR[day.year]
    by_moon = {dragon_boat: "端午节", mid_autumn: "中秋节"}
    by_month = {1: "元旦" if day.day == 1 else "春节", 2: "春节", 4: "清明节", 5: "劳动节"}
    return by_moon.get(f"{day:%m-%d}") or by_month.get(day.month, "国庆节")


def shipped() -> Calendar:
    """The years that the State Council had announced when this was written."""
    years: dict[int, Named] = {}
    with calendar.FILE.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            day = date.fromisoformat(row["date"])
            years.setdefault(day.year, {})[day] = (row["kind"], row["name"])
    return Calendar(years)
