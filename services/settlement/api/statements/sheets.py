"""Statements for a spreadsheet (对账单下载): a list of them, or the lines of one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Literal

from fastapi import Request, Response

from shared.runtime.downloads import Cell, download, next_address, yuan
from shared.runtime.problems import language_of

_STATES: Final = {
    "draft": "待医疗机构确认", "hospital_confirmed": "待企业确认", "confirmed": "待审核",
    "approved": "待支付", "paying": "支付中", "paid": "已支付", "carried_forward": "已结转",
}  # fmt: skip

_LIST: Final = (
    ("statement_id", "对账单"), ("month", "月份"), ("pool", "统筹区"), ("hospital_id", "医疗机构"),
    ("payee_id", "收款企业"), ("state", "状态"), ("held", "暂停支付"), ("receipts", "验收金额(元)"),
    ("returns", "退货金额(元)"), ("carried", "上期结转(元)"), ("total", "应付金额(元)"),
    ("lines", "明细数"), ("due_at", "办理时限"), ("payment_id", "支付编号"),
    ("from_prepaid", "其中预付(元)"), ("from_fund", "其中基金(元)"), ("payment_state", "支付状态"),
)  # fmt: skip
_LINES: Final = (
    ("line_id", "明细"), ("kind", "类别"), ("order_id", "订单"), ("order_line_id", "订单明细"),
    ("receipt_id", "验收单"), ("return_id", "退货单"), ("product_id", "产品"),
    ("quantity", "数量"), ("unit_price", "单价(元)"), ("amount", "金额(元)"), ("state", "状态"),
)  # fmt: skip
_WORDS: Final = {
    "receipt": "验收", "return": "退货", "settled": "计入", "disputed": "争议",
    "paying": "支付中", "paid": "已支付", "failed": "失败", True: "是", False: "否",
}  # fmt: skip


def list_sheet(
    document: dict[str, Any], request: Request, format: Literal["csv", "xlsx"]
) -> Response:
    """One page of a list; the next page's address stands in the header `Link`."""
    english = language_of(request) == "en"
    return download(
        _header(_LIST, english=english),
        [_statement_row(one, english=english) for one in document["items"]],
        format=format,
        name="statements",
        title="statements" if english else "对账单",
        language="en" if english else "zh",
        following=next_address(request, document),
    )


def lines_sheet(
    document: dict[str, Any], request: Request, format: Literal["csv", "xlsx"]
) -> Response:
    """The lines of one statement."""
    english = language_of(request) == "en"
    id_ = document["statement_id"]
    return download(
        _header(_LINES, english=english),
        [_line_row(line, english=english) for line in document["lines"]],
        format=format,
        name=f"statement-{id_}",
        title=f"{'statement' if english else '对账单'}-{document['month']}",
        language="en" if english else "zh",
    )


def _header(columns: Sequence[tuple[str, str]], *, english: bool) -> list[str]:
    return [name if english else zh for name, zh in columns]


def _statement_row(one: dict[str, Any], *, english: bool) -> list[Cell]:
    payment = one["payment"] or {}
    amounts: list[Cell] = [
        yuan(one[f"{name}_fen"]) for name in ("receipts", "returns", "carried", "total")
    ]
    paid: list[Cell] = [
        yuan(payment[name]) if payment else None for name in ("from_prepaid_fen", "from_fund_fen")
    ]
    state = one["state"] if english else _STATES[one["state"]]
    return [
        *(one[name] for name in ("statement_id", "month", "pool", "hospital_id", "payee_id")),
        state,
        _word(one["held"], english=english),
        *amounts,
        len(one["lines"]),
        one["due"].get("at"),
        payment.get("payment_id"),
        *paid,
        _word(payment["state"], english=english) if payment else None,
    ]


def _line_row(line: dict[str, Any], *, english: bool) -> list[Cell]:
    return [
        line["line_id"],
        _word(line["kind"], english=english),
        *(
            line[name]
            for name in ("order_id", "order_line_id", "receipt_id", "return_id", "product_id")
        ),
        Decimal(line["quantity"]),
        Decimal(line["unit_price"]),
        yuan(line["amount_fen"]),
        _word(line["state"], english=english),
    ]


def _word(value: Any, *, english: bool) -> str:
    """A value in the reader's language."""
    if english:
        return {True: "yes", False: "no"}.get(value, str(value))
    return _WORDS[value]
