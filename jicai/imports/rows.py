"""Reads the rows of a CSV or XLSX file as text, whatever the program that wrote it.

Chinese spreadsheets save CSV as GB18030, others as UTF-8 with or without a BOM; all three are
read without asking. Cells are never trimmed: a name is kept as it stands in the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineWorkbook

__all__ = ["UnreadableFile", "read_rows"]

Cell = object


class UnreadableFile(Exception):
    """The file as a whole cannot be read."""


def read_rows(file: Path, needed: frozenset[str] = frozenset()) -> Iterator[dict[str, str]]:
    """Each row as {column: cell}; refuses at once a file that lacks a needed column."""
    table = _xlsx(file) if file.suffix.lower() in (".xlsx", ".xls", ".ods") else _csv(file)
    header = [name.strip() for name in next(table, [])]
    missing = sorted(needed - set(header))
    if missing:
        raise UnreadableFile(
            f"{file.name} has no column {', '.join(map(repr, missing))}; "
            f"its first line names {', '.join(header) or 'nothing'}"
        )
    return (_row(header, cells) for cells in table if any(cell.strip() for cell in cells))


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """A short row is filled with empty cells: spreadsheets drop the empty ones at its end."""
    filled = [*cells, *[""] * (len(header) - len(cells))]
    return dict(zip(header, filled, strict=False))


def _csv(file: Path) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(_text(file), newline=""))


def _text(file: Path) -> str:
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(f"{file.name} is neither UTF-8 nor GB18030 text")


def _xlsx(file: Path) -> Iterator[list[str]]:
    sheet = CalamineWorkbook.from_path(file).get_sheet_by_index(0)
    return ([_shown(cell) for cell in row] for row in sheet.to_python())


def _shown(cell: Cell) -> str:
    """A spreadsheet's value as the text a CSV of the same sheet would have.

    Numbers come as floats; `repr` gives the shortest text that means the same number, and it
    becomes a decimal string before anything is computed with it.
    """
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
