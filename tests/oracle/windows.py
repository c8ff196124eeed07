"""The days of a window: `30d`, `90d`, `YYYY-MM`, `YYYYQn`, `YYYY`, always cut at `as_of`."""

import re
from datetime import date, timedelta


class WindowNotComplete(Exception):
    """The window begins after `as_of` (the caller answers 422 `window_not_complete`)."""


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)


def calendar_window(name: str) -> tuple[date, date]:
    """First and last day of a month, a quarter or a year."""
    if match := re.fullmatch(r"(\d{4})-(\d\d)", name):
        year, month = int(match[1]), int(match[2])
        return date(year, month, 1), month_end(year, month)
    if match := re.fullmatch(r"(\d{4})Q([1-4])", name):
        year, last = int(match[1]), 3 * int(match[2])
        return date(year, last - 2, 1), month_end(year, last)
    if re.fullmatch(r"\d{4}", name):
        return date(int(name), 1, 1), date(int(name), 12, 31)
    raise ValueError(f"not a window: {name}")


def window(name: str, as_of: date) -> tuple[date, date]:
    """First and last day, both inclusive."""
    if name in ("30d", "90d"):
        return as_of - timedelta(days=int(name[:-1]) - 1), as_of
    first, last = calendar_window(name)
    if first > as_of:
        raise WindowNotComplete(name)
    return first, min(last, as_of)
