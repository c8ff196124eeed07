"""Codes of organisations and places (统一社会信用代码, 行政区划代码, 定点医疗机构代码).

The checks take any decoded JSON value, so that a number where a code belongs is simply no code.
"""

from functools import lru_cache
from operator import mul
from typing import TypeGuard

# I, O, S, V and Z are left out by GB 32100; a character's value is its place.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


def is_hospital_id(value: object) -> TypeGuard[str]:
    """Tell whether this is an H and eleven digits (定点医疗机构代码)."""
    return (
        isinstance(value, str)
        and len(value) == 12
        and value[0] == "H"
        and value.isascii()
        and value[1:].isdigit()
    )


def is_uscc(value: object) -> TypeGuard[str]:
    """Tell whether this is an 18-character code with its check character (统一社会信用代码)."""
    return isinstance(value, str) and len(value) == 18 and _has_check_character(value)


# A few thousand enterprises send millions of facts: remembering beats multiplying.
@lru_cache(maxsize=16_384)
def _has_check_character(code: str) -> bool:
    """Compare the last character with the one the first seventeen ask for (校验码)."""
    try:
        return code[2:8].isdigit() and check_digit_uscc(code[:17]) == code[17]
    except ValueError:
        return False


def check_digit_uscc(first17: str) -> str:
    """Compute the 18th character of a code by GB 32100 (校验码)."""
    if len(first17) != 17:
        raise ValueError(f"not 17 characters: {first17!r:.60}")
    try:
        total = sum(map(mul, map(_USCC_VALUES.__getitem__, first17), _USCC_WEIGHTS))
    except KeyError:
        raise ValueError(f"not in the alphabet of GB 32100: {first17!r}") from None
    return _USCC_ALPHABET[-total % 31]


def is_division(value: object) -> TypeGuard[str]:
    """Tell whether this is a six-digit division (行政区划代码)."""
    return isinstance(value, str) and len(value) == 6 and value.isascii() and value.isdigit()


def division_of(hospital_id: str) -> str:
    """Give the division that a hospital's id carries (所属区划)."""
    return hospital_id[1:7]


def subtree_prefix(division: str) -> str:
    """Give the digits all divisions below this one begin with (省、市、县前缀)."""
    if division.endswith("0000"):
        return division[:2]
    if division.endswith("00"):
        return division[:4]
    return division


def covers(area: str, division: str) -> bool:
    """Tell whether a division lies in an area: province, city or county (管辖范围)."""
    return division.startswith(subtree_prefix(area))


def pool_of(hospital_id: str) -> str:
    """Give the fund pool that pays for a hospital: its city, or the province (统筹区)."""
    city = hospital_id[1:5]
    # Written without a special case: 3600xx pads to 360000, the province's own pool.
    return city + "00"


def is_path_id(value: object, extra: str = "") -> TypeGuard[str]:
    """Tell whether an id may stand in a path; `extra` characters are allowed after the first."""
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isascii():
        return False
    if not value[0].isalnum():
        return False
    for allowed in "-._" + extra:
        value = value.replace(allowed, "0")
    return value.isalnum()
