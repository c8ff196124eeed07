"""A payment file as CSV or XLSX (支付文件下载): Chinese headings, or English; text in every cell."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import Response

from shared.runtime.downloads import download
from shared.runtime.said import Said

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


def sheet(document: Said, format: Literal["csv", "xlsx"], language: str) -> Response:
    """The file with its sum row: how many, how much, and the hash that its fact published.

    Long numbers keep their form, for it is a bank's program that reads the CSV; people take XLSX,
    where every cell is text, and so are those that wait for the answer.
    """
    english = language == "en"
    rows = [[line[name] or "" for name, _ in COLUMNS] for line in document["lines"]]
    waiting = [""] * len(ANSWER)
    return download(
        [name if english else zh for name, zh in (*COLUMNS, *ANSWER)],
        [[*row, *waiting] for row in (*rows, _sum_row(document, english=english))],
        format=format,
        name=f"payments-{document['file_id']}",
        title=f"{'payments' if english else '支付文件'}-{document['file_id']}",
        language=language,
    )


def _sum_row(document: Said, *, english: bool) -> list[str]:
    count = f"{document['payments']} {'payments' if english else '笔'}"
    told = {
        "payment_id": SUM_ROWS[english],
        "payee_id": count,
        "amount": document["total"],
        "remark": f"sha256 {document['sha256']}",
    }
    return [told.get(name, "") for name, _ in COLUMNS]
