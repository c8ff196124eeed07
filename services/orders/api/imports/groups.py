"""Rows that belong together become one body (合并行): a register entry or the data of one event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from services.orders.api.imports.columns import OCCURRED_AT, Column, Kind, Layout, Place, Shape
from shared.kernel.errors import Refusal, malformed

_LINES: Final = "lines"
_LINE_IDS: Final = "line_ids"


@dataclass(slots=True)
class Row:
    """One row as read: its number in the file, a value for each filled cell, its first fault."""

    number: int
    values: dict[Column, Any]
    fault: Refusal | None = None
    skipped: bool = False


@dataclass(slots=True)
class Group:
    """The rows of one body; `places` says which row stands at which place of its lists."""

    layout: Layout
    rows: list[Row]
    body: dict[str, Any] = field(default_factory=dict)
    time: str | None = None
    fault: tuple[Row, Refusal] | None = None
    places: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return self.layout.kind

    @property
    def id(self) -> str | None:
        """The id of the register entry that the rows describe."""
        for row in self.rows:
            if self.kind.id_column in row.values:
                return str(row.values[self.kind.id_column])
        return None

    def build(self) -> None:
        """Put the body together, or keep the first fault."""
        for row in self.rows:
            if row.fault is not None:
                self.fault = (row, row.fault)
                return
        self._take_head()
        if self.fault is None:
            self._take_lines()

    def locate(self, pointer: str | None) -> tuple[Row | None, Column | None]:
        """The row and the column behind a pointer into the body or the event."""
        steps = (pointer or "").removeprefix("/data").strip("/").split("/")
        rows = self.places.get(steps[0])
        if rows is None:
            column = self._column(".".join(steps), lines=False)
            return (None if column is None else self.rows[0], column)
        if len(steps) == 1 or not steps[1].isdigit() or int(steps[1]) >= len(rows):
            return None, None
        target = "line_id" if steps[0] == _LINE_IDS else ".".join(steps[2:])
        return rows[int(steps[1])], self._column(target, lines=True)

    def _column(self, target: str, *, lines: bool) -> Column | None:
        if target == "id" and self.kind.register:
            return self.kind.id_column
        if target == "time":
            target = OCCURRED_AT
        for column in self.kind.columns:
            mine = column.place is not Place.NOTE and (column.place is Place.LINE) == lines
            if mine and (target == column.target or target.startswith(f"{column.target}.")):
                return column
        return None

    def _take_head(self) -> None:
        for column in self.kind.columns:
            if column.place not in (Place.KEY, Place.HEAD):
                continue
            given = [row for row in self.rows if column in row.values]
            if not given:
                if column.needed:
                    self.fault = (self.rows[0], missing(column))
                    return
                continue
            value = given[0].values[column]
            for row in given[1:]:
                if row.values[column] != value:
                    self.fault = (row, _disagrees(column, given[0]))
                    return
            if column.name == OCCURRED_AT:
                self.time = value
            elif not (self.kind.register and column.place is Place.KEY):
                _put(self.body, column.target, value)

    def _take_lines(self) -> None:
        match self.kind.shape:
            case Shape.LINES:
                self.body[_LINES] = [self._line(row) for row in self.rows]
                self.places[_LINES] = self.rows
            case Shape.LINE_IDS:
                self._take_line_ids()
            case Shape.BATCH:
                for heading in ("main", "backup"):
                    self.body[heading], self.places[heading] = [], []
                for row in self.rows:
                    line = self._line(row)
                    heading = line.pop("role")
                    self.body[heading].append(line)
                    self.places[heading].append(row)

    def _take_line_ids(self) -> None:
        """No such column in the sheet means the whole order; an empty cell in it is a slip."""
        column = next(c for c in self.kind.columns if c.place is Place.LINE)
        if column not in self.layout.columns:
            return
        for row in self.rows:
            if column not in row.values:
                self.fault = (row, missing(column))
                return
        self.body[_LINE_IDS] = [row.values[column] for row in self.rows]
        self.places[_LINE_IDS] = self.rows

    def _line(self, row: Row) -> dict[str, Any]:
        line: dict[str, Any] = {}
        for column, value in row.values.items():
            if column.place is Place.LINE:
                _put(line, column.target, value)
        return line


def missing(column: Column) -> Refusal:
    """A needed cell is empty."""
    return malformed(f"缺少「{column.zh}」", f"{column.name} is missing", f"/{column.name}")


def _disagrees(column: Column, first: Row) -> Refusal:
    return malformed(
        f"「{column.zh}」与第 {first.number} 行不一致, 而两行属于同一单据",
        f"{column.name} differs from row {first.number}, which belongs to the same document",
        f"/{column.name}",
    )


def _put(body: dict[str, Any], target: str, value: Any) -> None:
    *outer, last = target.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value
