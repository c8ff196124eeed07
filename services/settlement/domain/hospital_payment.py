"""A hospital's own payment (医疗机构付款): reported, then contested, acknowledged or withdrawn. Pure.

Each act is done once. An acknowledged payment is final, and so is a withdrawn one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import msgspec

from services.settlement.commands import (
    AcknowledgeHospitalPayment,
    ContestHospitalPayment,
    ReportHospitalPayment,
    WithdrawHospitalPayment,
)
from services.settlement.domain.dues import State
from shared.events import hospital_payments as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.clock import local_day
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal

Act = ContestHospitalPayment | AcknowledgeHospitalPayment | WithdrawHospitalPayment
ActFact = (
    facts.HospitalPaymentContested
    | facts.HospitalPaymentAcknowledged
    | facts.HospitalPaymentWithdrawn
)
Fact = facts.HospitalPaymentReported | ActFact

STATE_AFTER: Final[dict[str, State]] = {
    facts.HOSPITAL_PAYMENT_REPORTED: "reported",
    facts.HOSPITAL_PAYMENT_CONTESTED: "contested",
    facts.HOSPITAL_PAYMENT_ACKNOWLEDGED: "acknowledged",
    facts.HOSPITAL_PAYMENT_WITHDRAWN: "withdrawn",
}

_BEFORE: Final[dict[type[Act], frozenset[State]]] = {
    ContestHospitalPayment: frozenset({"reported"}),
    AcknowledgeHospitalPayment: frozenset({"reported", "contested"}),
    WithdrawHospitalPayment: frozenset({"reported", "contested"}),
}
"""In which states each act may be done (状态流转)."""


class HospitalPaymentStream(msgspec.Struct, frozen=True, array_like=True, tag="hospital-payment"):
    """A stream that is a payment of a hospital's; `reason` is that of the last act, if it has one."""

    reported: facts.HospitalPaymentReported
    state: State = "reported"
    reason: str | None = None


def stream_of(payment_id: str) -> str:
    """The stream of one payment."""
    return f"hospital-payment-{payment_id}"


def report(
    state: HospitalPaymentStream | None, sent: Sent, command: ReportHospitalPayment, now: datetime
) -> Decided:
    """The payment as a fact; its id is used up by the first (付款登记)."""
    if state is not None:
        raise Refusal("conflicting_duplicate", "该付款编号已使用", "this payment id was used")
    if date.fromisoformat(command.paid_on) > local_day(now):
        raise Refusal(
            "paid_in_future",
            "付款日晚于今天",
            "paid_on lies after today",
            pointer="/paid_on",
        )
    fact = facts.HospitalPaymentReported(
        payment_id=command.payment_id,
        hospital_id=command.hospital_id,
        payee_id=command.payee_id,
        amount_fen=command.amount_fen,
        paid_on=command.paid_on,
        bank_reference=command.bank_reference,
        at=now,
        by=command.by,
    )
    return _decided(facts.HOSPITAL_PAYMENT_REPORTED, fact, sent, now)


def act_on(state: HospitalPaymentStream | None, sent: Sent, command: Act, now: datetime) -> Decided:
    """What payee or reporter does with a payment, where its state allows it (到账确认, 异议, 撤回)."""
    if state is None:
        raise Refusal("not_found", "没有这笔付款", "there is no such payment")
    if state.state not in _BEFORE[type(command)]:
        raise wrong_state(state.state)
    paid = state.reported
    common: dict[str, Any] = {
        "payment_id": paid.payment_id,
        "hospital_id": paid.hospital_id,
        "payee_id": paid.payee_id,
        "at": now,
        "by": command.by,
    }
    match command:
        case ContestHospitalPayment(reason=reason):
            contested = facts.HospitalPaymentContested(**common, reason=reason)
            return _decided(facts.HOSPITAL_PAYMENT_CONTESTED, contested, sent, now)
        case AcknowledgeHospitalPayment():
            acknowledged = facts.HospitalPaymentAcknowledged(**common)
            return _decided(facts.HOSPITAL_PAYMENT_ACKNOWLEDGED, acknowledged, sent, now)
        case WithdrawHospitalPayment(reason=reason):
            withdrawn = facts.HospitalPaymentWithdrawn(**common, reason=reason)
            return _decided(facts.HOSPITAL_PAYMENT_WITHDRAWN, withdrawn, sent, now)


def wrong_state(state: State) -> Refusal:
    """This is not done with a payment in this state (状态不符)."""
    return Refusal(
        "wrong_state",
        f"该付款当前状态为 {state}, 不能进行此操作",
        f"the payment is {state}, so this cannot be done with it",
    )


def evolve(state: HospitalPaymentStream | None, type_: str, fact: Fact) -> HospitalPaymentStream:
    """The payment with one more fact in it."""
    if isinstance(fact, facts.HospitalPaymentReported):
        return HospitalPaymentStream(fact)
    assert state is not None
    return HospitalPaymentStream(state.reported, STATE_AFTER[type_], getattr(fact, "reason", None))


def _decided(type_: str, fact: Fact, sent: Sent, now: datetime) -> Decided:
    return Decided(
        topic=SETTLEMENT,
        type=type_,
        fact=fact,
        at=now,
        sent=sent,
        hospital_id=fact.hospital_id,
        distributor_id=fact.payee_id,
    )
