"""Where a payable lies (挂账与恢复): a suspension moves it to the held account, a lift back. Pure."""

from __future__ import annotations

from datetime import datetime

from services.settlement.domain.ledger import Entry, credit, debit, entry_id_of, entry_of
from services.settlement.domain.statement import StatementStream, next_id, told
from shared.events import statements as facts
from shared.kernel.codes import pool_of
from shared.kernel.decider import Decided


def approval_key(statement_id: str) -> str:
    """The business key of a statement's approval (业务键)."""
    return f"approval-{statement_id}"


def move_key(statement_id: str, move: int) -> str:
    """The business key of one move to the held account or back (业务键)."""
    return f"move-{statement_id}-{move}"


def payment_key(payment_id: str) -> str:
    """The business key of a payment (业务键)."""
    return f"payment-{payment_id}"


def held(state: StatementStream, at: datetime, *, later: int = 0) -> Decided:
    """The payable goes to the held account (暂停支付)."""
    move = state.moves + 1
    fact = facts.StatementHeld(
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        amount_fen=state.total_fen,
        move=move,
        entry_id=entry_id_of(move_key(state.statement_id, move)),
        at=at,
    )
    return told(facts.STATEMENT_HELD, fact, state, next_id(state, later=later))


def released(state: StatementStream, at: datetime) -> Decided:
    """The payable comes back, if it was there; a statement that was split off is let go (恢复支付)."""
    move = state.moves + 1
    fact = facts.StatementReleased(
        statement_id=state.statement_id,
        hospital_id=state.hospital_id,
        payee_id=state.payee_id,
        amount_fen=state.total_fen if state.in_held else 0,
        move=move,
        entry_id=entry_id_of(move_key(state.statement_id, move)) if state.in_held else None,
        at=at,
    )
    return told(facts.STATEMENT_RELEASED, fact, state, next_id(state))


def entry_of_approval(fact: facts.StatementApproved) -> Entry:
    """Dr goods_receivable / Cr payable (借: 应收医院货款, 贷: 应付企业货款)."""
    return entry_of(
        approval_key(fact.statement_id),
        fact.at,
        [
            debit(f"hospital:{fact.hospital_id}:goods_receivable", fact.total_fen),
            credit(f"enterprise:{fact.payee_id}:payable", fact.total_fen),
        ],
        hospital_id=fact.hospital_id,
    )


def entry_of_hold(fact: facts.StatementHeld) -> Entry:
    """Dr payable / Cr held (转入暂停支付)."""
    return _moved(fact, "payable", "held", fact.amount_fen)


def entry_of_release(fact: facts.StatementReleased) -> Entry | None:
    """Dr held / Cr payable (转回应付), if anything lay there."""
    return None if fact.entry_id is None else _moved(fact, "held", "payable", fact.amount_fen)


def entry_of_payment(fact: facts.PaymentReported) -> Entry | None:
    """Dr payable / Cr prepaid and fund, as split (支付); a failure posts nothing."""
    if fact.result != "paid":
        return None
    drawn, rest = fact.from_prepaid_fen, fact.from_fund_fen
    sides = [debit(f"enterprise:{fact.payee_id}:payable", drawn + rest)]
    if drawn:
        sides.append(credit(f"hospital:{fact.hospital_id}:prepaid", drawn))
    if rest:
        sides.append(credit(f"fund:{pool_of(fact.hospital_id)}:bank", rest))
    return entry_of(payment_key(fact.payment_id), fact.at, sides, hospital_id=fact.hospital_id)


def _moved(
    fact: facts.StatementHeld | facts.StatementReleased, source: str, target: str, amount_fen: int
) -> Entry:
    payee = f"enterprise:{fact.payee_id}"
    return entry_of(
        move_key(fact.statement_id, fact.move),
        fact.at,
        [debit(f"{payee}:{source}", amount_fen), credit(f"{payee}:{target}", amount_fen)],
        hospital_id=fact.hospital_id,
    )
