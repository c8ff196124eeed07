"""One field of a body (报文字段): checked, parsed, refused with its place.

`where` is the path to a value in pieces: it is put together only when something is wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from shared.kernel.clock import parse_instant
from shared.kernel.errors import Refusal, malformed
from shared.kernel.quantity import parse_price, parse_quantity

ID_MAX = 128
LINES_MAX = 1000

# A path id that begins with a hospital's.
_ORDER_ID: Final = re.compile(r"H[0-9]{11}-[A-Za-z0-9._-]{0,51}").fullmatch

# Few texts stand for most quantities and prices: remembering beats reading.
_known_quantity = lru_cache(maxsize=32_768)(parse_quantity)
_known_decimal = lru_cache(maxsize=32_768)(parse_price)


def bad(where: Sequence[str | int], zh: str, en: str) -> Refusal:
    """A malformed refusal of one field."""
    path = "/".join(map(str, where))
    return malformed(f"{path}: {zh}", f"{path}: {en}", f"/data/{path}")


def check_order_id(order_id: str, hospital_id: str | None = None) -> None:
    """A path id that begins with a hospital's, of this hospital where one is given."""
    if not _ORDER_ID(order_id):
        raise bad(
            ["order_id"],
            "应以医疗机构代码加连字符开头, 如 H36010200001-2026-000123",
            "begins with the hospital's id and a hyphen, e.g. H36010200001-2026-000123",
        )
    if hospital_id is not None and order_id[:12] != hospital_id:
        raise bad(
            ["order_id"], "应以本订单医疗机构的代码开头", "begins with this order's hospital_id"
        )


def an_id(value: str, *where: str | int, longest: int = ID_MAX) -> str:
    """A text of one to so many characters."""
    if not 0 < len(value) <= longest:
        raise bad(where, f"长度应为 1 至 {longest}", f"expected 1 to {longest} characters")
    return value


def quantity(text: str, *where: str | int) -> int:
    """Ten-thousandths of a unit, above zero."""
    try:
        return _known_quantity(text)
    except ValueError:
        raise bad(
            where,
            "应为十进制数字串, 至多 4 位小数, 且大于 0",
            "expected a decimal string, at most 4 decimals, above 0",
        ) from None


def quantity_or_zero(text: str, *where: str | int) -> int:
    """Ten-thousandths of a unit."""
    try:
        return _known_decimal(text)
    except ValueError:
        raise bad(
            where,
            "应为十进制数字串, 至多 4 位小数",
            "expected a decimal string, at most 4 decimals",
        ) from None


def price(text: str, *where: str | int) -> int:
    """Ten-thousandths of a yuan."""
    try:
        return _known_decimal(text)
    except ValueError:
        raise bad(
            where, "应为以元计的十进制数字串, 至多 4 位小数", "expected yuan, at most 4 decimals"
        ) from None


def instant(text: str | None, *where: str | int) -> datetime | None:
    """An instant, or None where there is none."""
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise bad(
            where,
            "应为 RFC 3339 或 yyyy-MM-dd HH:mm:ss 格式的时间",
            "expected RFC 3339 or yyyy-MM-dd HH:mm:ss",
        ) from None


def day(text: str, *where: str | int) -> str:
    """A date, kept as it was written."""
    try:
        if len(text) != 10:
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise bad(where, "应为 yyyy-MM-dd 格式的日期", "expected a date yyyy-MM-dd") from None
    return text


def no_repeats(ids: Sequence[Hashable], where: str) -> None:
    """At least one, not too many, none of them twice."""
    if not ids:
        raise bad([where], "至少要有一条", "names at least one")
    if len(ids) > LINES_MAX:
        raise bad([where], f"至多 {LINES_MAX} 条", f"at most {LINES_MAX}")
    if len(set(ids)) != len(ids):
        second = next(n for n, one in enumerate(ids) if one in ids[:n])
        raise bad([where, second], "同一明细出现两次", "the same line stands twice")
