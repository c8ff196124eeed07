"""Facts of what hospitals pay enterprises by themselves (医疗机构付款的事实)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from shared.events.forms import Fen, Instant

HOSPITAL_PAYMENT_REPORTED: Final = "jicai.settlement.hospital_payment_reported.v1"
HOSPITAL_PAYMENT_CONTESTED: Final = "jicai.settlement.hospital_payment_contested.v1"
HOSPITAL_PAYMENT_ACKNOWLEDGED: Final = "jicai.settlement.hospital_payment_acknowledged.v1"
HOSPITAL_PAYMENT_WITHDRAWN: Final = "jicai.settlement.hospital_payment_withdrawn.v1"

PaidOn = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]
"""A day in Beijing (付款日)."""


class HospitalPaymentReported(msgspec.Struct, kw_only=True):
    """A hospital has paid an enterprise for goods (医疗机构付款): it counts until contested or withdrawn."""

    payment_id: str
    hospital_id: str
    payee_id: str
    amount_fen: Fen
    paid_on: PaidOn
    bank_reference: str
    at: Instant
    by: str


class HospitalPaymentContested(msgspec.Struct, kw_only=True):
    """The payee says that this payment has not come (付款异议): it counts no more."""

    payment_id: str
    hospital_id: str
    payee_id: str
    reason: str
    at: Instant
    by: str


class HospitalPaymentAcknowledged(msgspec.Struct, kw_only=True):
    """The payee says that this payment has come (到账确认): it counts for good."""

    payment_id: str
    hospital_id: str
    payee_id: str
    at: Instant
    by: str


class HospitalPaymentWithdrawn(msgspec.Struct, kw_only=True):
    """This payment was reported by mistake (付款撤回): it counts no more, and its reference is free again."""

    payment_id: str
    hospital_id: str
    payee_id: str
    reason: str
    at: Instant
    by: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    HOSPITAL_PAYMENT_REPORTED: HospitalPaymentReported,
    HOSPITAL_PAYMENT_CONTESTED: HospitalPaymentContested,
    HOSPITAL_PAYMENT_ACKNOWLEDGED: HospitalPaymentAcknowledged,
    HOSPITAL_PAYMENT_WITHDRAWN: HospitalPaymentWithdrawn,
}
"""How the fact of each type reads."""
