"""The words of settlement's tables: money, names, and the policy's terms for states and steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from rich.table import Table

from jicai.province.companies import distributors
from jicai.province.places import divisions, hospitals

Json = dict[str, Any]
BASE: Final = "/settlement/v1"

STATES: Final = {
    "draft": "待医院确认",
    "hospital_confirmed": "待企业确认",
    "confirmed": "待审核",
    "approved": "待支付",
    "paying": "支付中",
    "paid": "已支付",
    "carried_forward": "已结转下期",
}
STEPS: Final = {
    "drafted": "生成",
    "hospital_confirmed": "医疗机构确认",
    "confirmed": "企业确认",
    "approved": "医保审核",
    "paying": "财务支付",
    "paid": "银行已付",
    "payment_failed": "银行退回",
    "reminded": "催办",
    "disputed": "提出争议",
    "held": "转入暂停支付",
    "released": "恢复支付",
    "carried_forward": "结转下期",
}


def yuan(fen: int) -> str:
    """Fen as yuan, with its sign and its thousands."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def total_fen(statements: Sequence[Json]) -> int:
    """What these statements ask for together."""
    return sum(one["total_fen"] for one in statements)


def place(pool: str) -> str:
    """A pool's name (统筹区)."""
    return "省本级" if pool == "360000" else divisions()[pool].name


def party(code: str) -> str:
    """The name of a hospital, an enterprise or a pool; its code where the story has none."""
    return _names().get(code, code)


def table_of(title: str, *headings: str) -> Table:
    """A table; what stands behind a `>` is flush right, as numbers are."""
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading[0] == ">" else "left")
    return table


@cache
def _names() -> dict[str, str]:
    names = {code: place(code) for code in divisions()}
    names |= {one.id: one.name for one in hospitals()}
    return names | {one.id: one.name for one in distributors()}
