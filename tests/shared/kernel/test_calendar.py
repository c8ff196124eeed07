import csv
import json
from dataclasses import FrozenInstanceError
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.calendar import MOST_WORKDAYS, WorkCalendar, parse_special_days
from shared.kernel.calendar_years import SpecialDay, SpecialDayRefused, check_year
from shared.kernel.clock import day_end, due_day, local_text
from shared.store.calendar_files import shipped_calendar

TESTS = Path(__file__).parents[2]
VECTORS = TESTS / "vectors"
CSV = TESTS.parent / "shared" / "kernel" / "data" / "work_calendar_cn.csv"
GIVEN = TESTS.parent.parent / "shared"
CALENDAR = shipped_calendar()
ONE_DAY = timedelta(days=1)
DAYS = st.dates(date(2020, 1, 1), date(2026, 12, 31))


def golden(name: str) -> list[dict[str, str]]:
    cases: list[dict[str, str]] = json.loads((VECTORS / name).read_text())["cases"]
    return cases


def new_year(year: int) -> SpecialDay:
    return SpecialDay(date(year, 1, 1), "holiday", "元旦", "国办发明电")


@cache
def special() -> dict[date, str]:
    with CSV.open(encoding="utf-8") as file:
        return {date.fromisoformat(row["date"]): row["kind"] for row in csv.DictReader(file)}


def works(day: date) -> bool:
    kind = special().get(day)
    return day.weekday() < 5 if kind is None else kind == "workday"


def counted_by_hand(day: date, n: int) -> date:
    while n:
        day += ONE_DAY
        n -= works(day)
    return day


@pytest.mark.parametrize("case", golden("working_days.json"), ids=lambda case: case["from"])
def test_golden_working_days(case: dict[str, str]) -> None:
    start, n = date.fromisoformat(case["from"]), int(case["workdays"])
    assert CALENDAR.workdays_after(start, n) == date.fromisoformat(case["to"])
    assert CALENDAR.deadline(start, n) == day_end(date.fromisoformat(case["to"]))


@pytest.mark.parametrize("case", golden("lead_time.json"), ids=lambda case: case["published"])
def test_golden_lead_times(case: dict[str, str]) -> None:
    published = date.fromisoformat(case["published"])
    earliest = CALENDAR.earliest_after(published, 20)
    assert CALENDAR.is_provisional(published, earliest) == ("provisional" in case)
    if "earliest" in case:
        assert earliest == date.fromisoformat(case["earliest"])
        assert CALENDAR.workdays_between(published, earliest) == 20
        assert CALENDAR.workdays_between(published, earliest - ONE_DAY) == 19


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20])
def test_every_deadline_agrees_with_counting_by_hand(n: int) -> None:
    day = date(2024, 1, 1)
    # Where a count would leave 2026 the file says nothing; the last days are left to provisional.
    while day <= date(2026, 12, 31) and (end := counted_by_hand(day, n)).year < 2027:
        assert CALENDAR.workdays_after(day, n) == end
        assert CALENDAR.deadline(day, n) == day_end(end)
        assert due_day(CALENDAR.deadline(day, n)) == end
        assert CALENDAR.workdays_between(day, end) == n - 1
        assert CALENDAR.is_workday(day) == works(day)
        assert not CALENDAR.is_provisional(day, end)
        trail = CALENDAR.explain(day, n)
        assert [step.date for step in trail if step.counted][-1] == end == trail[-1].date
        assert all(step.counted == works(step.date) for step in trail)
        day += ONE_DAY


def test_working_days_of_a_year_are_those_of_the_notices() -> None:
    def count(year: int) -> int:
        return CALENDAR.workdays_between(date(year - 1, 12, 31), date(year + 1, 1, 1))

    assert [count(year) for year in (2024, 2025, 2026)] == [251, 248, 248]


def test_a_deadline_stands_at_the_end_of_the_day() -> None:
    assert local_text(CALENDAR.deadline(date(2024, 9, 12), 2)) == "2024-09-15T00:00:00+08:00"


@given(DAYS, st.integers(0, 400))
def test_deadlines_never_go_back(day: date, n: int) -> None:
    assert CALENDAR.workdays_after(day, n) <= CALENDAR.workdays_after(day + ONE_DAY, n)
    assert CALENDAR.workdays_after(day, n) < CALENDAR.workdays_after(day, n + 1)
    assert CALENDAR.workdays_after(day, 0) == day


