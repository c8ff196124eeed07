"""The calendar that travels with the product (随附工作日历)."""

from functools import cache
from importlib.resources import files

from shared.kernel.calendar import WorkCalendar, parse_special_days


@cache
def shipped_calendar() -> WorkCalendar:
    """Read the announced years and the statutory days packed beside the kernel (随附工作日历)."""
    folder = files("shared.kernel") / "data"
    return parse_special_days(
        (folder / "work_calendar_cn.csv").read_text("utf-8"),
        (folder / "statutory_days.csv").read_text("utf-8"),
    )
