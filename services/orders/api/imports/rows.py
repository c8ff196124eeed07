"""A file as rows and groups (读取表格): header, kind, cells; nothing is asked of the database here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.orders.api.imports.cells import CellFault, trimmed
from services.orders.api.imports.columns import (
    Column,
    Layout,
    Place,
    lay_out,
    plain_heading,
    recognise,
)
from services.orders.api.imports.groups import Group, Row, missing
from services.orders.api.imports.kinds import BY_NAME, KINDS
from shared.kernel.errors import Problem, malformed
from shared.runtime.tables import UnreadableTable, table_rows

ROWS_MAX: Final = 10_000
COLUMNS_MAX: Final = 256
_BLANK_ROWS: Final = 1_000
"""So many rows may stand empty between the others."""


@dataclass(slots=True)
class Sheet:
    """A file as understood."""

    layout: Layout
    rows: list[Row]
    groups: list[Group]


def read_sheet(content: bytes, kind: str | None) -> Sheet:
    """The sheet in these bytes; a Problem when it cannot be read or is of no known kind."""
    if kind is not None and kind not in BY_NAME:
        raise _unknown(f"没有名为 {kind:.60} 的表", f"there is no sheet named {kind:.60}", [])
    try:
        table = table_rows(content, rows_max=ROWS_MAX + _BLANK_ROWS + 1, columns_max=COLUMNS_MAX)
        numbered = [(n, cells) for n, cells in enumerate(table, 1) if any(map(trimmed, cells))]
    except UnreadableTable as reason:
        raise _unreadable(reason) from None
    if not numbered:
        raise _unknown("文件是空的", "the file is empty", [])
    header, *data = numbered
    if len(data) > ROWS_MAX:
        raise Problem(
            413, "batch_too_large", f"一次至多 {ROWS_MAX} 行; 请拆分后上传",
            f"at most {ROWS_MAX} rows at once; send the sheet in parts",
        )  # fmt: skip
    layout = _understand(header[1], kind)
    rows = [read_row(layout, number, cells) for number, cells in data]
    return Sheet(layout, rows, group(layout, rows))


def _understand(header: Sequence[str], kind: str | None) -> Layout:
    layouts = recognise(KINDS, header) if kind is None else [lay_out(BY_NAME[kind], header)]
    if len(layouts) != 1:
        raise _unknown(
            "无法从表头识别是哪种表", "the headings do not tell which sheet this is", layouts
        )
    layout = layouts[0]
    if layout.missing:
        zh = "、".join(column.zh for column in layout.missing)
        en = ", ".join(column.name for column in layout.missing)
        raise _unknown(
            f"{layout.kind.zh}表缺少列: {zh}", f"a sheet of {layout.kind.name} lacks: {en}", layouts
        )
    if layout.doubled:
        zh = "、".join(column.zh for column in layout.doubled)
        en = ", ".join(column.name for column in layout.doubled)
        raise _unknown(f"有两列都表示: {zh}", f"two columns both mean: {en}", layouts)
    return layout


def read_row(layout: Layout, number: int, cells: Sequence[str]) -> Row:
    """One row; its first fault is kept with it."""
    row = Row(number, {})
    for heading, column, cell in zip(layout.header, layout.columns, cells, strict=False):
        said = trimmed(cell)
        if column is None or column.place is Place.NOTE:
            continue
        try:
            if said or column.empty:
                row.values[column] = column.read(said or column.empty)
        except CellFault as fault:
            row.fault = row.fault or malformed(
                f"「{heading}」{fault.zh}, 而不是 {said:.40}",
                f"{column.name}: {fault.en}, not {said:.40}",
                f"/{column.name}",
            )
    _judge_empty(layout, row)
    return row


def _judge_empty(layout: Layout, row: Row) -> None:
    """An answer that nobody has given yet is no fault; any other needed cell that is empty is."""
    kind = layout.kind
    given = {column.name for column in row.values if column.place is Place.LINE}
    if kind.answer and row.fault is None and given <= {"line_id"}:
        row.skipped = True
        return
    for column in kind.columns:
        if column.needed and column.place is not Place.HEAD and column not in row.values:
            row.fault = row.fault or missing(column)


def group(layout: Layout, rows: Iterable[Row]) -> list[Group]:
    """The rows by what they belong to, in the order of the file; each group with its body."""
    keys = [column for column in layout.kind.columns if column.place is Place.KEY]
    groups: dict[tuple[object, ...], Group] = {}
    for row in rows:
        if row.skipped:
            continue
        # Who does not say where it belongs is alone, and hurts nobody.
        key = tuple(row.values[c] for c in keys) if _has(row, keys) else (row.number,)
        groups.setdefault(key, Group(layout, [])).rows.append(row)
    for found in groups.values():
        found.build()
    return list(groups.values())


def _has(row: Row, keys: Sequence[Column]) -> bool:
    return all(column in row.values for column in keys)


def _unreadable(reason: UnreadableTable) -> Problem:
    if reason.too_large:
        return Problem(413, "batch_too_large", f"文件{reason.zh}", f"the file {reason.en}")
    return Problem(422, "unreadable_sheet", f"文件{reason.zh}", f"the file {reason.en}")


def _unknown(zh: str, en: str, layouts: Sequence[Layout]) -> Problem:
    names = ", ".join(kind.name for kind in KINDS)
    understood = [
        {
            "kind": layout.kind.name,
            "columns": {
                heading: None if column is None else column.name
                for heading, column in zip(layout.header, layout.columns, strict=True)
                if plain_heading(heading)
            },
            "missing": [column.name for column in layout.missing],
        }
        for layout in layouts[:3]
    ]
    return Problem(
        422,
        "unknown_sheet",
        f"{zh}; 可用 ?kind= 指明: {names}; 各表的列见 docs/import.md",
        f"{en}; ?kind= may say which it is: {names}; docs/import.md names the columns of each",
        extra={"understood": understood},
    )
