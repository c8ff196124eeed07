"""What settlement is asked to do (结算指令)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from shared.events.settlement import RetentionInputsSet


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrueLine:
    """A received line stands to be settled (应付计提). `at` is the receipt's instant (验收时刻).

    `recorded_at` is when the receipt was recorded: an accrual is dated by its cause.
    """

    order_id: str
    receipt_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    quantity: int
    unit_price: int
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class SetRetentionInputs:
    """A bureau states what a hospital's retained surplus is reckoned from (结余留用测算参数)."""

    inputs: RetentionInputsSet


@dataclass(frozen=True, slots=True)
class CalculateRetention:
    """A bureau has it calculated (结余留用测算). `by` is the actor who does."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOffset:
    """A finance office sets goods against claims (抵扣)."""

    offset_id: str
    hospital_id: str
    amount_fen: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseEntry:
    """A finance office undoes an entry (冲销). `postings` are its sides: account, debit, credit.

    `untouched` says that nothing of it is drawn: a prepayment's money may have gone further.
    """

    entry_id: str
    key: str
    division: str
    postings: tuple[tuple[str, int, int], ...]
    untouched: bool
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class CloseMonth:
    """The province's finance office closes a month, yyyy-MM (月结)."""

    month: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPrepayment:
    """A finance office prepays a hospital (预付). `agreed_fen` is what it has agreed to buy, exact."""

    prepayment_id: str
    hospital_id: str
    batch_id: str
    amount_fen: int
    agreed_fen: Fraction
    percent: int
    policy_version: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHospitalPayment:
    """A hospital, or finance of its pool, reports what it has paid (医疗机构付款登记)."""

    payment_id: str
    hospital_id: str
    payee_id: str
    amount_fen: int
    paid_on: str
    bank_reference: str
    by: str


@dataclass(frozen=True, slots=True)
class ContestHospitalPayment:
    """The payee says that a payment has not come (付款异议)."""

    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class AcknowledgeHospitalPayment:
    """The payee says that a payment has come (到账确认)."""

    by: str


@dataclass(frozen=True, slots=True)
class WithdrawHospitalPayment:
    """Whoever may report a payment takes it back (付款撤回)."""

    reason: str
    by: str
