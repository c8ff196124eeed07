"""Facts about where money goes, and the files that tell a bank to send it (收款账户与支付文件的事实).

An account's number is on no topic and in no log: a topic is read by many and kept for years, and a
number cannot be called back. Facts name its last four characters, which is enough to compare.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from shared.events.forms import Fen, Instant

PAYEE_ACCOUNT_SET: Final = "jicai.settlement.payee_account_set.v1"
PAYEE_ACCOUNT_BLOCKED: Final = "jicai.settlement.payee_account_blocked.v1"
PAYEE_ACCOUNT_UNBLOCKED: Final = "jicai.settlement.payee_account_unblocked.v1"
PAYMENT_FILE_ISSUED: Final = "jicai.settlement.payment_file_issued.v1"

Ending = Annotated[str, msgspec.Meta(description="The last four characters of the number.")]
"""What of an account's number is told (账号末四位)."""


class Assignee(msgspec.Struct, kw_only=True):
    """To whom the receivable is assigned (保理受让方): the account is theirs."""

    name: str
    contract: str


class PaidInto(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An account as facts tell it (收款账户). `version` counts the accounts of a payee."""

    version: int
    account_name: str
    account_ending: Ending
    bank_name: str
    bank_code: str
    assignee: Assignee | None = None


class PayeeAccountSet(msgspec.Struct, kw_only=True):
    """From now on payments to this payee go here (收款账户登记); the last one stands."""

    payee_id: str
    account: PaidInto
    at: Instant
    by: str


class PayeeAccountBlocked(msgspec.Struct, kw_only=True):
    """No payment is ordered to this payee's account (收款账户冻结)."""

    payee_id: str
    reason: str
    at: Instant
    by: str


class PayeeAccountUnblocked(msgspec.Struct, kw_only=True):
    """Payments may be ordered again (收款账户解冻)."""

    payee_id: str
    reason: str
    at: Instant
    by: str


class PaymentFileIssued(msgspec.Struct, kw_only=True):
    """Payments of a pool were written up for its bank (支付文件生成): each in one file, ever.

    `sha256` is the root over a salt, which stands in the file alone, and the hashes of the rows.
    """

    file_id: str
    pool: str
    payments: int
    total_fen: Fen
    sha256: str
    at: Instant
    by: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    PAYEE_ACCOUNT_SET: PayeeAccountSet,
    PAYEE_ACCOUNT_BLOCKED: PayeeAccountBlocked,
    PAYEE_ACCOUNT_UNBLOCKED: PayeeAccountUnblocked,
    PAYMENT_FILE_ISSUED: PaymentFileIssued,
}
"""How the fact of each type reads."""
