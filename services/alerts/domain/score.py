"""The supply score (供应评分, score.v1): exact fractions, rounded down once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from services.alerts.policy import Term
from shared.kernel.rates import Rate

NEEDED = ("response", "on_time")
"""Without these there is nothing to score."""


class Score(msgspec.Struct, frozen=True):
    """The points as published, null where the needed rates have no data (评分)."""

    points: str | None
    without_data: list[str]


def score(rates: Mapping[str, Rate], terms: Mapping[str, Term]) -> Score:
    """Add up the parts; one without data gives its full points and is named (评分)."""
    without_data = [name for name in terms if rates[name].denominator == 0]
    if any(name in without_data for name in NEEDED):
        return Score(None, without_data)
    total = sum((_points(rates[name], term) for name, term in terms.items()), Fraction(0))
    hundredths = total.numerator * 100 // total.denominator
    return Score(f"{hundredths // 100}.{hundredths % 100:02d}", without_data)


def _points(rate: Rate, term: Term) -> Fraction:
    """Nothing at the floor, full at the target, linear between (线性计分)."""
    if rate.denominator == 0:
        return Fraction(term.weight)
    percent = Fraction(100 * rate.numerator, rate.denominator)
    share = (percent - term.floor) / (term.target - term.floor)
    return term.weight * min(max(share, Fraction(0)), Fraction(1))
