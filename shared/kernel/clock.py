"""Instants and local days (业务时间, 北京时间).

Everything is stored in UTC; every "day" is a local day in Asia/Shanghai, which has had no summer
time since 1991, so a fixed offset is exact and needs no time zone database.
"""

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta, timezone
from functools import lru_cache

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

_MIDNIGHT = datetime.min.time()
_ONE_DAY = timedelta(days=1)
_INSTANT_BEFORE = timedelta(microseconds=1)
# The outermost years are left out, so that a local day or a deadline can always be computed.
_YEARS = range(MINYEAR + 1, MAXYEAR)


def parse_instant(text: str) -> datetime:
    """Read RFC 3339 or `yyyy-MM-dd HH:mm:ss` as UTC; a missing zone is Beijing (业务发生时间)."""
    try:
        # The shape is checked by position: `fromisoformat` alone would also take week dates,
        # compact forms, decimal commas and offsets with seconds.
        if not (
            text[4] == "-" == text[7]
            and text[10] in "T t"
            and text[13] == ":" == text[16]
            and text.isascii()
        ):
            raise ValueError(text)
        zone = _zone_at(text)
        if zone == len(text):
            moment = datetime.fromisoformat(text + "+08:00")
        elif text[zone] in "Zz" and zone + 1 == len(text):
            moment = datetime.fromisoformat(text.upper())
        elif text[zone + 3] == ":" and text[zone + 4] < "6" and zone + 6 == len(text):
            moment = datetime.fromisoformat(text)
        else:
            raise ValueError(text)
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
        if moment.year not in _YEARS:
            raise ValueError(text)
        return moment
    except (ValueError, LookupError, OverflowError, TypeError, AttributeError):
        raise ValueError(f"not an instant: {text!r:.60}") from None


def _zone_at(text: str) -> int:
    """Find where the zone of a well-shaped instant begins."""
    if len(text) == 19 or text[19] != ".":
        return 19
    end = 20
    while end < len(text) and text[end].isdigit():
        end += 1
    if end == 20:
        raise ValueError(text)
    return end


def utc_text(moment: datetime) -> str:
    """Write an instant as `2026-01-05T01:00:00Z`, a fraction only where it is not zero."""
    moment = moment if moment.tzinfo is UTC else _aware(moment).astimezone(UTC)
    text = moment.isoformat()[:-6]
    return (text.rstrip("0") if moment.microsecond else text) + "Z"


def local_text(moment: datetime) -> str:
    """Write an instant as `2026-01-05T09:00:00+08:00` (北京时间)."""
    text = _aware(moment).astimezone(BEIJING).isoformat()[:-6]
    return (text.rstrip("0") if moment.microsecond else text) + "+08:00"


def local_day(moment: datetime) -> date:
    """Give the day an instant falls on; 00:00:00 belongs to the day that begins (当日)."""
    return _aware(moment).astimezone(BEIJING).date()


def day_start(day: date) -> datetime:
    """Give 00:00 of a local day (当日零时)."""
    return datetime.combine(day, _MIDNIGHT, BEIJING).astimezone(UTC)


def day_end(day: date) -> datetime:
    """Give 24:00 of a local day, which is where deadlines stand (当日24时)."""
    return day_start(day) + _ONE_DAY


@lru_cache(maxsize=4096)  # a fold asks for the same dues again and again
def due_day(due: datetime) -> date:
    """Give the day a deadline ends: exactly 24:00 belongs to the day before it (到期日)."""
    return local_day(due - _INSTANT_BEFORE)


def _aware(moment: datetime) -> datetime:
    """Refuse a naive datetime, which Python would read in the machine's own zone."""
    if moment.tzinfo is None:
        raise ValueError(f"no zone: {moment!r}")
    return moment
