"""What one cell says (单元格): a reader per sort of value; a fault names what was expected.

Readers are lenient about how people and spreadsheets write a value and strict about what it is.
Whether a value is possible (a check character, four decimals) is asked once, by the door for JSON.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from shared.kernel.clock import BEIJING, day_end, local_text, parse_instant

Read = Callable[[str], Any]
"""From the text of a filled cell to the value in the JSON body; CellFault otherwise."""

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")
_SERIAL = re.compile(r"(\d{5})(\.\d+)?")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_SEPARATORS = re.compile(r"[;；,，、|\s]+")
_SERIAL_ZERO: Final = date(1899, 12, 30)
_DAY_MILLISECONDS: Final = 86_400_000
_YEARS: Final = range(1900, 2200)


class CellFault(Exception):
    """A cell that does not say what its column asks for."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def trimmed(cell: str) -> str:
    """The cell without outer spaces, or exactly what follows a leading apostrophe.

    An apostrophe makes a spreadsheet keep a text as it is; our own sheets put one before what it
    would otherwise take for a formula, a date or a number.
    """
    return cell[1:] if cell.startswith("'") else cell.strip()


def text(cell: str) -> str:
    """Words as they stand."""
    return cell


def number(cell: str) -> str:
    """A decimal string; thousands separators and full-width digits are taken off."""
    plain = unicodedata.normalize("NFKC", cell).replace(" ", "")
    return plain.replace(",", "") if _NUMBER.fullmatch(plain) else plain


def whole(cell: str) -> int | str:
    """A whole number as such, anything else as its text."""
    plain = number(cell)
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 16 else plain


def parts(cell: str) -> list[str]:
    """A list in one cell, separated by ; 、 , or spaces."""
    return [part for part in _SEPARATORS.split(cell) if part]


def day(cell: str) -> str:
    """A day; the clock of a full instant is left out (日期)."""
    return _local_day(cell).isoformat()


def instant(cell: str) -> str:
    """An instant, RFC 3339 out; a missing zone is Beijing, a day alone is no instant (时间)."""
    found = _instant(cell)
    if found is None:
        raise CellFault(
            "应为日期加时间, 如 2026-01-05 09:30",
            "expected a day and a time, e.g. 2026-01-05 09:30",
        )
    return local_text(found)


def by_day(cell: str) -> str:
    """An instant, or a day, which then means its 24:00 (承诺日、要求到货日)."""
    found = _instant(cell)
    return local_text(day_end(_local_day(cell)) if found is None else found)


def one_of(words: dict[str, str], *, open_: bool = False) -> Read:
    """A reader of coded words: Chinese or English in, the code out; `open_` lets others through."""
    known = {_plain(word): code for word, code in words.items()}
    known |= {_plain(code): code for code in words.values()}

    def read(cell: str) -> str:
        code = known.get(_plain(cell))
        if code is None and not open_:
            raise CellFault(f"应为 {'、'.join(words)} 之一", f"expected {', '.join(codes)}")
        return cell if code is None else code

    codes = list(dict.fromkeys(words.values()))
    return read


def many_of(words: dict[str, str]) -> Read:
    """A list of coded words in one cell."""
    read = one_of(words)
    return lambda cell: [read(part) for part in parts(cell)]


def yes_or_no(cell: str) -> bool:
    """是 or 否, and what else people write for it."""
    found = _YES_NO.get(_plain(cell))
    if found is None:
        raise CellFault("应为 是 或 否", "expected yes or no")
    return found


_YES_NO: Final = {
    **dict.fromkeys(("是", "yes", "y", "true", "1", "√", "同意", "确认"), True),
    **dict.fromkeys(("否", "no", "n", "false", "0", "×", "不同意", "拒绝"), False),
}


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()


def _local_day(cell: str) -> date:
    plain = unicodedata.normalize("NFKC", cell).strip()
    found = _DAY.match(plain)
    try:
        if found is not None and found.end() == len(plain):
            return _date(found)
        moment = _instant(plain)
        if moment is not None:
            return moment.astimezone(BEIJING).date()
        if _SERIAL.fullmatch(plain):
            return _SERIAL_ZERO + timedelta(days=int(plain.partition(".")[0]))
    except (ValueError, OverflowError):
        pass
    raise CellFault("应为日期, 如 2026-01-05", "expected a day, e.g. 2026-01-05")


def _instant(cell: str) -> datetime | None:
    """The instant a cell names, if it names a time of day at all."""
    plain = unicodedata.normalize("NFKC", cell).strip()
    try:
        return parse_instant(plain)
    except ValueError:
        pass
    try:
        serial = _SERIAL.fullmatch(plain)
        if serial is not None and serial[2] is not None:
            # A spreadsheet keeps the time of day as a fraction; to the millisecond it is exact.
            since = timedelta(days=int(serial[1])) + _fraction(serial[2])
            return datetime.combine(_SERIAL_ZERO, time(), BEIJING) + since
        found = _DAY.match(plain)
        clock = None if found is None else _CLOCK.fullmatch(plain[found.end() :].strip())
        if found is None or clock is None:
            return None
        hours, minutes, seconds = (int(group or 0) for group in clock.groups())
        if (hours, minutes, seconds) == (24, 0, 0):
            return day_end(_date(found))
        return datetime.combine(_date(found), time(hours, minutes, seconds), BEIJING)
    except (ValueError, OverflowError):
        return None


def _date(found: re.Match[str]) -> date:
    year, month, day_ = (int(group) for group in found.groups() if group is not None)
    if year not in _YEARS:
        raise ValueError(f"the year {year} is a slip of the pen")
    return date(year, month, day_)


def _fraction(decimals: str) -> timedelta:
    digits = decimals[1:16]
    return timedelta(milliseconds=round(int(digits) * _DAY_MILLISECONDS / 10 ** len(digits)))
