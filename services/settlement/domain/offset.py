"""Offsets (抵扣): what a hospital owes for goods, set against what the fund owes it for claims. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.settlement.commands import PostOffset
from services.settlement.domain.ledger import Entry, credit, debit, entry_id_of, entry_of
from shared.events.settlement import OFFSET_POSTED, OffsetPosted
from shared.events.topics import SETTLEMENT
from shared.kernel.codes import division_of
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal


class OffsetStream(msgspec.Struct, frozen=True, array_like=True, tag="offset"):
    """A stream that is an offset: one fact, once."""

    posted: OffsetPosted


def stream_of(offset_id: str) -> str:
    """The stream of one offset."""
    return f"offset-{offset_id}"


def post_offset(
    state: OffsetStream | None, sent: Sent, command: PostOffset, now: datetime
) -> Decided:
    """The offset as a fact; its id is used up by the first (抵扣入账)."""
    if state is not None:
        raise Refusal("conflicting_duplicate", "该抵扣编号已使用", "this offset id was used")
    fact = OffsetPosted(
        offset_id=command.offset_id,
        hospital_id=command.hospital_id,
        amount_fen=command.amount_fen,
        entry_id=entry_id_of(stream_of(command.offset_id)),
        at=now,
        by=command.by,
    )
    # Hospitals see no entries: the fact names its division, so that their feeds pass over it.
    return Decided(
        topic=SETTLEMENT,
        type=OFFSET_POSTED,
        fact=fact,
        at=now,
        sent=sent,
        divisions=division_of(command.hospital_id),
    )


def entry_of_offset(fact: OffsetPosted) -> Entry:
    """Dr claims_payable / Cr goods_receivable (借: 应付医保费用, 贷: 应收医院货款)."""
    hospital = f"hospital:{fact.hospital_id}"
    return entry_of(
        stream_of(fact.offset_id),
        fact.at,
        [
            debit(f"{hospital}:claims_payable", fact.amount_fen),
            credit(f"{hospital}:goods_receivable", fact.amount_fen),
        ],
        hospital_id=fact.hospital_id,
    )
