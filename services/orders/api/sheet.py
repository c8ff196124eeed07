"""The answer sheet (响应表): orders as rows that a distributor fills in and sends back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import xlsxwriter
from fastapi import Response

from services.orders.api.imports.columns import OCCURRED_AT, Column, Place
from services.orders.api.imports.kinds import ANSWERS
from services.orders.api.views import order_document
from services.orders.domain.order import Order
from shared.runtime.actors import Actor

AWAITING: Final = "awaiting_answer"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BOM: Final = "\ufeff"

_TO_FILL: Final = tuple(c for c in ANSWERS.columns if c.name != OCCURRED_AT)
_TO_READ: Final = tuple(
    Column(name, zh, place=Place.NOTE)
    for name, zh in (
        *((c.name, c.zh) for c in ANSWERS.columns if c.name in ("order_id", "line_id")),
        *((c.name, c.zh) for c in ANSWERS.columns if c.place is Place.NOTE),
        ("state", "状态"), ("promised_at", "承诺到货日"), ("dispatched", "已发货数量"),
        ("arrived", "已到货数量"), ("received", "已验收数量"), ("returned", "已退货数量"),
    )
)  # fmt: skip
_NUMBERS: Final = {"quantity", "unit_price", "dispatched", "arrived", "received", "returned"}
_INSTANTS: Final = {"sent_at", "answer_due", "delivery_due", "promised_at"}
_STATES: Final = {
    "awaiting_answer": "待响应", "accepted": "已接受", "refused": "已拒绝", "cancelled": "已撤销",
    "void": "已作废", "dispatched": "已发货", "arrived": "已到货", "received": "已验收",
}  # fmt: skip

# What a spreadsheet leaves as it is: words, and numbers short enough to keep every digit.
_KEPT = re.compile(r"[A-Za-z\u4e00-\u9fff].*|0|[1-9][0-9]{0,10}", re.DOTALL)
_RECAST = re.compile(r"(true|false|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ /.-]?[0-9].*)", re.I)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def answer_sheet(
    orders: Sequence[Order],
    actor: Actor,
    language: str,
    format: str,
    *,
    state: str | None = AWAITING,
    names: Mapping[str, str] | None = None,
    next_link: str | None = None,
) -> Response:
    """CSV or XLSX with one row per line that can still be answered.

    For another state, or none, the lines in it as a list to read. `names` gives organisations and
    products theirs; `next_link` is the address of the next page.
    """
    columns = _TO_FILL if state == AWAITING else _TO_READ
    rows = [
        [row.get(column.name) or "" for column in columns]
        for row in _rows(orders, actor, language, state, names or {})
    ]
    english = language == "en"
    header = [column.name if english else column.zh for column in columns]
    content = (
        _csv(header, columns, rows) if format == "csv" else _xlsx(header, columns, rows, language)
    )
    title = ("answer-sheet", "订单响应表") if state == AWAITING else ("orders", "订单明细")
    file_name = f"{title[0 if english else 1]}-{actor.organisation}.{format}"
    headers = {
        "Content-Disposition": (
            f"attachment; filename=\"{title[0]}.{format}\"; filename*=UTF-8''{quote(file_name)}"
        ),
        "Content-Language": "en" if english else "zh-CN",
    }
    if next_link is not None:
        headers["Link"] = f'<{next_link}>; rel="next"'
    return Response(content, media_type="text/csv" if format == "csv" else _XLSX, headers=headers)


def _rows(
    orders: Sequence[Order],
    actor: Actor,
    language: str,
    state: str | None,
    names: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    for order in orders:
        document = order_document(order, actor)
        for line in document["lines"]:
            if state == AWAITING:
                if not order.lines[line["line_id"]].can_be_answered:
                    continue
            elif state is not None and line["state"] != state:
                continue
            row = {**document, **line}
            row["hospital_name"] = names.get(row["hospital_id"])
            row["product_name"] = names.get(row["product_id"])
            row |= {name: _local(row[name]) for name in _INSTANTS}
            if language != "en":
                row["state"] = _STATES[line["state"]]
            yield row


def _local(text: str | None) -> str:
    """An instant of ours as a spreadsheet reads it: Beijing time, whole seconds."""
    return "" if text is None else text[:19].replace("T", " ")


def guarded(text: str, *, typed: bool = False) -> str:
    """The text behind an apostrophe where a spreadsheet would run, recast or trim it.

    Reading takes exactly one apostrophe off again. `typed` cells are texts already and need it
    only where a later CSV would run them, or where reading would trim them.
    """
    if not text:
        return text
    risky = text.startswith(_FORMULA) or text != text.strip()
    if not typed:
        risky = risky or not _KEPT.fullmatch(text) or _RECAST.fullmatch(text) is not None
    return f"'{text}" if risky else text


def _csv(header: list[str], columns: Sequence[Column], rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    # Excel takes a CSV for GB18030 unless it begins with a byte order mark.
    file.write(_BOM)
    writer = csv.writer(file)
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            cell if column.name in _NUMBERS | _INSTANTS else guarded(cell)
            for column, cell in zip(columns, row, strict=True)
        )
    return file.getvalue().encode()


def _xlsx(
    header: list[str], columns: Sequence[Column], rows: list[list[str]], language: str
) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet("orders" if language == "en" else "订单")
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
    text = book.add_format({"num_format": "@", "quote_prefix": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, header, bold)
    sheet.freeze_panes(1, 2)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, 24 if column.name in ("order_id", *_INSTANTS) else 14)
        if column.name == "answer":
            words = ["accepted", "refused"] if language == "en" else ["接受", "拒绝"]
            sheet.data_validation(1, place, max(len(rows), 1), place, {
                "validate": "list", "source": words,
            })  # fmt: skip
    for number, row in enumerate(rows, 1):
        for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if column.name == "promised_at" and not cell:
                sheet.write_blank(number, place, None, day)
            elif column.name in _NUMBERS and cell and _is_exact(cell):
                sheet.write_number(number, place, float(cell))
            elif cell:
                sheet.write_string(number, place, guarded(cell, typed=True), text)
    book.close()
    return file.getvalue()


def _is_exact(number: str) -> bool:
    """Tell whether a spreadsheet's number keeps every digit of this decimal string."""
    return len(number.replace(".", "").lstrip("0")) <= 15
