"""Facts about monthly statements and their payment (对账单与支付的事实)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from shared.events.forms import Fen, Instant
from shared.events.payees import PaidInto

STATEMENT_DRAFTED: Final = "jicai.settlement.statement_drafted.v1"
STATEMENT_CONFIRMED: Final = "jicai.settlement.statement_confirmed.v1"
STATEMENT_APPROVED: Final = "jicai.settlement.statement_approved.v1"
STATEMENT_REMINDED: Final = "jicai.settlement.statement_reminded.v1"
STATEMENT_CARRIED: Final = "jicai.settlement.statement_carried_forward.v1"
STATEMENT_HELD: Final = "jicai.settlement.statement_held.v1"
STATEMENT_RELEASED: Final = "jicai.settlement.statement_released.v1"
LINES_DISPUTED: Final = "jicai.settlement.lines_disputed.v1"
PAYMENT_ORDERED: Final = "jicai.settlement.payment_ordered.v1"
PAYMENT_REPORTED: Final = "jicai.settlement.payment_reported.v1"
DISPUTE_OPENED: Final = "jicai.settlement.dispute_opened.v1"
DISPUTE_RESOLVED: Final = "jicai.settlement.dispute_resolved.v1"
SUSPENSION_ORDERED: Final = "jicai.settlement.suspension_ordered.v1"
SUSPENSION_BEGAN: Final = "jicai.settlement.suspension_began.v1"
SUSPENSION_LIFTED: Final = "jicai.settlement.suspension_lifted.v1"

Side = Literal["hospital", "payee"]
Outcome = Literal["settle", "withdraw"]
BankResult = Literal["paid", "failed"]
Scope = Literal["all", "batch", "product", "manufacturer"]


class StatementDrafted(msgspec.Struct, kw_only=True):
    """What a hospital and a payee have to settle for a month (对账单生成), on what was known at `at`.

    `is_second`: a suspension covers only some of the pair's lines, and these are here. `carried`
    names earlier statements whose negative totals enter here, as `carried_fen`.
    """

    statement_id: str
    hospital_id: str
    payee_id: str
    month: str
    pool: str
    is_second: bool
    receipt_lines: int
    return_lines: int
    receipts_fen: Fen
    returns_fen: int
    carried_fen: int
    carried: list[str]
    total_fen: int
    at: Instant
    due: Instant
    policy_version: str


class StatementConfirmed(msgspec.Struct, kw_only=True):
    """One side has confirmed (对账确认); `due` is the end of patience with the next."""

    statement_id: str
    side: Side
    at: Instant
    due: Instant
    by: str


class StatementApproved(msgspec.Struct, kw_only=True):
    """The bureau has approved: from now on it is a debt (审核通过), under one entry."""

    statement_id: str
    hospital_id: str
    payee_id: str
    total_fen: Fen
    entry_id: str
    at: Instant
    by: str
    person: str


class StatementReminded(msgspec.Struct, kw_only=True):
    """Whoever the statement waits for was reminded (催办); `state` says who that is."""

    statement_id: str
    state: str
    at: Instant


class StatementCarried(msgspec.Struct, kw_only=True):
    """Nothing is to be paid: the total waits for the pair's next statement (结转下期)."""

    statement_id: str
    hospital_id: str
    payee_id: str
    total_fen: int
    at: Instant


class StatementHeld(msgspec.Struct, kw_only=True):
    """A suspension holds the payable back: it lies in the held account (暂停支付); its `move`-th move."""

    statement_id: str
    hospital_id: str
    payee_id: str
    amount_fen: Fen
    move: int
    entry_id: str
    at: Instant


class StatementReleased(msgspec.Struct, kw_only=True):
    """No suspension holds it back any more (恢复支付); nothing was moved where there is no entry."""

    statement_id: str
    hospital_id: str
    payee_id: str
    amount_fen: Fen
    move: int
    entry_id: str | None
    at: Instant


class LinesDisputed(msgspec.Struct, kw_only=True):
    """Lines have left the total of a statement (争议明细). The two sums are what they took along.

    `is_along`: they are returns of lines that were disputed, and free to come again with those.
    """

    statement_id: str
    dispute_id: str
    line_ids: list[str]
    receipts_fen: Fen
    returns_fen: int
    is_along: bool
    at: Instant
    by: str


class PaymentOrdered(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Finance has ordered the payment (支付指令): the split is fixed, the bank is awaited.

    `account` is where it goes, as it stood then; nowhere yet where the payee has registered none.
    """

    payment_id: str
    statement_id: str
    hospital_id: str
    payee_id: str
    from_prepaid_fen: Fen
    from_fund_fen: Fen
    at: Instant
    by: str
    person: str
    account: PaidInto | None = None


class PaymentReported(msgspec.Struct, kw_only=True):
    """What the bank says of a payment (银行回执); one that failed may be ordered anew."""

    payment_id: str
    statement_id: str
    hospital_id: str
    payee_id: str
    result: BankResult
    from_prepaid_fen: Fen
    from_fund_fen: Fen
    bank_reference: str | None
    value_date: str | None
    reason: str | None
    entry_id: str | None
    at: Instant
    by: str


class DisputeOpened(msgspec.Struct, kw_only=True):
    """One side contests lines of a statement (争议提出)."""

    dispute_id: str
    statement_id: str
    hospital_id: str
    payee_id: str
    line_ids: list[str]
    reason: str
    at: Instant
    by: str


class DisputeResolved(msgspec.Struct, kw_only=True):
    """The bureau lets the lines come again, or keeps them out for good (争议处理)."""

    dispute_id: str
    statement_id: str
    outcome: Outcome
    at: Instant
    by: str


class SuspensionOrdered(msgspec.Struct, kw_only=True):
    """Direct settlement is suspended (暂停医保基金直接结算), for a payee or, without one, for all."""

    suspension_id: str
    payee_id: str | None
    scope: Scope
    scope_id: str | None
    first_day: str
    begins_at: Instant
    decision: str
    at: Instant
    by: str


class SuspensionBegan(msgspec.Struct, kw_only=True):
    """Its day has begun (暂停生效)."""

    suspension_id: str
    at: Instant


class SuspensionLifted(msgspec.Struct, kw_only=True):
    """It is over (解除暂停)."""

    suspension_id: str
    decision: str
    at: Instant
    by: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    STATEMENT_DRAFTED: StatementDrafted,
    STATEMENT_CONFIRMED: StatementConfirmed,
    STATEMENT_APPROVED: StatementApproved,
    STATEMENT_REMINDED: StatementReminded,
    STATEMENT_CARRIED: StatementCarried,
    STATEMENT_HELD: StatementHeld,
    STATEMENT_RELEASED: StatementReleased,
    LINES_DISPUTED: LinesDisputed,
    PAYMENT_ORDERED: PaymentOrdered,
    PAYMENT_REPORTED: PaymentReported,
    DISPUTE_OPENED: DisputeOpened,
    DISPUTE_RESOLVED: DisputeResolved,
    SUSPENSION_ORDERED: SuspensionOrdered,
    SUSPENSION_BEGAN: SuspensionBegan,
    SUSPENSION_LIFTED: SuspensionLifted,
}
"""How the fact of each type reads."""