@given(DAYS, st.integers(1, 600))
def test_counting_there_is_counting_back(day: date, n: int) -> None:
    end = CALENDAR.workdays_after(day, n)
    assert CALENDAR.workdays_between(day, end) == n - 1
    assert CALENDAR.workdays_between(day, end + ONE_DAY) == n
    assert CALENDAR.is_workday(end)


@given(DAYS, DAYS)
def test_days_between_are_counted_strictly(first: date, last: date) -> None:
    inner = [first + ONE_DAY * step for step in range(1, (last - first).days)]
    assert CALENDAR.workdays_between(first, last) == sum(map(works, inner))


def test_a_deadline_explains_itself() -> None:
    trail = CALENDAR.explain(date(2026, 9, 18), 5)
    assert [(step.date.isoformat()[5:], step.counted, step.reason) for step in trail] == [
        ("09-19", False, "weekend"),
        ("09-20", True, "make-up workday"),
        ("09-21", True, "workday"),
        ("09-22", True, "workday"),
        ("09-23", True, "workday"),
        ("09-24", True, "workday"),
    ]
    assert [step.reason for step in CALENDAR.explain(date(2026, 9, 24), 1)] == [
        *("中秋节", "中秋节", "中秋节"),
        "workday",
    ]
    assert CALENDAR.explain(date(2026, 9, 24), 0) == []


def test_a_year_nobody_announced_is_provisional() -> None:
    plan = CALENDAR.year(2027)
    assert plan.status == "provisional"
    assert [(day.date.isoformat()[5:], day.name) for day in plan.days] == [
        ("01-01", "元旦"),
        *((f"02-0{day}", "春节") for day in (5, 6, 7, 8)),
        ("04-05", "清明节"),
        *(("05-01", "劳动节"), ("05-02", "劳动节")),
        ("06-09", "端午节"),
        ("09-15", "中秋节"),
        *((f"10-0{day}", "国庆节") for day in (1, 2, 3)),
    ]
    assert CALENDAR.year(2026).status == "official"
    assert CALENDAR.is_provisional(date(2026, 12, 31), date(2027, 1, 1))
    assert not CALENDAR.is_provisional(date(2020, 1, 1), date(2026, 12, 31))
    assert CALENDAR.is_provisional(date(2019, 12, 31), date(2026, 12, 31))
    assert CALENDAR.is_provisional(date(2020, 1, 1), date(9999, 12, 31))


def test_the_day_after_the_last_announced_one_is_all_a_lead_time_may_touch() -> None:
    assert CALENDAR.workdays_after(date(2026, 12, 3), 20) == date(2026, 12, 31)
    assert CALENDAR.workdays_after(date(2026, 12, 4), 20).year == 2027


def test_outside_the_table_only_fixed_days_are_known() -> None:
    assert [day.date.isoformat()[5:] for day in CALENDAR.year(2041).days] == [
        *("01-01", "05-01", "05-02", "10-01", "10-02", "10-03")
    ]


def test_older_regulations_had_other_days() -> None:
    def spring(year: int) -> list[str]:
        return [d.date.isoformat() for d in CALENDAR.year(year).days if d.name == "春节"]

    assert spring(2007) == ["2007-02-18", "2007-02-19", "2007-02-20"]
    assert spring(2013) == ["2013-02-09", "2013-02-10", "2013-02-11"]
    assert spring(2019) == ["2019-02-05", "2019-02-06", "2019-02-07"]
    labour = [d.date.day for d in CALENDAR.year(2019).days if d.name == "劳动节"]
    assert labour == [1]


def test_two_feasts_on_one_day_share_it() -> None:
    names = {day.date: day.name for day in CALENDAR.year(2031).days}
    assert names[date(2031, 10, 1)] == "国庆节、中秋节"


@pytest.mark.parametrize("year", range(2020, 2027))
def test_announced_years_contain_the_statutory_days(year: int) -> None:
    bare = WorkCalendar((), CALENDAR.feasts)
    for day in bare.year(year).days:
        assert special()[day.date] == "holiday", day
        assert not CALENDAR.is_workday(day.date)


def test_announcing_a_year_makes_another_version() -> None:
    days = [new_year(2027), SpecialDay(date(2027, 1, 3), "workday", "元旦", "国办发明电")]
    announced = CALENDAR.with_year(2027, days)
    assert announced.version != CALENDAR.version
    assert announced.year(2027).status == "official"
    assert not announced.is_provisional(date(2026, 12, 31), date(2027, 12, 31))
    assert announced.is_workday(date(2027, 1, 3))
    assert announced.is_workday(date(2027, 2, 5))
    assert not CALENDAR.is_workday(date(2027, 1, 3))
    assert announced.year(2028) == CALENDAR.year(2028)
    again = CALENDAR.with_year(2027, reversed(days))
    assert again == announced
    assert again.version == announced.version
    assert hash(again) == hash(announced)
    assert announced.with_year(2027, days[:1]).version not in (announced.version, CALENDAR.version)
    assert CALENDAR.with_year(2026, CALENDAR.year(2026).days).version == CALENDAR.version


