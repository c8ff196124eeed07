"""Words of the mapping language that derive an id from what the file has: a name."""

from __future__ import annotations

from dataclasses import dataclass

from jicai.imports.ids import hospital_code, short_hash, uscc
from jicai.imports.values import OfColumn, Row, Unreadable, Value


@dataclass(frozen=True, slots=True)
class HospitalCode(OfColumn):
    """`{ hospital_code = "Country", pool = "369900" }`: a stable code from a name."""

    pool: str
    salt: str = ""

    def value(self, row: Row) -> Value:
        return hospital_code(_name(self.column, row), self.pool, self.salt)


@dataclass(frozen=True, slots=True)
class Uscc(OfColumn):
    """`{ uscc = "Vendor", division = "369900" }`: a stable, valid USCC from a name."""

    division: str
    salt: str = ""

    def value(self, row: Row) -> Value:
        return uscc(_name(self.column, row), self.division, self.salt)


@dataclass(frozen=True, slots=True)
class ShortHash:
    """`{ short_hash = ["Item", "Maker"], prefix = "P-" }`: an id that some columns decide."""

    parts: tuple[str, ...]
    prefix: str = ""

    def value(self, row: Row) -> Value:
        return self.prefix + short_hash(*(row.cell(part) for part in self.parts))

    def columns(self) -> frozenset[str]:
        return frozenset(self.parts)


def _name(column: str, row: Row) -> str:
    name = row.cell(column)
    if not name.strip():
        raise Unreadable(f"{column} is empty")
    return name
