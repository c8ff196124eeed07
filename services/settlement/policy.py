"""The numbers settlement decides by, read once from the policy (结算政策参数)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared.kernel.codes import is_division
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


@dataclass(frozen=True, slots=True)
class StatementTerms:
    """When a month is drafted, and how long each side is waited for, in working days (办理时限)."""

    version: str
    draft_workday: int
    hospital_workdays: int
    payee_workdays: int
    bureau_workdays: int

    def patience(self, state: str) -> int:
        """How many working days a state may last before somebody is reminded."""
        return {
            "draft": self.hospital_workdays,
            "hospital_confirmed": self.payee_workdays,
            "confirmed": self.bureau_workdays,
        }[state]


def statement_terms(policy: Policy) -> StatementTerms:
    """The terms of one policy version."""
    return StatementTerms(policy.version, **policy.table("A8.1"))


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """When a hospital that pays by itself has to, and how arrears are aged (付款期限, 账龄分段).

    Due is so many days after acceptance, or the end of that month after it: one of both is given.
    """

    version: str
    days: int | None
    months: int | None
    ageing_days: tuple[int, ...]


def payment_terms(policy: Policy) -> PaymentTerms:
    """The terms of one policy version; ValueError for terms that nobody could reckon by."""
    rule = policy.table("B1.3.1")
    days, months = rule["due"].get("days"), rule["due"].get("months")
    ageing = tuple(rule["ageing_days"])
    if (days is None) == (months is None) or not 0 <= (days or months or 0) <= 3650:
        raise ValueError("B1.3.1: due is either days or months after acceptance")
    if not ageing or list(ageing) != sorted({day for day in ageing if day > 0}):
        raise ValueError("B1.3.1: ageing_days are days above zero that grow")
    return PaymentTerms(policy.version, days, months, ageing)


def hospital_pays_pools(policy: Policy) -> frozenset[str]:
    """The pools whose hospitals pay enterprises by themselves (医疗机构结算模式): no fund pays there.

    ValueError for a code that is no pool's: a slip here would have the fund pay.
    """
    pools = frozenset(policy.table("B1.3.1")["hospital_pays_pools"])
    if not all(is_division(pool) and pool.endswith("00") for pool in pools):
        raise ValueError("B1.3.1: hospital_pays_pools are city codes, or 360000")
    return pools
