"""What the policy file says about figures: points, floors, targets, definition ids (指标与评分参数)."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.kernel.policy import Policy

RESPONSE_RATES: Final = ("response", "answered")
"""Judged at sent + 48 h (订单响应率)."""

DELIVERY_RATES: Final = ("on_time", "on_time_first", "delivery", "receipt")
"""Judged at the delivery due (配送及时率, 配送率, 到货率)."""

LINE_RATES: Final = RESPONSE_RATES + DELIVERY_RATES
"""Rates that are sums over order lines."""

ORDERS_YTD: Final = "response_orders_ytd"
"""The year's orders answered whole (年度订单响应率)."""

FEEDBACK: Final = "feedback"
"""Tickets solved when they had to be (问题解决及时率)."""

RATES: Final = (*LINE_RATES, FEEDBACK, "rectification", ORDERS_YTD)
"""Every rate of a scorecard, in the order in which it is shown."""

DEFINITIONS: Final[dict[str, str]] = {rate: f"{rate}.v1" for rate in RATES}
"""The definition id under which each figure is published (指标定义编号)."""

SCORE_RULE: Final = "A6.1-score"


class Term(msgspec.Struct, frozen=True):
    """One part of the score: nothing at the floor, full points at the target (评分项)."""

    weight: int
    floor: int
    target: int


def score_terms(policy: Policy) -> dict[str, Term]:
    """The parts of `score.v1` in the order of its formula (供应评分权重)."""
    return {rate: Term(**numbers) for rate, numbers in policy.table(SCORE_RULE).items()}


RATE_RULES: Final[dict[str, str]] = {"A3.3-response": "response", "A3.3-on-time": "on_time"}
"""The rules that watch a rate, and which (预警规则)."""

_RATE_NAMES: Final[dict[str, str]] = {"response": "订单响应率", "on_time": "配送及时率"}

LATE_RULE: Final = "A16.2"
"""The rule under which unanswered lines are listed (超时未响应清单)."""

WHOLE_PROVINCE: Final = "360000"
"""The scope of the rate rules (预警范围: 全省)."""


CONCENTRATION_RULE: Final = "A3.3-feedback"
"""The rule that watches for tickets crowding on one product (集中反馈)."""

CONCENTRATION: Final = "concentrated_feedback.v1"
"""The definition id of its figure (集中反馈指标定义编号)."""


class RateRule(msgspec.Struct, frozen=True):
    """A rule that watches a rate (比率预警规则): below so many percent, from so many lines on."""

    id: str
    rate: str
    article: str
    title: str
    percent: int
    sample_min: int


def rate_rules(policy: Policy) -> tuple[RateRule, ...]:
    """The rate rules of one policy version."""
    return tuple(_rate_rule(policy, id_, rate) for id_, rate in RATE_RULES.items())


def _rate_rule(policy: Policy, id_: str, rate: str) -> RateRule:
    rule = policy.rules[id_]
    percent = policy.number(id_, "percent")
    return RateRule(
        id=id_,
        rate=rate,
        article=rule.document + rule.article,
        title=f"{_RATE_NAMES[rate]}低于 {percent}%",
        percent=percent,
        sample_min=policy.number(id_, "sample_min"),
    )


class ConcentrationRule(msgspec.Struct, frozen=True):
    """So many tickets, or tickets of so many hospitals, on one product in so many days (集中反馈规则)."""

    id: str
    article: str
    title: str
    tickets: int
    hospitals: int
    days: int


def concentration_rule(policy: Policy) -> ConcentrationRule:
    """The rule of one policy version."""
    rule = policy.rules[CONCENTRATION_RULE]
    tickets, hospitals, days = (
        policy.number(CONCENTRATION_RULE, name) for name in ("tickets", "hospitals", "days")
    )
    return ConcentrationRule(
        id=CONCENTRATION_RULE,
        article=rule.document + rule.article,
        title=f"同一产品 {days} 日内反馈满 {tickets} 件或涉及 {hospitals} 家医疗机构",
        tickets=tickets,
        hospitals=hospitals,
        days=days,
    )