def test_versions_do_not_depend_on_the_order_years_came_in() -> None:
    one = WorkCalendar().with_year(2027, [new_year(2027)]).with_year(2028, [new_year(2028)])
    two = WorkCalendar().with_year(2028, [new_year(2028)]).with_year(2027, [new_year(2027)])
    assert one.version == two.version
    assert one.version != WorkCalendar().version
    assert WorkCalendar().with_year(2029, []).version != WorkCalendar().version


def test_a_calendar_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CALENDAR.official = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        SpecialDay(date(2028, 1, 1), "holiday", "元旦"),
        SpecialDay(date(2027, 1, 1), "workday", "元旦"),
        SpecialDay(date(2027, 1, 4), "workday", "元旦"),
        SpecialDay(date(2027, 1, 2), "day off", "元旦"),  # type: ignore[arg-type]
    ],
    ids=["another year", "named twice", "works anyway", "unknown kind"],
)
def test_a_faulty_day_is_named_by_its_place(wrong: SpecialDay) -> None:
    days = [new_year(2027), wrong]
    with pytest.raises(SpecialDayRefused) as refused:
        check_year(2027, days)
    assert refused.value.index == 1
    with pytest.raises(ValueError, match="day 1"):
        CALENDAR.with_year(2027, days)


@pytest.mark.parametrize("year", [0, -1, 10_000])
def test_a_year_must_be_a_year(year: int) -> None:
    with pytest.raises(ValueError):
        check_year(year, [])


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("date,kind\n2027-01-01,holiday\n2026-01-01,holiday\n2027-01-01,holiday\n", 2),
        ("date,kind\n2027-01-01,holiday\n20270102,holiday\n", 1),
        ("date,kind\n2027-01-01,rest\n", 0),
        ("date,kind\n2027-W01-1,holiday\n", 0),
        ("date,kind\n2027-01-01\n", 0),
    ],
)
def test_a_faulty_row_is_named_by_its_place(text: str, index: int) -> None:
    with pytest.raises(SpecialDayRefused) as refused:
        parse_special_days(text)
    assert refused.value.index == index


def test_tables_without_their_columns_are_refused() -> None:
    assert parse_special_days("") == WorkCalendar()
    with pytest.raises(ValueError, match="kind"):
        parse_special_days("date,name\n2027-01-01,x\n")


def test_counting_is_bounded() -> None:
    for n in (-1, MOST_WORKDAYS + 1):
        with pytest.raises(ValueError):
            CALENDAR.workdays_after(date(2026, 1, 1), n)
    with pytest.raises(ValueError):
        CALENDAR.workdays_after(date(9999, 12, 1), 40)
    with pytest.raises(ValueError):
        CALENDAR.earliest_after(date.max, 0)
    with pytest.raises(ValueError):
        CALENDAR.workdays_between(date.min, date.max)
    assert CALENDAR.workdays_between(date.max, date.min) == 0
    idle = [
        date.fromordinal(n)
        for n in range(date(2027, 1, 1).toordinal(), date(2028, 1, 1).toordinal())
    ]
    closed = CALENDAR.with_year(2027, [SpecialDay(day, "holiday", "停工") for day in idle])
    assert closed.workdays_after(date(2026, 12, 31), 1) == date(2028, 1, 3)


def test_the_shipped_years_are_read_once_and_in_order() -> None:
    assert shipped_calendar() is CALENDAR
    assert [plan.year for plan in CALENDAR.official] == list(range(2020, 2027))
    for plan in CALENDAR.official:
        assert all(one.date < two.date for one, two in pairwise(plan.days))
        check_year(plan.year, plan.days)


@pytest.mark.skipif(not GIVEN.is_dir(), reason="a clone without the shared folder beside it")
@pytest.mark.parametrize("copy", [*sorted(VECTORS.glob("*.json")), CSV], ids=lambda path: path.name)
def test_our_copies_are_what_was_given(copy: Path) -> None:
    folders = [GIVEN / "data", GIVEN / "vectors"]
    given = next((f / copy.name for f in folders if (f / copy.name).exists()), None)
    if given is None:
        pytest.skip("not one of the given files")
    assert copy.read_bytes() == given.read_bytes()
