"""The words of the mapping language: how one value is made from one row.

Each word is a small class with one method. `mapping.py` reads a TOML file into these; the file
`mappings/scms.toml` shows every word in use. Words about days: `days.py`; derived ids: `derived.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Protocol

Value = str | int | bool | date
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Unreadable(Exception):
    """This row does not give this value; the row is reported and the others go on."""


class Expression(Protocol):
    def value(self, row: Row) -> Value: ...

    def columns(self) -> frozenset[str]: ...


@dataclass(slots=True)
class Row:
    """One row with what its values may ask: cells, named values, ways to write a date."""

    number: int
    cells: Mapping[str, str]
    values: Mapping[str, Expression]
    date_formats: tuple[str, ...]
    _known: dict[str, Value] = field(default_factory=dict)

    def cell(self, column: str) -> str:
        return self.cells[column]

    def named(self, name: str) -> Value:
        if name not in self._known:
            self._known[name] = self.values[name].value(self)
        return self._known[name]

    def text(self, name: str) -> str:
        return str(self.named(name)) if name in self.values else self.cell(name)


@dataclass(frozen=True, slots=True)
class OfColumn:
    """What all words have that read one column."""

    column: str

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})


@dataclass(frozen=True, slots=True)
class Constant:
    """`"text"`, `7`, `true`: the same for every row."""

    constant: str | int | bool

    def value(self, row: Row) -> Value:
        return self.constant

    def columns(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Column(OfColumn):
    """`{ column = "Vendor" }`: the cell exactly as it stands in the file."""

    def value(self, row: Row) -> Value:
        return row.cell(self.column)


@dataclass(frozen=True, slots=True)
class Use:
    """`{ use = "hospital" }`: a value that [values] names."""

    name: str

    def value(self, row: Row) -> Value:
        return row.named(self.name)

    def columns(self) -> frozenset[str]:
        # A name that [values] does not know is reported like a missing column.
        return frozenset({self.name})


@dataclass(frozen=True, slots=True)
class Format:
    """`{ format = "scms-{ID}-placed" }`: text with columns or named values in braces."""

    template: str

    def value(self, row: Row) -> Value:
        return PLACEHOLDER.sub(lambda match: row.text(match[1]), self.template)

    def columns(self) -> frozenset[str]:
        return frozenset(PLACEHOLDER.findall(self.template))


@dataclass(frozen=True, slots=True)
class Number(OfColumn):
    """`{ number = "Pack Price" }`: a decimal string, rounded half up to `decimals` (4)."""

    decimals: int = 4

    def value(self, row: Row) -> Value:
        cell = row.cell(self.column)
        try:
            number = Decimal(cell.replace(",", "").strip())
        except InvalidOperation:
            raise Unreadable(f"{self.column}: {cell!r} is not a number") from None
        if not number.is_finite():
            raise Unreadable(f"{self.column}: {cell!r} is not a number")
        _, _, exponent = number.as_tuple()
        if isinstance(exponent, int) and -exponent > self.decimals:
            number = number.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        return f"{number:f}"


@dataclass(frozen=True, slots=True)
class Integer(OfColumn):
    """`{ integer = "Per Pack" }`: a whole number, not a string."""

    def value(self, row: Row) -> Value:
        cell = row.cell(self.column)
        try:
            return int(cell.replace(",", ""))
        except ValueError:
            raise Unreadable(f"{self.column}: {cell!r} is not a whole number") from None


@dataclass(frozen=True, slots=True)
class Lookup(OfColumn):
    """`{ lookup = "Product Group", table = { ARV = "drug" } }`: the file's word for our word."""

    table: Mapping[str, str]
    otherwise: str | None = None

    def value(self, row: Row) -> Value:
        cell = row.cell(self.column)
        found = self.table.get(cell, self.otherwise)
        if found is None:
            raise Unreadable(f"{self.column}: the mapping's table does not know {cell!r}")
        return found
