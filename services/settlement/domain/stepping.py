"""From draft to paid (对账流程): two confirmations, approval, payment, the bank's word. Pure.

Each step gives the facts it becomes; none where the same side has taken it before. The faults stand in
the order in which they are told: what is wrong with the words (422) goes before what stands (409).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.settlement.domain.ledger import entry_id_of
from services.settlement.domain.routing import approval_key, held, payment_key, released
from services.settlement.domain.statement import (
    APPROVED,
    Payment,
    StatementStream,
    next_id,
    told,
)
from services.settlement.policy import StatementTerms
from shared.events import statements as facts
from shared.events.payees import PaidInto
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import local_day
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal


class BankWord(msgspec.Struct, frozen=True):
    """What a bank reports of a payment (银行回执)."""

    payment_id: str
    result: facts.BankResult
    bank_reference: str | None = None
    value_date: str | None = None
    reason: str | None = None


def confirm(
    state: StatementStream,
    side: facts.Side,
    by: str,
    now: datetime,
    calendar: WorkCalendar,
    terms: StatementTerms,
) -> Sequence[Decided]:
    """The hospital's word, then the payee's (对账确认)."""
    enters = "hospital_confirmed" if side == "hospital" else "confirmed"
    if state.has(enters):
        return []
    _something_to_pay(state)
    if state.state != ("draft" if side == "hospital" else "hospital_confirmed"):
        raise _wrong_state(state)
    fact = facts.StatementConfirmed(
        statement_id=state.statement_id,
        side=side,
        at=now,
        due=calendar.deadline(local_day(now), terms.patience(enters)),
        by=by,
    )
    return [told(facts.STATEMENT_CONFIRMED, fact, state, next_id(state))]


def approve(
    state: StatementStream, person: str, by: str, now: datetime, *, is_suspended: bool
) -> Sequence[Decided]:
    """The bureau's word makes it a debt; a suspension sends it to the held account at once (审核)."""
    if state.state in APPROVED:
        return []
    _something_to_pay(state)
    if state.state != "confirmed":
        raise _wrong_state(state)
    fact = facts.StatementApproved(
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        total_fen=state.total_fen,
        entry_id=entry_id_of(approval_key(state.statement_id)),
        at=now,
        by=by,
        person=person,
    )
    done = told(facts.STATEMENT_APPROVED, fact, state, next_id(state))
    return [done, held(state, now, later=1)] if is_suspended else [done]


def pay(
    state: StatementStream,
    person: str,
    by: str,
    now: datetime,
    *,
    is_suspended: bool,
    prepaid_fen: int,
    account: PaidInto | None = None,
    is_blocked: bool = False,
) -> Sequence[Decided]:
    """Finance orders the payment (支付): what is left of the hospital's prepaid first, then the fund.

    It goes to the payee's account as it stands now; what `is_blocked` is not paid into.
    """
    if person == state.approved_by:
        raise Refusal(
            "same_person", "审核与支付不得为同一人", "who approved it cannot order its payment"
        )
    if state.state in ("paying", "paid"):
        return []
    if state.state != "approved":
        raise _wrong_state(state)
    if is_suspended:
        raise Refusal("payee_suspended", "该企业已被暂停直接结算", "its payment is suspended")
    if is_blocked:
        raise Refusal(
            "payee_account_blocked", "该企业的收款账户已冻结", "the payee's account is blocked"
        )
    before = [released(state, now)] if state.in_held else []
    drawn = min(state.total_fen, max(0, prepaid_fen))
    fact = facts.PaymentOrdered(
        payment_id=f"{state.statement_id}-p{len(state.payments) + 1}",
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        from_prepaid_fen=drawn,
        from_fund_fen=state.total_fen - drawn,
        at=now,
        by=by,
        person=person,
        account=account,
    )
    ordered = told(facts.PAYMENT_ORDERED, fact, state, next_id(state, later=len(before)))
    return [*before, ordered]


def report(
    state: StatementStream, word: BankWord, by: str, now: datetime, *, is_suspended: bool
) -> Sequence[Decided]:
    """The bank has paid, or not (银行回执); what failed while a suspension began is held then."""
    payment = payment_of(state, word.payment_id)
    if payment.state == word.result:
        return []
    if payment.state != "paying":
        raise Refusal(
            "conflicting_result",
            "该笔支付已登记相反的结果",
            "the contrary was reported of this payment",
        )
    is_paid = word.result == "paid"
    fact = facts.PaymentReported(
        payment_id=payment.payment_id,
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        result=word.result,
        from_prepaid_fen=payment.from_prepaid_fen,
        from_fund_fen=payment.from_fund_fen,
        bank_reference=word.bank_reference,
        value_date=word.value_date,
        reason=word.reason,
        entry_id=entry_id_of(payment_key(payment.payment_id)) if is_paid else None,
        at=now,
        by=by,
    )
    done = told(facts.PAYMENT_REPORTED, fact, state, next_id(state))
    return [done, held(state, now, later=1)] if is_suspended and not is_paid else [done]


def payment_of(state: StatementStream, payment_id: str) -> Payment:
    """One of its payments."""
    return next(one for one in state.payments if one.payment_id == payment_id)


def _something_to_pay(state: StatementStream) -> None:
    if state.total_fen <= 0:
        raise Refusal(
            "nothing_to_pay",
            "应付金额不大于零, 无须确认和审核; 余额结转下期",
            "the total is not above zero: it is carried forward, not paid",
        )


def _wrong_state(state: StatementStream) -> Refusal:
    return Refusal(
        "wrong_state",
        f"对账单当前状态为 {state.state}, 不能进行此操作",
        f"the statement is {state.state}; this is not its next step",
    )
