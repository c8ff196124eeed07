"""How values stand on the wire: instants, days, decimals, identifiers. Anything else is Malformed.

Readings
- "A missing zone means Asia/Shanghai" holds for both written forms (`T` and blank).
- A fraction finer than a microsecond is cut. `24:00:00` and a leap second are malformed.
- A decimal has digits before its point, no sign, no exponent, at most 4 decimals, and is a string.
- Ids that stand in a path follow the path's pattern; other ids (line, delivery, receipt, return,
  invoice, event) are any non-empty string.
- An order id that does not begin with `H`, 11 digits and a hyphen is malformed in every event.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
DECIMAL = re.compile(r"\d+(\.\d{1,4})?", re.ASCII)
PATH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HOSPITAL_ID = re.compile(r"H\d{11}", re.ASCII)
ORDER_ID = re.compile(r"H\d{11}-.+", re.ASCII)


class Malformed(Exception):
    """The value is not what the contract says it is."""


def demand(condition: bool, why: str) -> None:
    """Malformed unless the condition holds."""
    if not condition:
        raise Malformed(why)


def parse_time(text: Any) -> datetime:
    """An instant in local time; a date alone is malformed."""
    demand(isinstance(text, str), "a time is a string")
    match = TIME.fullmatch(text)
    demand(match is not None, f"not a time: {text!r}")
    assert match is not None
    day, hour, minute, second, fraction, zone = match.groups()
    micro = int(((fraction or "") + "000000")[:6])
    try:
        naive = datetime.combine(parse_day(day), datetime.min.time())
        naive = naive.replace(
            hour=int(hour), minute=int(minute), second=int(second), microsecond=micro
        )
    except ValueError as error:
        raise Malformed(str(error)) from None
    if zone is None:
        return naive.replace(tzinfo=SHANGHAI)
    if zone in "Zz":
        return naive.replace(tzinfo=UTC).astimezone(SHANGHAI)
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    demand(shift < timedelta(hours=24) and int(zone[4:6]) < 60, f"not an offset: {zone}")
    return naive.replace(tzinfo=timezone(-shift if zone[0] == "-" else shift)).astimezone(SHANGHAI)


def parse_day(text: Any) -> date:
    """A calendar day, `yyyy-MM-dd`."""
    demand(isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None, "a day")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Malformed(str(error)) from None


def parse_decimal(text: Any, *, zero: bool = False) -> Decimal:
    """A quantity (above zero) or, with `zero`, a price or a count at a receipt."""
    demand(isinstance(text, str) and DECIMAL.fullmatch(text) is not None, f"a decimal: {text!r}")
    number = Decimal(text)
    demand(zero or number > 0, f"must be above zero: {text}")
    return number


def shortest(number: Decimal) -> str:
    """A sum as it is shown: no exponent, no trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def string(value: Any, what: str) -> str:
    """A non-empty string."""
    demand(isinstance(value, str) and value != "", f"{what} is a non-empty string")
    return value


def order_id(value: Any) -> str:
    """An order id: fit for a path, led by a hospital's id and a hyphen."""
    text = string(value, "order_id")
    demand(PATH_ID.fullmatch(text) is not None and ORDER_ID.fullmatch(text) is not None, "order_id")
    return text
