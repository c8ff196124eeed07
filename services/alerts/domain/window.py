"""Which days a figure looks at (统计窗口): `30d`, `90d`, a month, a quarter, a year."""

from __future__ import annotations

import re
from datetime import date, timedelta

import msgspec

from shared.kernel.errors import Refusal, malformed

_FORM = re.compile(
    r"(?P<rolling>30d|90d)|(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})|Q(?P<quarter>[1-4]))?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ONE_DAY = timedelta(days=1)


class Window(msgspec.Struct, frozen=True):
    """First and last day, both inside (统计区间)."""

    first: date
    last: date


def parse_as_of(text: str | None, last_complete: date) -> date:
    """The day a figure stands at: by default the last complete local day, never later (截至日)."""
    if text is None:
        return last_complete
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        as_of = date.fromisoformat(text)
    except ValueError:
        raise malformed(
            "as_of 应为 YYYY-MM-DD 形式的日期", "as_of is a day, YYYY-MM-DD", "/as_of"
        ) from None
    if as_of > last_complete:
        raise window_not_complete(
            f"as_of 不得晚于最近一个完整日 {last_complete}",
            f"as_of may not be later than the last complete day, {last_complete}",
            "/as_of",
        )
    return as_of


def parse_window(text: str, as_of: date) -> Window:
    """The days of a window as of a day; a calendar window ends there at the latest (统计窗口)."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise _no_window()
    if form["rolling"]:
        # The calendar begins in year 1; nothing of ours lies near it.
        back = min(int(text[:-1]) - 1, as_of.toordinal() - 1)
        return Window(as_of - timedelta(days=back), as_of)
    first, last = _calendar_days(int(form["year"]), form["month"], form["quarter"])
    if first > as_of:
        raise window_not_complete(
            f"统计窗口 {text} 在 {as_of} 之后才开始",
            f"the window {text} begins after {as_of}",
            "/window",
        )
    return Window(first, min(last, as_of))


def year_to_date(as_of: date) -> Window:
    """From the first of January to the day (年初至今)."""
    return Window(date(as_of.year, 1, 1), as_of)


def window_not_complete(zh: str, en: str, pointer: str) -> Refusal:
    """The days asked for have not all passed (窗口未完整)."""
    return Refusal("window_not_complete", zh, en, pointer=pointer)


def _calendar_days(year: int, month: str | None, quarter: str | None) -> tuple[date, date]:
    try:
        if month:
            first, months = date(year, int(month), 1), 1
        elif quarter:
            first, months = date(year, 3 * int(quarter) - 2, 1), 3
        else:
            first, months = date(year, 1, 1), 12
    except ValueError:
        raise _no_window() from None
    if first.month + months > 12:
        return first, date(year, 12, 31)
    return first, first.replace(month=first.month + months) - _ONE_DAY


def _no_window() -> Refusal:
    return malformed(
        "window 应为 30d、90d、YYYY-MM、YYYYQn 或 YYYY",
        "window is 30d, 90d, YYYY-MM, YYYYQn or YYYY",
        "/window",
    )
