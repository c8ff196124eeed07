"""What a hospital retains of the money it saved (结余留用测算): exact, rounded once a figure. Pure.

A formula never changes under its name: another reading of the policy gets another version.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from services.settlement.policy import RetentionTerms
from shared.kernel.quantity import FEN, half_up

FORMULA: Final = "retention.v1"
"""The version of this function, stored with every result (测算公式版本)."""


class Use(NamedTuple):
    """A quantity at a price, both in ten-thousandths (用量与单价)."""

    quantity: int
    price: int


class Variety(NamedTuple):
    """One variety of a hospital's year, in ten-thousandths (品种); a price may be unknown.

    One that is unknown counts nowhere: whoever fills a variety sees to that.
    """

    reported: int
    agreed: int
    selected: int
    pre_price: int | None
    selected_price: int | None
    non_selected: Sequence[Use]

    @property
    def counted(self) -> int:
        """What of the selected product counts as spent: no more than was agreed (计入支出的用量)."""
        return min(self.selected, self.agreed)

    @property
    def used(self) -> int:
        """All that was used of the generic (同通用名实际使用量)."""
        return self.selected + sum(use.quantity for use in self.non_selected)


class Factors(NamedTuple):
    """The ratios of a surplus: what the fund paid, for whom, and how well it was done (系数)."""

    assessment: Fraction
    accuracy: Fraction
    fund_ratio: Fraction
    insured_share: Fraction


class Retained(NamedTuple):
    """The figures of one variety in fen, each rounded half up from its exact value (测算结果)."""

    budget_fen: int
    spend_fen: int
    base_fen: int
    retained_fen: int


def retained(variety: Variety, factors: Factors) -> Retained:
    """What is retained of one variety; one that was not reported pays nothing (未报量不予拨付)."""
    paid = factors.fund_ratio * factors.insured_share / FEN
    spent = variety.counted * (variety.selected_price or 0)
    spent += sum(use.quantity * use.price for use in variety.non_selected)
    budget = variety.reported * (variety.pre_price or 0) * paid
    spend = spent * paid
    # Nothing reported is no budget either, so it never leaves a surplus.
    base = max(Fraction(0), budget - spend)
    kept = base * factors.assessment * factors.accuracy
    return Retained(half_up(budget), half_up(spend), half_up(base), half_up(kept))


def accuracy_of(variety: Variety, terms: RetentionTerms) -> str:
    """How well a variety was reported: its use over its report, by steps (报量精准度)."""
    if not variety.reported:
        return terms.otherwise
    share = Fraction(variety.used, variety.reported)
    for step in terms.steps:
        if step.first <= share <= step.last:
            return step.accuracy
    return terms.otherwise
