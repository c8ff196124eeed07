"""Rows of a CSV or XLSX file as text, whatever the program that wrote it (表格读取).

Chinese spreadsheets save CSV as GB18030, others as UTF-8 with or without a BOM; all three are
read without asking. Cells are never trimmed here: what a cell means is its reader's business.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from python_calamine import CalamineWorkbook

from shared.runtime.workbooks import UnreadableTable, checked_workbook

__all__ = ["UnreadableTable", "csv_rows", "is_workbook", "table_rows", "workbook_rows"]

_ZIP = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_DELIMITERS = ",\t;"
_MILLISECOND = timedelta(milliseconds=1)


def table_rows(content: bytes, *, rows_max: int, columns_max: int) -> Iterator[list[str]]:
    """The rows of a file from outside, CSV or XLSX by its first bytes, within these bounds."""
    if content.startswith(_OLD_WORKBOOK):
        raise UnreadableTable(
            "是旧版 .xls 文件; 请另存为 .xlsx 或 CSV",
            "is an old .xls file; save it as .xlsx or CSV",
        )
    if is_workbook(content):
        return workbook_rows(checked_workbook(content, rows_max=rows_max, columns_max=columns_max))
    return csv_rows(content)


def is_workbook(content: bytes) -> bool:
    """Tell whether these bytes begin like an XLSX file."""
    return content.startswith(_ZIP)


def csv_rows(content: bytes) -> Iterator[list[str]]:
    """The records of a CSV file; a blank line is a record without cells, as a spreadsheet counts."""
    text = _text(content)
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise UnreadableTable(f"不是有效的 CSV: {error}", f"is not CSV: {error}") from None


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableTable("既不是 UTF-8 也不是 GB18030 文本", "is neither UTF-8 nor GB18030 text")


def workbook_rows(content: bytes) -> Iterator[list[str]]:
    """The rows of the first sheet, from row 1 on, as the text a CSV of it would have."""
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except BaseException as error:
        # The reader is Rust: when it panics over a damaged file, that is no `Exception`.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableTable(f"不是可读的工作簿: {error}", f"is no workbook: {error}") from None
    return ([_shown(cell) for cell in row] for row in rows)


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return _shown_number(cell)
    if isinstance(cell, datetime):
        # A spreadsheet counts days in a double: 09:00 may come back a hair before 09:00.
        whole = cell + _MILLISECOND / 2
        whole = whole.replace(microsecond=whole.microsecond // 1000 * 1000)
        return whole.isoformat(sep=" ").removesuffix("000")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _shown_number(number: float) -> str:
    """The fifteen digits a spreadsheet shows; computed with only as the decimal string they give."""
    if number.is_integer():
        return str(int(number))
    return f"{Decimal(f'{number:.15g}'):f}"
