"""Ids for organisations that have a name but no code.

Old files name their parties; the platform wants codes. An id derived from the name is the same
on every run and on every machine, so importing a file twice changes nothing.
"""

from __future__ import annotations

import hashlib

__all__ = ["hospital_code", "is_uscc", "short_hash", "uscc", "uscc_check_character"]

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: no I, O, Z, S, V."""
USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11714, the organisation code (组织机构代码) inside a USCC."""
ENTERPRISE = "91"


def hospital_code(name: str, pool: str, salt: str = "") -> str:
    """A stable hospital code (`H`, the division's six digits, five more) within a pool division."""
    return f"H{pool}{_number(salt + name) % 100_000:05d}"


def uscc(name: str, division: str, salt: str = "") -> str:
    """A stable, valid unified social credit code (统一社会信用代码) derived from a name."""
    number = _number(salt + name)
    body = ""
    for _ in range(8):
        number, digit = divmod(number, len(USCC_ALPHABET))
        body += USCC_ALPHABET[digit]
    seventeen = f"{ENTERPRISE}{division}{body}{_organisation_check_character(body)}"
    return seventeen + uscc_check_character(seventeen)


def short_hash(*parts: str) -> str:
    """Twelve hex digits that stand for some texts; the parts cannot run into one another."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def is_uscc(code: str) -> bool:
    return (
        len(code) == 18
        and code[:8].isdigit()
        and all(c in USCC_ALPHABET for c in code)
        and code[17] == uscc_check_character(code[:17])
    )


def uscc_check_character(seventeen: str) -> str:
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(seventeen, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def _organisation_check_character(eight: str) -> str:
    # Here letters count from A=10 without gaps, unlike in the outer check.
    total = sum(int(c, 36) * w for c, w in zip(eight, ORGANISATION_WEIGHTS, strict=True))
    value = 11 - total % 11
    return {10: "X", 11: "0"}.get(value, str(value))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
