"""Payments, arrears and lines for a spreadsheet (表格下载): Chinese headings, or English."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from fastapi import Request, Response

from shared.runtime.downloads import Cell, download, next_address
from shared.runtime.problems import language_of
from shared.runtime.said import Said

Kind = Literal["payments", "arrears", "lines"]

_COLUMNS: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    "payments": (
        ("payment_id", "付款编号"), ("hospital_id", "医疗机构"), ("payee_id", "收款企业"),
        ("amount_fen", "金额(分)"), ("paid_on", "付款日"), ("bank_reference", "银行流水号"),
        ("state", "状态"), ("reason", "原因"), ("reported_at", "登记时间"),
    ),
    "arrears": (
        ("hospital_id", "医疗机构"), ("payee_id", "收款企业"), ("pool", "统筹区"),
        ("accepted_fen", "验收金额(分)"), ("returned_fen", "退货金额(分)"),
        ("paid_fen", "已付(分)"), ("owed_fen", "应付未付(分)"), ("credit_fen", "余款(分)"),
        ("not_yet_due_fen", "未到期(分)"), ("overdue_fen", "逾期(分)"),
        ("oldest_due_on", "最早到期日"),
    ),
    "lines": (
        ("payee_id", "收款企业"), ("order_id", "订单"), ("receipt_id", "验收单"),
        ("order_line_id", "订单明细"), ("product_id", "产品"), ("quantity", "数量"),
        ("unit_price", "单价(元)"), ("accepted_on", "验收日"), ("due_on", "到期日"),
        ("amount_fen", "金额(分)"), ("returned_fen", "退货金额(分)"), ("paid_fen", "已付(分)"),
        ("open_fen", "未付(分)"), ("overdue_days", "逾期天数"),
    ),
}  # fmt: skip

_TITLES: Final[dict[Kind, str]] = {"payments": "付款", "arrears": "账龄", "lines": "应付明细"}
_DECIMALS: Final = frozenset({"quantity", "unit_price"})
_STATES: Final = {
    "reported": "已登记", "contested": "有异议", "acknowledged": "已确认到账", "withdrawn": "已撤回",
}  # fmt: skip


def sheet(kind: Kind, document: Said, request: Request, format: Literal["csv", "xlsx"]) -> Response:
    """One page of a list; the next page's address stands in the header `Link`."""
    english = language_of(request) == "en"
    items: list[Said] = document["items"]
    columns = [*_COLUMNS[kind], *_buckets(items)]
    return download(
        [name if english else zh for name, zh in columns],
        [_row(kind, item, [name for name, _ in columns], english=english) for item in items],
        format=format,
        name=kind,
        title=kind if english else _TITLES[kind],
        language="en" if english else "zh",
        following=next_address(request, document),
    )


def _row(kind: Kind, item: Said, names: Sequence[str], *, english: bool) -> list[Cell]:
    row = {**item, **_ages(item)}
    if kind == "payments" and not english:
        row["state"] = _STATES[row["state"]]
    return [Decimal(row[name]) if name in _DECIMALS else row[name] for name in names]


def _buckets(items: Sequence[Said]) -> list[tuple[str, str]]:
    """A column for each bucket of arrears (账龄)."""
    buckets = items[0].get("overdue", []) if items else []
    return [(_age(bucket), f"逾期{_days(bucket)}天(分)") for bucket in buckets]


def _ages(item: Said) -> Said:
    return {_age(bucket): bucket["amount_fen"] for bucket in item.get("overdue", [])}


def _age(bucket: Said) -> str:
    return f"overdue_{_days(bucket)}_days_fen"


def _days(bucket: Said) -> str:
    last = bucket["to_days"]
    return f"{bucket['from_days']}+" if last is None else f"{bucket['from_days']}-{last}"
