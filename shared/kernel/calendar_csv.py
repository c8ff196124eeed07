"""Calendars as they are written in files and sent in (日历文件)."""

import csv
from collections.abc import Iterator
from datetime import date
from typing import cast

from shared.kernel.calendar_years import (
    DayKind,
    Feasts,
    SpecialDay,
    SpecialDayRefused,
    YearPlan,
    is_weekend,
    official_year,
)


def read_years(csv_text: str) -> tuple[YearPlan, ...]:
    """Read `date,kind,name,notice` rows as announced years; a fault names its row (年度安排)."""
    rows: dict[int, list[tuple[int, SpecialDay]]] = {}
    for index, row in enumerate(_rows(csv_text, ("date", "kind"))):
        try:
            day = read_day(row["date"])
        except ValueError as fault:
            raise SpecialDayRefused(index, str(fault)) from None
        # An unknown kind is refused by the check of its year, as for days that are sent in.
        kind = cast(DayKind, row["kind"])
        if kind == "workday" and not is_weekend(day):
            # The extension of 2020 names a Monday as the first day of work: it changes nothing.
            continue
        special = SpecialDay(day, kind, row.get("name") or "", row.get("notice") or "")
        rows.setdefault(day.year, []).append((index, special))
    return tuple(_year(year, rows[year]) for year in sorted(rows))


def _year(year: int, numbered: list[tuple[int, SpecialDay]]) -> YearPlan:
    """Check one year, pointing at the row of the file rather than the day of the year."""
    try:
        return official_year(year, [special for _, special in numbered])
    except SpecialDayRefused as fault:
        raise SpecialDayRefused(numbered[fault.index][0], fault.reason) from None


def read_feasts(csv_text: str) -> tuple[Feasts, ...]:
    """Read one row a year with the days that follow the moon and the sun (农历节日, 节气)."""
    return tuple(
        Feasts(
            int(row["year"]),
            read_day(row["spring_festival"]),
            read_day(row["qingming"]),
            read_day(row["dragon_boat"]),
            read_day(row["mid_autumn"]),
        )
        for row in _rows(csv_text, Feasts._fields)
    )


def read_day(text: str) -> date:
    """Read `2026-01-05` and nothing else: week dates and compact forms are no days here."""
    if not (text and len(text) == 10 and text[4] == "-" == text[7] and text.isascii()):
        raise ValueError(f"not a day: {text!r:.60}")
    return date.fromisoformat(text)


def _rows(csv_text: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Read rows under a header that must name the columns; nothing at all is no rows."""
    reader = csv.DictReader(csv_text.removeprefix("\ufeff").splitlines())
    if reader.fieldnames and (missing := set(columns) - set(reader.fieldnames)):
        raise ValueError(f"columns missing: {', '.join(sorted(missing))}")
    try:
        yield from reader
    except csv.Error as fault:
        raise ValueError(f"not a table: {fault}") from None
