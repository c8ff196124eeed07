"""Words of the mapping language about days and instants.

Old files write a day in several ways, or write why they have none. So a day is looked for in a
list of formats, and a fallback says what stands in for a day that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from jicai.imports.values import Expression, OfColumn, Row, Unreadable, Value

BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Day(OfColumn):
    """`{ date = "Scheduled Delivery Date", minus_days = 30 }`: a day, in any listed format."""

    minus_days: int = 0

    def value(self, row: Row) -> Value:
        cell = row.cell(self.column)
        day = _read_day(cell.strip(), row.date_formats)
        if day is None:
            raise Unreadable(f"{self.column}: {cell!r} is no date in any of the listed formats")
        return day - timedelta(days=self.minus_days)


@dataclass(frozen=True, slots=True)
class FirstOf:
    """`{ first_of = [a, b] }`: the first that this row can give ("N/A" cannot be a date)."""

    choices: tuple[Expression, ...]

    def value(self, row: Row) -> Value:
        reasons = []
        for choice in self.choices:
            try:
                return choice.value(row)
            except Unreadable as reason:
                reasons.append(str(reason))
        raise Unreadable("; ".join(reasons))

    def columns(self) -> frozenset[str]:
        return frozenset().union(*(choice.columns() for choice in self.choices))


@dataclass(frozen=True, slots=True)
class EarlierOf:
    """`{ earlier_of = [a, b] }`: the earliest of some days."""

    days: tuple[Expression, ...]

    def value(self, row: Row) -> Value:
        return min(_as_day(day.value(row)) for day in self.days)

    def columns(self) -> frozenset[str]:
        return frozenset().union(*(day.columns() for day in self.days))


@dataclass(frozen=True, slots=True)
class At:
    """`at = "12:00"` beside a day: an instant in Beijing time; 24:00 ends the day."""

    day: Expression
    clock: str

    def value(self, row: Row) -> Value:
        day = _as_day(self.day.value(row))
        if self.clock == "24:00":
            return datetime.combine(day + timedelta(days=1), time(), BEIJING).isoformat()
        return datetime.combine(day, time.fromisoformat(self.clock), BEIJING).isoformat()

    def columns(self) -> frozenset[str]:
        return self.day.columns()


@lru_cache(maxsize=20_000)
def _read_day(text: str, formats: tuple[str, ...]) -> date | None:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 a day has no zone
        except ValueError:
            continue
    return None


def _as_day(value: Value) -> date:
    if isinstance(value, date):
        return value
    raise Unreadable(f"{value!r} is not a day: only days can be compared or given a time")
