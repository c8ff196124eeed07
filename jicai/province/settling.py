"""The province's money, month by month (按月结算): which clerk sits down to what, and when.

January is paid in February. In March a supplier is suspended, so its money for February is held; in
April the drafts of March take up what a recall in February left below zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from functools import partial

from jicai.client import Jicai
from jicai.province import clerks
from jicai.province.catalogue import AGREED_PACKS, products
from jicai.province.companies import distributors
from jicai.province.days import at
from jicai.province.facts import Errand
from jicai.province.places import hospitals

POOL = "360500"
"""新余: small enough to be shown whole."""
PREPAID_HOSPITAL = "H36050000001"
BATCH = "JX-2025-YP"
SILENT = frozenset({"H36072500001"})
"""Nobody at this health centre ever looks at its statements: it is reminded (催办)."""
SUSPENDED = "武功云海医药有限公司(模拟)"
ENDS_AT = at(date(2026, 4, 8), 9)
"""The drafts of March have come, on the 5th working day of April."""

Work = Callable[[Jicai], Counter[str]]


def errands() -> list[Errand]:
    """Everything that clerks do with the money, in the order of time."""
    january, february = "2026-01", "2026-02"
    reason = "入库单与实物批号不符, 待核对"
    found = [
        _on((1, 20), 15, "预付", partial(_prepay, POOL, PREPAID_HOSPITAL)),
        _on((2, 6), 9, "1 月 · 提出争议",
            lambda c: clerks.disputes(c, january, PREPAID_HOSPITAL, reason)),
        *_paid(january, (2, 6), (2, 9), (2, 10), (2, 11), (2, 12), bounces=POOL),
        _on((2, 10), 16, "争议处理", lambda c: clerks.resolves(c, POOL, "settle")),
        _on((2, 13), 10, "1 月 · 再次支付", lambda c: clerks.finance_pays(c, january)),
        _on((2, 13), 16, "1 月 · 再次银行回执",
            lambda c: clerks.bank_reports(c, january, "2026-02-13")),
        _on((3, 2), 9, "暂停结算", _suspend),
        *_paid(february, (3, 9), (3, 10), (3, 11), (3, 12), (3, 13)),
    ]  # fmt: skip
    return sorted(found, key=lambda errand: errand.instant)


def _paid(month: str, *days: tuple[int, int], bounces: str | None = None) -> list[Errand]:
    """A month from draft to paid, one desk a day: hospital, payee, bureau, finance, bank."""
    name = f"{int(month[5:])} 月"
    value_day = date(2026, *days[4]).isoformat()
    steps: list[tuple[str, Work]] = [
        ("医疗机构确认", lambda c: clerks.hospitals_confirm(c, month, SILENT)),
        ("企业确认", lambda c: clerks.payees_confirm(c, month)),
        ("医保审核", lambda c: clerks.bureaus_approve(c, month)),
        ("财务支付", lambda c: clerks.finance_pays(c, month)),
        ("银行回执", lambda c: clerks.bank_reports(c, month, value_day, bounces)),
    ]
    return [
        _on(day, 14, f"{name} · {label}", do) for day, (label, do) in zip(days, steps, strict=True)
    ]


def _prepay(pool: str, hospital_id: str, client: Jicai) -> Counter[str]:
    return clerks.prepays(client, pool, hospital_id, BATCH, least_prepayment_fen(hospital_id))


def least_prepayment_fen(hospital_id: str) -> int:
    """30 % of what the hospital has agreed to buy of the batch (协议金额的30%), in fen."""
    level = next(one.level for one in hospitals() if one.id == hospital_id)
    prices = [
        Decimal(one.price) for one in products() if one.batch_id == BATCH and one.standing == "main"
    ]
    least = sum(prices, Decimal()) * AGREED_PACKS[level] * 30
    return int(least.to_integral_value(ROUND_CEILING))


def suspended_id() -> str:
    """The code of the supplier that is suspended in March."""
    return next(one.id for one in distributors() if one.name == SUSPENDED)


def _suspend(client: Jicai) -> Counter[str]:
    return clerks.suspends(
        client,
        {
            "suspension_id": "ZT-2026-001",
            "payee_id": suspended_id(),
            "scope": "all",
            "from": "2026-03-03",
            "decision": "赣医保函〔2026〕7号(模拟): 涉嫌虚开配送单据, 核查期间暂停直接结算",
        },
    )


def _on(day: tuple[int, int], hour: float, label: str, do: Work) -> Errand:
    return Errand(_instant(day, hour), label, do)


def _instant(day: tuple[int, int], hour: float) -> datetime:
    return at(date(2026, *day), hour)
