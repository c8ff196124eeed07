# ruff: noqa: DTZ001 - Hypothesis wants naive bounds, and naive times are what we refuse
import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.kernel.clock import (
    BEIJING,
    day_end,
    day_start,
    due_day,
    local_day,
    local_text,
    parse_instant,
    utc_text,
)

INSTANTS = st.datetimes(
    min_value=datetime(2, 1, 2), max_value=datetime(9998, 12, 30), timezones=st.just(UTC)
)
NINE = datetime(2026, 1, 5, 1, tzinfo=UTC)

# A slow second opinion on what is an instant at all.
SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T09:00:00+08:00",
        "2026-01-05 09:00:00",
        "2026-01-05T09:00:00",
        "2026-01-05t01:00:00z",
        "2026-01-05T01:00:00Z",
        "2026-01-05T01:00:00-00:00",
        "2026-01-05 09:00:00.000+08:00",
        "2026-01-04T20:00:00.0-05:00",
    ],
)
def test_one_instant_has_many_spellings(text: str) -> None:
    assert parse_instant(text) == NINE
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2026-01-05",
        "2026-01-05T09",
        "2026-01-05T09:00",
        "2026-01-05T09:00Z",
        "20260105T090000Z",
        "2026-W02-1T09:00:00",
        "2026-W02-1",
        "2026-01-05T24:00:00",
        "2026-01-05T09:00:60Z",
        "2026-02-29T09:00:00",
        "2026-13-01T09:00:00",
        "2026-01-05T09:00:00,5",
        "2026-01-05T09:00:00.",
        "2026-01-05T09:00:00.Z",
        "2026-01-05T09:00:00.5.5",
        "2026-01-05T09:00:00+0800",
        "2026-01-05T09:00:00+08",
        "2026-01-05T09:00:00+24:00",
        "2026-01-05T09:00:00+08:60",
        "2026-01-05T09:00:00+08:00:00",
        "2026-01-05T09:00:00+08:00Z",
        "2026-01-05T09:00:00ZZ",
        "2026-01-05_09:00:00",
        " 2026-01-05 09:00:00",
        "2026-01-05 09:00:00 ",
        "2026-01-05  09:00:00",
        "２０２６-01-05T09:00:00",
        "1767574800",
        "1767574800.000000000",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-08:00",
        "2026-01-05T09:00:00+08:00\n",
        "2026-01-05T09:00:00\x00",
        None,
        1767574800,
        20.5,
        True,
        [],
        {},
        ["2026"] * 30,
    ],
)
def test_everything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(SHAPE, fullmatch=True),
        st.text(alphabet="0123456789-:T .Zz+", min_size=17, max_size=33),
        st.tuples(
            st.just("2026-01-05T09:00:00"), st.text(alphabet="0123456789:.Zz+-", max_size=12)
        ).map("".join),
    )
)
@example("2026-01-05T09:00:00.1234567+08:00")
def test_what_parses_is_what_the_shape_allows(text: str) -> None:
    match = SHAPE.fullmatch(text)
    try:
        moment = parse_instant(text)
    except ValueError:
        if match is None:
            return
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        if not 3 <= year <= 9997:
            return
        with pytest.raises(ValueError):
            datetime(year, month, day, hour, minute, second)
        return
    assert match is not None
    fraction = ((match[7] or ".")[1:] + "000000")[:6]
    zone = match[8] or "+08:00"
    offset = timedelta()
    if zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        offset = -offset if zone[0] == "-" else offset
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    zoned = datetime(year, month, day, hour, minute, second, int(fraction), timezone(offset))
    assert moment == zoned


@given(INSTANTS)
def test_every_instant_survives_both_spellings(moment: datetime) -> None:
    assert parse_instant(utc_text(moment)) == moment
    assert parse_instant(local_text(moment)) == moment
    assert utc_text(moment.astimezone(BEIJING)) == utc_text(moment)


def test_fractions_appear_only_where_not_zero() -> None:
    assert utc_text(NINE) == "2026-01-05T01:00:00Z"
    assert local_text(NINE) == "2026-01-05T09:00:00+08:00"
    half = parse_instant("2026-01-05 09:00:00.500")
    assert utc_text(half) == "2026-01-05T01:00:00.5Z"
    assert local_text(half) == "2026-01-05T09:00:00.5+08:00"
    fine = parse_instant("2026-01-05T09:00:00.123456999999")
    assert utc_text(fine) == "2026-01-05T01:00:00.123456Z"
    assert utc_text(parse_instant("2026-01-05T09:00:10.000000900")) == "2026-01-05T01:00:10Z"
    assert utc_text(parse_instant("2026-01-05T08:00:00.100")) == "2026-01-05T00:00:00.1Z"


@pytest.mark.parametrize("write", [utc_text, local_text, local_day, due_day])
def test_a_naive_time_is_refused(write: object) -> None:
    with pytest.raises(ValueError):
        write(datetime(2026, 1, 5))  # type: ignore[operator]


def test_midnight_begins_a_day_and_ends_a_deadline() -> None:
    midnight = parse_instant("2026-01-06 00:00:00")
    assert local_day(midnight) == date(2026, 1, 6)
    assert due_day(midnight) == date(2026, 1, 5)
    assert due_day(midnight + timedelta(microseconds=1)) == date(2026, 1, 6)
    assert day_end(date(2026, 1, 5)) == midnight == day_start(date(2026, 1, 6))
    assert local_day(midnight - timedelta(microseconds=1)) == date(2026, 1, 5)


@given(INSTANTS)
def test_a_day_contains_its_instants(moment: datetime) -> None:
    day = local_day(moment)
    assert day_start(day) <= moment < day_end(day)
    assert due_day(day_end(day)) == day
    assert day_end(day).tzinfo is UTC


def test_beijing_needs_no_time_zone_database() -> None:
    assert BEIJING.tzname(None) == "Asia/Shanghai"
    assert BEIJING.utcoffset(None) == timedelta(hours=8)
