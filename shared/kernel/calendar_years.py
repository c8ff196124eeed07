"""One year of the working-day calendar: as announced, or as the law alone has it (节假日安排)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Literal, NamedTuple, get_args

DayKind = Literal["holiday", "workday"]
_KINDS = get_args(DayKind)
_SATURDAY = 5
_REGULATION = "全国年节及纪念日放假办法"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that a notice names: a holiday, or a weekend day worked instead (放假, 调休上班)."""

    date: date
    kind: DayKind
    name: str
    notice: str = ""


@dataclass(frozen=True, slots=True)
class YearPlan:
    """A year's special days, and whether the State Council has announced them (年度安排)."""

    year: int
    status: Literal["official", "provisional"]
    days: tuple[SpecialDay, ...]


class Feasts(NamedTuple):
    """The days of a year that follow the moon and the sun (农历节日, 节气)."""

    year: int
    spring_festival: date
    qingming: date
    dragon_boat: date
    mid_autumn: date


class SpecialDayRefused(ValueError):
    """A day that cannot stand in the plan of a year; `index` says which one (安排有误)."""

    def __init__(self, index: int, reason: str) -> None:
        """Remember the place of the day in what was sent (序号)."""
        super().__init__(f"day {index}: {reason}")
        self.index = index
        self.reason = reason


def is_weekend(day: date) -> bool:
    """Tell Saturday and Sunday from the rest (周末)."""
    return day.weekday() >= _SATURDAY


def check_year(year: int, days: Sequence[SpecialDay]) -> None:
    """Refuse a day of another year, a day named twice, work on a weekday, an unknown kind."""
    if not MINYEAR <= year <= MAXYEAR:
        raise ValueError(f"no such year: {year}")
    seen: set[date] = set()
    for index, special in enumerate(days):
        if special.date.year != year:
            raise SpecialDayRefused(index, f"{special.date} is not in {year}")
        if special.date in seen:
            raise SpecialDayRefused(index, f"{special.date} is named twice")
        if special.kind not in _KINDS:
            raise SpecialDayRefused(index, f"{special.kind!r} is neither holiday nor workday")
        if special.kind == "workday" and not is_weekend(special.date):
            raise SpecialDayRefused(index, f"{special.date} is a working day by itself")
        seen.add(special.date)


def official_year(year: int, days: Iterable[SpecialDay]) -> YearPlan:
    """Make the plan of an announced year, in the order of its days (国务院办公厅通知)."""
    days = tuple(days)
    check_year(year, days)
    return YearPlan(year, "official", tuple(sorted(days, key=lambda special: special.date)))


def provisional_year(year: int, feasts: Feasts | None) -> YearPlan:
    """Make the plan of a year nobody has announced: what the regulation gives, no exchange."""
    names: dict[date, str] = {}
    for day, name in _statutory(year, feasts):
        # Mid-autumn may fall on a National Day; the notices then write both names.
        names[day] = f"{names[day]}、{name}" if day in names else name
    days = (SpecialDay(day, "holiday", names[day], _REGULATION) for day in sorted(names))
    return YearPlan(year, "provisional", tuple(days))


def _statutory(year: int, feasts: Feasts | None) -> Iterator[tuple[date, str]]:
    """List the statutory days by the version of the regulation in force that year (法定节假日)."""
    yield date(year, 1, 1), "元旦"
    labour_days = 2 if year >= 2025 else 1 if year >= 2008 else 3
    for number in range(1, labour_days + 1):
        yield date(year, 5, number), "劳动节"
    for number in (1, 2, 3):
        yield date(year, 10, number), "国庆节"
    if feasts is None:
        return
    # New Year's Eve was a statutory day from 2008 to 2013 and is one again since 2025.
    first = -1 if year >= 2025 or 2008 <= year < 2014 else 0
    last = 1 if 2008 <= year < 2014 else 2
    for offset in range(first, last + 1):
        yield feasts.spring_festival + timedelta(days=offset), "春节"
    if year >= 2008:
        yield feasts.qingming, "清明节"
        yield feasts.dragon_boat, "端午节"
        yield feasts.mid_autumn, "中秋节"
