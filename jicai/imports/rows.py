"""Reads the rows of a CSV or XLSX file as text, whatever the program that wrote it.

Chinese spreadsheets save CSV as GB18030, others as UTF-8 with or without a BOM; all three are
read without asking. Cells are never trimmed: a name is kept as it stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.runtime.tables import UnreadableTable, csv_rows, workbook_rows

__all__ = ["UnreadableFile", "read_rows"]

WORKBOOKS = (".xlsx", ".xls", ".ods")


class UnreadableFile(Exception):
    """The file as a whole cannot be read."""


def read_rows(file: Path, needed: frozenset[str] = frozenset()) -> Iterator[dict[str, str]]:
    """Each row as {column: cell}; refuses at once a file that lacks a needed column."""
    table = _table(file)
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


def _table(file: Path) -> Iterator[list[str]]:
    # The operator's own file is read without the bounds that a file from outside must keep.
    content = file.read_bytes()
    try:
        rows = workbook_rows(content) if file.suffix.lower() in WORKBOOKS else csv_rows(content)
        yield from rows
    except UnreadableTable as reason:
        raise UnreadableFile(f"{file.name} {reason.en}") from reason
