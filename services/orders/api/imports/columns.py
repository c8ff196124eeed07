"""Columns and kinds of sheets as values (列与表): what a heading means, and which sheet it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.orders.api.imports.cells import Read, text


class Place(Enum):
    """Where a column's value goes (列的位置)."""

    KEY = "key"
    """Says which rows belong together, and stands in the head of the body."""
    HEAD = "head"
    """Once a body: its rows agree, or leave it empty after the first."""
    LINE = "line"
    """Of its own row."""
    NOTE = "note"
    """For the reader of the sheet; not read back."""


class Shape(Enum):
    """What the rows of one body become (报文形状)."""

    PLAIN = "plain"
    LINES = "lines"
    LINE_IDS = "line_ids"
    BATCH = "batch"


OCCURRED_AT: Final = "occurred_at"


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column: its two headings, others that people write, how its cells are read.

    `empty` is what an empty cell says, where it says anything.
    """

    name: str
    zh: str
    read: Read = text
    place: Place = Place.LINE
    needed: bool = True
    also: tuple[str, ...] = ()
    to: str = ""
    empty: str = ""

    @property
    def target(self) -> str:
        """The member of the JSON body, with dots where it is nested."""
        return self.to or self.name


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of sheet: what its rows are, and its columns.

    `register` or `event_type` is set. `answer` names the column whose empty cell means "not yet".
    """

    name: str
    zh: str
    columns: tuple[Column, ...]
    register: str = ""
    event_type: str = ""
    shape: Shape = Shape.PLAIN
    answer: str = ""

    @property
    def id_column(self) -> Column:
        """The column that names a register entry."""
        return next(column for column in self.columns if column.place is Place.KEY)

    def headings(self) -> Mapping[str, Column]:
        """Every heading this kind understands, plain, with its column."""
        return {
            plain_heading(heading): column
            for column in self.columns
            for heading in (column.name, column.zh, *column.also)
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """A header as understood: its kind, the column under each heading, and what means nothing."""

    kind: Kind
    columns: tuple[Column | None, ...]
    header: tuple[str, ...]

    @property
    def ignored(self) -> list[str]:
        """Headings that are no column of this kind."""
        pairs = zip(self.header, self.columns, strict=True)
        return [heading for heading, column in pairs if column is None and heading]

    @property
    def missing(self) -> list[Column]:
        """Needed columns that no heading names."""
        return [c for c in self.kind.columns if c.needed and c not in self.columns]

    @property
    def doubled(self) -> list[Column]:
        """Columns that two headings name."""
        found = [column for column in self.columns if column is not None]
        return [column for column in dict.fromkeys(found) if found.count(column) > 1]

    @property
    def understood(self) -> int:
        """How many headings mean something."""
        return sum(column is not None for column in self.columns)


def plain_heading(heading: str) -> str:
    """A heading without what people add: units in brackets, stars, spaces, underscores, case."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    plain = re.sub(r"\([^()]*\)", "", plain)
    return re.sub(r"[\s_*\-:.]+", "", plain)


def lay_out(kind: Kind, header: Sequence[str]) -> Layout:
    """This header read as this kind."""
    known = kind.headings()
    columns = tuple(known.get(plain_heading(heading)) for heading in header)
    return Layout(kind, columns, tuple(heading.strip() for heading in header))


def recognise(kinds: Sequence[Kind], header: Sequence[str]) -> list[Layout]:
    """The kinds this header fits best; one when it is recognised.

    The best is the one that understands most headings, whether or not it is complete: a dispatch
    sheet with a misspelt lot number must not pass for a list of arrivals.
    """
    layouts = [lay_out(kind, header) for kind in kinds]
    most = max(layout.understood for layout in layouts)
    best = [layout for layout in layouts if layout.understood == most > 0]
    return [layout for layout in best if not layout.missing] or best
