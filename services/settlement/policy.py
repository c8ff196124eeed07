"""The numbers settlement decides by, read once from the policy (结算政策参数)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared.kernel.policy import Policy


@dataclass(frozen=True, slots=True)
class AccuracyStep:
    """What a variety's accuracy is where use over report lies from `first` to `last`, both included."""

    first: Fraction
    last: Fraction
    accuracy: str


@dataclass(frozen=True, slots=True)
class RetentionTerms:
    """What a hospital may retain (结余留用政策): factors are decimal strings, as they are stored.

    `assessment_max` and `grades` go with A8.2, the steps of accuracy with A12.4: the first that fits.
    """

    version: str
    assessment_max: str
    grades: Mapping[str, str]
    steps: tuple[AccuracyStep, ...]
    otherwise: str


def retention_terms(policy: Policy) -> RetentionTerms:
    """The terms of one policy version."""
    accuracy = policy.table("A12.4")
    return RetentionTerms(
        version=policy.version,
        assessment_max=policy.table("A8.2-cap")["assessment_max"],
        grades=policy.table("A8.2-grades"),
        steps=tuple(
            AccuracyStep(Fraction(step["from"]), Fraction(step["to"]), step["accuracy"])
            for step in accuracy["steps"]
        ),
        otherwise=accuracy["otherwise"],
    )


@dataclass(frozen=True, slots=True)
class PrepaymentTerms:
    """How much of the agreed amount is prepaid at least, in whole percent (预付比例下限)."""

    version: str
    percent: int


def prepayment_terms(policy: Policy) -> PrepaymentTerms:
    """The terms of one policy version."""
    return PrepaymentTerms(policy.version, policy.table("B1.3.2")["prepayment_percent"])
