"""Facts about what the fund owes (医保基金结算的事实)."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import field

from shared.events import hospital_payments, payees, statements
from shared.events.forms import DecimalText, Fen, Instant, TenThousandths

LINE_ACCRUED: Final = "jicai.settlement.line_accrued.v1"
RETENTION_INPUTS_SET: Final = "jicai.settlement.retention_inputs_set.v1"
RETENTION_CALCULATED: Final = "jicai.settlement.retention_calculated.v1"
OFFSET_POSTED: Final = "jicai.settlement.offset_posted.v1"
PREPAYMENT_MADE: Final = "jicai.settlement.prepayment_made.v1"
ENTRY_REVERSED: Final = "jicai.settlement.entry_reversed.v1"
MONTH_CLOSED: Final = "jicai.settlement.month_closed.v1"
BLOCK_SEALED: Final = "jicai.settlement.block_sealed.v1"
ROOT_PUBLISHED: Final = "jicai.settlement.root_published.v1"


class LineAccrued(msgspec.Struct, kw_only=True):
    """A received line stands to be settled (应付计提): once for each receipt line, for ever."""

    receipt_id: str
    order_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    quantity: TenThousandths = field(name="quantity_e4")
    quantity_text: DecimalText = field(name="quantity")
    unit_price: TenThousandths = field(name="unit_price_e4")
    unit_price_text: DecimalText = field(name="unit_price")
    amount_fen: Fen
    month: str
    at: Instant


class NonSelectedUse(msgspec.Struct, kw_only=True):
    """What was used of a generic beside the selected products, at one price (非中选产品用量)."""

    quantity: DecimalText
    price: DecimalText


class RetentionVariety(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One variety as the bureau states it (品种测算数据); what is left out comes from the registers."""

    generic_name: str
    reported_quantity: DecimalText | None = None
    agreed_quantity: DecimalText | None = None
    selected_quantity: DecimalText | None = None
    pre_price: DecimalText | None = None
    selected_price: DecimalText | None = None
    non_selected: list[NonSelectedUse] | None = None


class RetentionInputsSet(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a hospital's retained surplus is reckoned from (结余留用测算参数); the last one stands.

    Without `accuracy` each variety gets its own, by how its use compares with what was reported.
    """

    batch_id: str
    year: int
    hospital_id: str
    assessment: DecimalText
    grade: str | None = None
    accuracy: DecimalText | None = None
    fund_ratio: DecimalText
    insured_share: DecimalText
    varieties: list[RetentionVariety]


class RetainedVariety(msgspec.Struct, kw_only=True):
    """One variety's surplus with every figure it comes from (品种结余留用).

    `drawn` names the figures that came from demand reports, agreements and receipts.
    """

    generic_name: str
    reported_quantity: DecimalText
    agreed_quantity: DecimalText
    selected_quantity: DecimalText
    counted_quantity: DecimalText
    pre_price: DecimalText | None
    selected_price: DecimalText | None
    non_selected: list[NonSelectedUse]
    accuracy: DecimalText
    drawn: list[str]
    budget_fen: Fen
    spend_fen: Fen
    base_fen: Fen
    retained_fen: Fen


class RetentionCalculated(msgspec.Struct, kw_only=True):
    """What a hospital retains of a batch's year (结余留用测算结果): once, with all it stands on."""

    batch_id: str
    year: int
    hospital_id: str
    pool: str
    formula: str
    policy_version: str
    assessment: DecimalText
    grade: str | None
    fund_ratio: DecimalText
    insured_share: DecimalText
    varieties: list[RetainedVariety]
    retained_fen: Fen
    calculated_by: str
    calculated_at: Instant


class OffsetPosted(msgspec.Struct, kw_only=True):
    """What a hospital owes for goods was set against its claims (抵扣入账): one entry, once."""

    offset_id: str
    hospital_id: str
    amount_fen: Fen
    entry_id: str
    at: Instant
    by: str


class PrepaymentMade(msgspec.Struct, kw_only=True):
    """A hospital was prepaid for a batch (医保基金预付): one entry, once.

    `agreed_fen` is the agreed amount then (协议金额), of which `percent` must be prepaid at least.
    """

    prepayment_id: str
    hospital_id: str
    batch_id: str
    amount_fen: Fen
    agreed_fen: Fen
    percent: int
    policy_version: str
    entry_id: str
    at: Instant
    by: str


class PostedSide(msgspec.Struct, kw_only=True):
    """One side of an entry (分录行)."""

    account: str
    debit_fen: Fen
    credit_fen: Fen


class EntryReversed(msgspec.Struct, kw_only=True):
    """An entry was undone by its mirror (红冲): `entry_id` is the reversing entry, once for each."""

    entry_id: str
    reverses: str
    reason: str
    postings: list[PostedSide]
    at: Instant
    by: str


class MonthClosed(msgspec.Struct, kw_only=True):
    """No entry is dated in this month any more (月结)."""

    month: str
    closed_at: Instant
    by: str


class SealedEntry(msgspec.Struct, kw_only=True):
    """An entry in the chain, by its id and the hash of all that the ledger says of it (凭证哈希)."""

    entry_id: str
    sha256: str


class BlockSealed(msgspec.Struct, kw_only=True):
    """Entries became part of the chain, in this order (账本封存).

    `root` is the hash of `previous`, the block before, and the entries' hashes, joined by newlines;
    `first_seq` the first entry's place in the chain, `earliest` the earliest instant of them.
    """

    number: int
    at: Instant
    first_seq: int
    previous: str
    root: str
    earliest: Instant
    entries: list[SealedEntry]


class RootPublished(msgspec.Struct, kw_only=True):
    """The chain as it stood when a day had ended, signed (每日账本根哈希).

    The signature covers the RFC 8785 JSON of `at`, `entries` and `root`; key and signature are hex.
    """

    day: str
    at: Instant
    blocks: int
    entries: int
    root: str
    algorithm: str
    signature: str
    public_key: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    LINE_ACCRUED: LineAccrued,
    RETENTION_INPUTS_SET: RetentionInputsSet,
    RETENTION_CALCULATED: RetentionCalculated,
    OFFSET_POSTED: OffsetPosted,
    PREPAYMENT_MADE: PrepaymentMade,
    ENTRY_REVERSED: EntryReversed,
    MONTH_CLOSED: MonthClosed,
    BLOCK_SEALED: BlockSealed,
    ROOT_PUBLISHED: RootPublished,
    **statements.FACTS,
    **hospital_payments.FACTS,
    **payees.FACTS,
}
"""How the fact of each type reads."""
