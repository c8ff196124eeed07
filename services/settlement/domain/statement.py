"""The statement as its facts leave it (对账单状态). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from shared.events import statements as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.decider import Decided

STATES: Final = (
    "draft", "hospital_confirmed", "confirmed", "approved", "paying", "paid", "carried_forward",
)  # fmt: skip
"""A statement's states (待医院确认、待企业确认、待审核、待支付、支付中、已支付、已结转)."""

OPEN: Final = frozenset({"draft", "hospital_confirmed"})
"""Not confirmed by both: lines can still leave (未双方确认)."""

WAITING: Final = OPEN | {"confirmed"}
"""Somebody is reminded who lets the due pass (待办)."""

APPROVED: Final = frozenset({"approved", "paying", "paid"})
"""A debt, or one that was (已审核)."""


class Payment(msgspec.Struct, array_like=True):
    """One order to the bank (支付指令); its split was fixed when it was given."""

    payment_id: str
    from_prepaid_fen: int
    from_fund_fen: int
    state: str = "paying"
    bank_reference: str | None = None


class Step(msgspec.Struct, array_like=True):
    """One entry of a statement's history (办理记录)."""

    type: str
    at: datetime
    by: str


class StatementStream(msgspec.Struct, array_like=True, tag="statement"):
    """One statement (对账单).

    `is_apart`: a suspension split it off, and no lift has let it go; `in_held`: its payable lies in the
    held account; `is_reminded`: nobody is reminded of this state any more.
    """

    statement_id: str
    hospital_id: str
    payee_id: str
    month: str
    pool: str
    is_second: bool
    drafted_at: datetime
    state: str
    began: datetime
    due: datetime | None
    receipts_fen: int
    returns_fen: int
    carried_fen: int
    is_apart: bool = False
    in_held: bool = False
    is_reminded: bool = False
    approved_by: str | None = None
    disputes: int = 0
    moves: int = 0
    payments: list[Payment] = []
    history: list[Step] = []

    @property
    def total_fen(self) -> int:
        """What there is to pay; 0 or less asks for nothing (应付金额)."""
        return self.receipts_fen + self.returns_fen + self.carried_fen

    @property
    def is_held(self) -> bool:
        """Held back by a suspension, as the contract tells it (暂停支付)."""
        return self.is_apart or self.in_held

    def has(self, step: str) -> bool:
        """Whether this has happened to it."""
        return any(one.type == step for one in self.history)


def stream_of(statement_id: str) -> str:
    """The stream of one statement."""
    return f"statement-{statement_id}"


def told(
    type_: str, fact: Any, state: StatementStream, event_id: str, *, at: datetime | None = None
) -> Decided:
    """A fact of a statement as it is recorded: both its parties may read it."""
    return Decided(
        topic=SETTLEMENT,
        type=type_,
        fact=fact,
        at=at or fact.at,
        event_id=event_id,
        data=msgspec.to_builtins(fact),
        hospital_id=state.hospital_id,
        distributor_id=state.payee_id,
    )


def next_id(state: StatementStream, *, later: int = 0) -> str:
    """The id of the next event on its stream, or of one some places later: history counts them."""
    return f"{stream_of(state.statement_id)}-{len(state.history) + 1 + later}"


def due(state: StatementStream) -> datetime | None:
    """When somebody is to be reminded (催办时刻); who has nothing to pay is not."""
    if state.state not in WAITING or state.is_reminded or state.total_fen <= 0:
        return None
    return state.due


def wake(state: StatementStream, at: datetime) -> Sequence[Decided]:
    """Silence never pays: it is reminded (催办)."""
    fact = facts.StatementReminded(statement_id=state.statement_id, state=state.state, at=at)
    return [told(facts.STATEMENT_REMINDED, fact, state, next_id(state))]


def evolve(state: StatementStream | None, fact: Any) -> StatementStream:
    """A statement with one more fact in it."""
    if isinstance(fact, facts.StatementDrafted):
        return _drafted(fact)
    if state is None:
        raise ValueError(f"a statement begins with its draft, not with {type(fact).__name__}")
    match fact:
        case facts.StatementConfirmed():
            entered = "hospital_confirmed" if fact.side == "hospital" else "confirmed"
            _enter(state, entered, fact.at, fact.by, due=fact.due)
        case facts.StatementApproved():
            _enter(state, "approved", fact.at, fact.by)
            state.approved_by = fact.person
        case facts.StatementReminded():
            state.is_reminded = True
            _note(state, "reminded", fact.at)
        case facts.StatementCarried():
            _enter(state, "carried_forward", fact.at)
        case facts.StatementHeld():
            state.in_held, state.moves = True, state.moves + 1
            _note(state, "held", fact.at)
        case facts.StatementReleased():
            _released(state, fact)
        case facts.LinesDisputed():
            _disputed(state, fact)
        case facts.PaymentOrdered():
            state.payments.append(
                Payment(fact.payment_id, fact.from_prepaid_fen, fact.from_fund_fen)
            )
            _enter(state, "paying", fact.at, fact.by)
        case facts.PaymentReported():
            _reported(state, fact)
        case _:
            raise ValueError(f"{type(fact).__name__} is no fact of a statement")
    return state


def _drafted(fact: facts.StatementDrafted) -> StatementStream:
    return StatementStream(
        statement_id=fact.statement_id,
        hospital_id=fact.hospital_id,
        payee_id=fact.payee_id,
        month=fact.month,
        pool=fact.pool,
        is_second=fact.is_second,
        drafted_at=fact.at,
        state="draft",
        began=fact.at,
        due=fact.due,
        receipts_fen=fact.receipts_fen,
        returns_fen=fact.returns_fen,
        carried_fen=fact.carried_fen,
        is_apart=fact.is_second,
        history=[Step("drafted", fact.at, "system")],
    )


def _enter(
    state: StatementStream,
    entered: str,
    at: datetime,
    by: str = "system",
    *,
    due: datetime | None = None,
    said: str | None = None,
) -> None:
    state.state, state.began, state.due, state.is_reminded = entered, at, due, False
    _note(state, said or entered, at, by)


def _note(state: StatementStream, type_: str, at: datetime, by: str = "system") -> None:
    state.history.append(Step(type_, at, by))


def _released(state: StatementStream, fact: facts.StatementReleased) -> None:
    state.is_apart, state.moves = False, state.moves + 1
    if fact.entry_id is not None:
        state.in_held = False
    _note(state, "released", fact.at)


def _disputed(state: StatementStream, fact: facts.LinesDisputed) -> None:
    asked = state.total_fen > 0
    state.receipts_fen -= fact.receipts_fen
    state.returns_fen -= fact.returns_fen
    if not fact.is_along:
        state.disputes += 1
    # While nothing was to be paid the due passed in silence: nobody is reminded of it afterwards.
    if not asked and state.due is not None and fact.at >= state.due:
        state.is_reminded = True
    _note(state, "disputed", fact.at, fact.by)


def _reported(state: StatementStream, fact: facts.PaymentReported) -> None:
    payment = state.payments[-1]
    payment.state, payment.bank_reference = fact.result, fact.bank_reference
    if fact.result == "paid":
        _enter(state, "paid", fact.at, fact.by)
    else:
        _enter(state, "approved", fact.at, fact.by, said="payment_failed")
