"""A payment file as CSV or XLSX (支付文件下载): Chinese headings, or English; text in every cell."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Final, Literal
from urllib.parse import quote

import xlsxwriter
from fastapi import Query, Response

from shared.runtime.said import Said

Format = Annotated[Literal["json", "csv", "xlsx"], Query(description="json, csv 或 xlsx")]

COLUMNS: Final = (
    ("payment_id", "支付编号"), ("payee_id", "收款企业"), ("account_name", "收款户名"),
    ("account_number", "收款账号"), ("bank_name", "开户银行"), ("bank_code", "联行号"),
    ("assignee", "保理受让方"), ("assignment_contract", "保理合同"), ("amount", "金额(元)"),
    ("from_fund", "其中基金(元)"), ("from_prepaid", "其中预付(元)"), ("statement_id", "对账单"),
    ("month", "月份"), ("hospital_id", "医疗机构"), ("remark", "附言"),
)  # fmt: skip
"""What a bank is told of each payment, in this order."""

ANSWER: Final = (
    ("result", "结果"), ("bank_reference", "银行流水号"), ("value_date", "入账日"),
    ("reason", "失败原因"),
)  # fmt: skip
"""Empty columns at the end, for the bank's answer: the same sheet comes back as results."""

SUM_ROWS: Final = ("合计", "total")
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BOM: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def sheet(document: Said, format: str, language: str) -> Response:
    """The file with its sum row: how many, how much, and the hash that its fact published."""
    english = language == "en"
    header = [name if english else zh for name, zh in (*COLUMNS, *ANSWER)]
    rows = [[defused(line[name] or "") for name, _ in COLUMNS] for line in document["lines"]]
    table = [header, *rows, _sum_row(document, english=english)]
    content = _csv(table) if format == "csv" else _xlsx(table, language)
    name = f"{document['file_id']}.{format}"
    title = f"{'payments' if english else '支付文件'}-{name}"
    headers = {
        "Content-Disposition": (
            f"attachment; filename=\"payments-{name}\"; filename*=UTF-8''{quote(title)}"
        ),
        "Content-Language": "en" if english else "zh-CN",
    }
    return Response(content, media_type="text/csv" if format == "csv" else _XLSX, headers=headers)


def defused(text: str) -> str:
    """A text that a spreadsheet would run stands behind an apostrophe; reading takes one off again.

    Long numbers keep their form, for it is a bank's program that reads the CSV; people take XLSX,
    where every cell is text.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sum_row(document: Said, *, english: bool) -> list[str]:
    count = f"{document['payments']} {'payments' if english else '笔'}"
    told = {
        "payment_id": SUM_ROWS[english],
        "payee_id": count,
        "amount": document["total"],
        "remark": f"sha256 {document['sha256']}",
    }
    return [told.get(name, "") for name, _ in COLUMNS]


def _csv(table: list[list[str]]) -> bytes:
    file = io.StringIO()
    # Excel takes a CSV for GB18030 unless it begins with a byte order mark.
    file.write(_BOM)
    csv.writer(file).writerows(table)
    return file.getvalue().encode()


def _xlsx(table: list[list[str]], language: str) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    page = book.add_worksheet("payments" if language == "en" else "支付")
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
    text = book.add_format({"num_format": "@"})
    page.freeze_panes(1, 1)
    page.set_column(0, len(COLUMNS) + len(ANSWER) - 1, 20, text)
    for number, row in enumerate(table):
        for place, cell in enumerate(row):
            if cell:
                page.write_string(number, place, cell, text if number else bold)
    book.close()
    return file.getvalue()
