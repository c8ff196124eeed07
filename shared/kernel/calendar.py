"""The working-day calendar as a value: equal content, equal version (工作日历).

Rules count in working days, and the State Council announces a year only in the November before,
so every answer is an answer of one version; a year not announced yet is provisional and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from shared.kernel.calendar_csv import read_feasts, read_years
from shared.kernel.calendar_years import (
    Feasts,
    SpecialDay,
    YearPlan,
    is_weekend,
    official_year,
    provisional_year,
)
from shared.kernel.clock import day_end

# No rule counts further than a year; ten years bound what one question may cost.
MOST_WORKDAYS = 2_500
MOST_YEARS = 100
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CountedDay:
    """A day on the way to a deadline, counted or not, and why (计数说明)."""

    date: date
    counted: bool
    reason: str


class _Index(NamedTuple):
    """A year counted once: its working days, and how many lie before each day of the year."""

    first: int
    workdays: tuple[date, ...]
    before: tuple[int, ...]
    special: dict[date, SpecialDay]


@dataclass(frozen=True)
class WorkCalendar:
    """All announced years, and the feasts that provisional years are made of (工作日历)."""

    official: tuple[YearPlan, ...] = ()
    feasts: tuple[Feasts, ...] = ()
    _indexes: dict[int, _Index] = field(default_factory=dict, init=False, repr=False, compare=False)
    # At one 24:00 thousands of deadlines begin on the same day, and each asks the same.
    _explained: dict[tuple[date, int], list[CountedDay]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def version(self) -> str:
        """Name the content of the announced years (日历版本)."""
        lines = [f"{plan.year}" for plan in self.official]
        lines += [
            f"{day.date}\t{day.kind}\t{day.name}\t{day.notice}"
            for plan in self.official
            for day in plan.days
        ]
        return sha256("\n".join(lines).encode()).hexdigest()[:12]

    @cached_property
    def _plans(self) -> dict[int, YearPlan]:
        return {plan.year: plan for plan in self.official}

    def year(self, year: int) -> YearPlan:
        """Give a year as announced, else as the regulation has it (年度安排)."""
        if plan := self._plans.get(year):
            return plan
        feasts = next((feasts for feasts in self.feasts if feasts.year == year), None)
        return provisional_year(year, feasts)

    def with_year(self, year: int, days: Iterable[SpecialDay]) -> "WorkCalendar":
        """Give the calendar in which a year is announced so (录入年度安排)."""
        plans = {**self._plans, year: official_year(year, days)}
        return replace(self, official=tuple(plans[known] for known in sorted(plans)))

    def is_provisional(self, first: date, last: date) -> bool:
        """Tell whether a span of days touches a year nobody has announced (暂定)."""
        plans = self._plans
        # Short of a gap a long span ends at the first unknown year, so this cannot run away.
        return any(year not in plans for year in range(first.year, last.year + 1))

    def is_workday(self, day: date) -> bool:
        """Tell whether people work that day (是否工作日)."""
        index = self._index(day.year)
        place = day.toordinal() - index.first
        return index.before[place + 1] > index.before[place]

    def workdays_after(self, day: date, n: int) -> date:
        """Give the n-th working day after a day, which itself is not counted (N个工作日)."""
        if not 0 <= n <= MOST_WORKDAYS:
            raise ValueError(f"not a number of working days: {n}")
        if n == 0:
            return day
        year = day.year
        index = self._index(year)
        wanted = index.before[day.toordinal() - index.first + 1] + n
        while wanted > len(index.workdays):
            wanted -= len(index.workdays)
            year += 1
            index = self._index(year)
        return index.workdays[wanted - 1]

    def deadline(self, day: date, n: int) -> datetime:
        """Give 24:00 of the n-th working day after a day (时限)."""
        return day_end(self.workdays_after(day, n))

    def earliest_after(self, published: date, n: int) -> date:
        """Give the first day with n working days strictly between (最早执行日, A1.2)."""
        last = self.workdays_after(published, n)
        if last == date.max:
            raise ValueError("beyond the calendar")
        return last + _ONE_DAY

    def workdays_between(self, first: date, last: date) -> int:
        """Count the working days strictly between two days (间隔工作日)."""
        if last <= first:
            return 0
        if last.year - first.year > MOST_YEARS:
            raise ValueError(f"more than {MOST_YEARS} years between {first} and {last}")
        start, end = self._index(first.year), self._index(last.year)
        whole = sum(len(self._index(year).workdays) for year in range(first.year, last.year))
        before_last = end.before[last.toordinal() - end.first]
        return whole + before_last - start.before[first.toordinal() - start.first + 1]

    def explain(self, day: date, n: int) -> list[CountedDay]:
        """List the days after a day up to the n-th working day, each with its reason (计数说明)."""
        days = self._explained.get((day, n))
        if days is None:
            last = self.workdays_after(day, n)
            days = self._explained[day, n] = [
                self._counted(date.fromordinal(number))
                for number in range(day.toordinal() + 1, last.toordinal() + 1)
            ]
        return list(days)

    def _counted(self, day: date) -> CountedDay:
        """Say why a day counts or not; a holiday on a weekend goes by its name."""
        special = self._index(day.year).special.get(day)
        if special is None:
            weekend = is_weekend(day)
            return CountedDay(day, not weekend, "weekend" if weekend else "workday")
        if special.kind == "workday":
            return CountedDay(day, True, "make-up workday")
        return CountedDay(day, False, special.name)

    def _index(self, year: int) -> _Index:
        """Count a year the first time it is asked for, and keep the count."""
        index = self._indexes.get(year)
        if index is None:
            if year > MAXYEAR:
                raise ValueError("beyond the calendar")
            index = self._indexes[year] = _index_of(self.year(year))
        return index


def _index_of(plan: YearPlan) -> _Index:
    """Count the working days of a plan from its first day to its last."""
    special = {day.date: day for day in plan.days}
    first = date(plan.year, 1, 1).toordinal()
    workdays: list[date] = []
    before = [0]
    for number in range(first, date(plan.year, 12, 31).toordinal() + 1):
        day = date.fromordinal(number)
        named = special.get(day)
        if named.kind == "workday" if named else not is_weekend(day):
            workdays.append(day)
        before.append(len(workdays))
    return _Index(first, tuple(workdays), tuple(before), special)


def parse_special_days(csv_text: str, feasts_csv: str = "") -> WorkCalendar:
    """Read a calendar from `date,kind,name,notice` rows, and the feasts behind it (导入日历)."""
    return WorkCalendar(read_years(csv_text), read_feasts(feasts_csv))
