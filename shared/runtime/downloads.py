"""Lists as files for a spreadsheet (表格下载): CSV or XLSX, one page of a list or a whole document.

A cell that is a text stays one: what a spreadsheet would run or recast is defused. A number is a
number in XLSX, so that people can add it up; amounts come as `Decimal` yuan, never as floats.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import xlsxwriter
from fastapi import Query, Request, Response

Format = Annotated[
    Literal["json", "csv", "xlsx"], Query(description="json, 或供表格软件使用的 csv、xlsx")
]
Cell = str | int | Decimal | None

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BOM: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def yuan(fen: int) -> Decimal:
    """Fen as yuan with two decimals (元)."""
    return Decimal(fen).scaleb(-2)


def defused(text: str) -> str:
    """A text that a spreadsheet would run stands behind an apostrophe; reading takes one off again."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def next_address(request: Request, document: Mapping[str, Any]) -> str | None:
    """The address of the page behind this one; None behind the last."""
    if document["next"] is None:
        return None
    address = request.url.include_query_params(after=document["next"])
    return f"{address.path}?{address.query}"


def download(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    format: Literal["csv", "xlsx"],
    name: str,
    title: str,
    language: str,
    following: str | None = None,
) -> Response:
    """The table as an attachment; `name` is plain ASCII, `title` what people see, both without ending.

    `following` is the address of the next page, told in the header `Link`.
    """
    content = _csv(header, rows) if format == "csv" else _xlsx(header, rows, title)
    headers = {
        "Content-Disposition": (
            f'attachment; filename="{name}.{format}"; '
            f"filename*=UTF-8''{quote(f'{title}.{format}')}"
        ),
        "Content-Language": "en" if language == "en" else "zh-CN",
    }
    if following is not None:
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(content, media_type="text/csv" if format == "csv" else _XLSX, headers=headers)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    file = io.StringIO()
    # Excel takes a CSV for GB18030 unless it begins with a byte order mark.
    file.write(_BOM)
    writer = csv.writer(file)
    writer.writerow(header)
    for row in rows:
        writer.writerow([defused(cell) if isinstance(cell, str) else cell for cell in row])
    return file.getvalue().encode()


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[Cell]], title: str) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    page = book.add_worksheet(title[:31])
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
    text = book.add_format({"num_format": "@"})
    money = book.add_format({"num_format": "#,##0.00"})
    page.freeze_panes(1, 1)
    page.set_column(0, len(header) - 1, 20)
    for place, heading in enumerate(header):
        page.write_string(0, place, heading, bold)
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if isinstance(cell, str):
                page.write_string(number, place, cell, text)
            elif isinstance(cell, Decimal):
                page.write_number(number, place, cell, money)
            elif cell is not None:
                page.write_number(number, place, cell)
    book.close()
    return file.getvalue()
