"""All that may happen in settlement: one decider over its kinds of stream (结算规则).

A kind of stream has a file of its own; here stand its line in `State` and its cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.settlement.commands import (
    AccrueLine,
    AcknowledgeHospitalPayment,
    CalculateRetention,
    CloseMonth,
    ContestHospitalPayment,
    PostOffset,
    PostPrepayment,
    ReportHospitalPayment,
    ReverseEntry,
    SetRetentionInputs,
    WithdrawHospitalPayment,
)
from services.settlement.domain import (
    accrual,
    chain,
    disputing,
    hospital_payment,
    month,
    offset,
    payee,
    prepayment,
    retaining,
    reversal,
    statement,
    suspension,
)
from services.settlement.domain.accrual import OrderAccruals
from services.settlement.domain.chain import LedgerStream
from services.settlement.domain.disputing import DisputeStream
from services.settlement.domain.hospital_payment import HospitalPaymentStream
from services.settlement.domain.month import MonthStream
from services.settlement.domain.offset import OffsetStream
from services.settlement.domain.payee import PayeeStream
from services.settlement.domain.payment_file import PaymentFileStream
from services.settlement.domain.prepayment import PrepaymentStream
from services.settlement.domain.retaining import RetentionStream
from services.settlement.domain.reversal import EntryStream
from services.settlement.domain.statement import StatementStream
from services.settlement.domain.suspension import SuspensionStream
from services.settlement.domain.world import World
from shared.events import hospital_payments as payments
from shared.events import payees, statements
from shared.events import settlement as facts
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal

State = (
    OrderAccruals
    | RetentionStream
    | OffsetStream
    | PrepaymentStream
    | EntryStream
    | MonthStream
    | LedgerStream
    | StatementStream
    | DisputeStream
    | SuspensionStream
    | HospitalPaymentStream
    | PayeeStream
    | PaymentFileStream
)

_SUSPENSION: Final = "jicai.settlement.suspension_"

COLUMNS: Final[dict[str, str]] = {}
"""Lists read tables of their own, so a stream's row shows none of its state (查询列)."""


def authorise(_state: State | None, sent: Sent, _world: World) -> None:
    """An accrual is the platform's own; elsewhere the door has told 403 and 404 before."""
    if isinstance(sent.command, AccrueLine):
        accrual.authorise(sent)


def decide(state: State | None, sent: Sent, now: datetime, world: World) -> Decided:
    """The fact that a command becomes, or a refusal."""
    match state, sent.command:
        case _, AccrueLine() as command:
            return accrual.decide(sent, command)
        case None | RetentionStream(), SetRetentionInputs() as command:
            return retaining.set_inputs(sent, command, now)
        case None | RetentionStream(), CalculateRetention() as command:
            return retaining.calculate(state, sent, command, now, world.retention)
        case None | OffsetStream(), PostOffset() as command:
            return offset.post_offset(state, sent, command, now)
        case None | PrepaymentStream(), PostPrepayment() as command:
            return prepayment.post_prepayment(state, sent, command, now)
        case None | EntryStream(), ReverseEntry() as command:
            return reversal.reverse_entry(state, sent, command, now)
        case None | MonthStream(), CloseMonth() as command:
            return month.close_month(state, sent, command, now)
        case None | HospitalPaymentStream(), ReportHospitalPayment() as command:
            return hospital_payment.report(state, sent, command, now)
        case None | HospitalPaymentStream(), (
            ContestHospitalPayment() | AcknowledgeHospitalPayment() | WithdrawHospitalPayment()
        ) as command:
            return hospital_payment.act_on(state, sent, command, now)
    raise Refusal("not_found", "没有这一结算事项", "settlement has nothing of this id")


def evolve(state: State | None, type_: str, fact: Any) -> State:
    """A stream with one more fact in it."""
    match state, fact:
        case None | OrderAccruals(), facts.LineAccrued():
            return accrual.evolve(state, fact)
        case None | RetentionStream(), facts.RetentionInputsSet() | facts.RetentionCalculated():
            return retaining.evolve(state, type_, fact)
        case None, facts.OffsetPosted():
            return OffsetStream(fact)
        case None, facts.PrepaymentMade():
            return PrepaymentStream(fact)
        case None, facts.EntryReversed():
            return EntryStream(fact)
        case None, facts.MonthClosed():
            return MonthStream(fact)
        case None | LedgerStream(), facts.BlockSealed() | facts.RootPublished():
            return chain.evolve(state, fact)
        case None | DisputeStream(), statements.DisputeOpened() | statements.DisputeResolved():
            return disputing.evolve(state, fact)
        case None | SuspensionStream(), _ if type_.startswith(_SUSPENSION):
            return suspension.evolve(state, fact)
        case None | StatementStream(), _ if type_ in statements.FACTS:
            return statement.evolve(state, fact)
        case None | HospitalPaymentStream(), _ if type_ in payments.FACTS:
            return hospital_payment.evolve(state, type_, fact)
        case None, payees.PaymentFileIssued():
            return PaymentFileStream(fact)
        case None | PayeeStream(), _ if type_ in payees.FACTS:
            return payee.evolve(state, fact)
    raise ValueError(f"{type_} is no fact of this stream")


def due(state: State) -> datetime | None:
    """When somebody is to be reminded, or a suspension begins; nothing else fires by itself."""
    match state:
        case StatementStream():
            return statement.due(state)
        case SuspensionStream():
            return suspension.due(state)
    return None


def wake(state: State, at: datetime, _world: World) -> Sequence[Decided]:
    """What happens at that instant by itself."""
    match state:
        case StatementStream():
            return statement.wake(state, at)
        case SuspensionStream():
            return suspension.wake(state, at)
    return []


def columns(_state: State) -> tuple[Any, ...]:
    """The row of a stream, as `COLUMNS` names it."""
    return ()


SETTLING: Final[Decider[State, World]] = Decider(
    authorise=authorise,
    decide=decide,
    evolve=evolve,
    due=due,
    wake=wake,
    encode=msgspec.json.Encoder().encode,
    decode=msgspec.json.Decoder(State).decode,
    columns=columns,
)
