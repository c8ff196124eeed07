"""Which days a figure looks at."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.window import Window, parse_as_of, parse_window, year_to_date
from shared.kernel.errors import Refusal

AS_OF = date(2026, 5, 20)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("30d", date(2026, 4, 21), AS_OF),
        ("90d", date(2026, 2, 20), AS_OF),
        ("2026-04", date(2026, 4, 1), date(2026, 4, 30)),
        ("2026-05", date(2026, 5, 1), AS_OF),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31)),
        ("2026Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026Q2", date(2026, 4, 1), AS_OF),
        ("2025Q4", date(2025, 10, 1), date(2025, 12, 31)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2026", date(2026, 1, 1), AS_OF),
        ("0001", date(1, 1, 1), date(1, 12, 31)),
    ],
)
def test_a_window_ends_at_its_last_day_or_at_as_of(text: str, first: date, last: date) -> None:
    assert parse_window(text, AS_OF) == Window(first, last)


@pytest.mark.parametrize("text", ["2026-06", "2026Q3", "2027", "9999"])
def test_a_window_that_begins_after_as_of_is_not_complete(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_window(text, AS_OF)
    assert refusal.value.code == "window_not_complete"
    assert refusal.value.pointer == "/window"


@pytest.mark.parametrize(
    "text",
    ["", "30", "60d", "30D", "2026-13", "2026-00", "2026Q0", "2026Q5", "2026-1", "26", "0000",
     "0000-01", "2026-01-01", " 30d", "30d\n", "２０２６", "2026q1", "-2026"],
)  # fmt: skip
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_window(text, AS_OF)
    assert refusal.value.code == "malformed"


def test_a_window_that_begins_on_as_of_is_one_day() -> None:
    assert parse_window("2026-05", date(2026, 5, 1)) == Window(date(2026, 5, 1), date(2026, 5, 1))


def test_as_of_defaults_to_the_last_complete_day_and_may_not_be_later() -> None:
    assert parse_as_of(None, AS_OF) == AS_OF
    assert parse_as_of("2026-05-20", AS_OF) == AS_OF
    assert parse_as_of("2020-02-29", AS_OF) == date(2020, 2, 29)
    with pytest.raises(Refusal) as refusal:
        parse_as_of("2026-05-21", AS_OF)
    assert refusal.value.code == "window_not_complete"


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "20260520", "2026-W20-3", "2026-5-20", "2026-05-20T00:00:00", "now"]
)
def test_an_as_of_that_is_no_day_is_malformed(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_as_of(text, AS_OF)
    assert refusal.value.code == "malformed"


@given(st.text(max_size=12), st.dates())
def test_no_text_is_ever_a_fault(text: str, as_of: date) -> None:
    try:
        window = parse_window(text, as_of)
    except Refusal:
        return
    assert window.first <= window.last <= as_of


@given(st.sampled_from(["30d", "90d"]), st.dates())
def test_rolling_windows_stand_even_at_the_beginning_of_the_calendar(
    text: str, as_of: date
) -> None:
    assert parse_window(text, as_of).last == as_of


@given(st.dates())
def test_the_year_to_date_begins_on_new_years_day(as_of: date) -> None:
    year = year_to_date(as_of)
    assert (year.first.month, year.first.day) == (1, 1)
    assert year.first <= year.last == as_of
