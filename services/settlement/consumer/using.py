"""The part of use (非中选产品使用): what was received of a generic beside the selected products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from services.settlement.projections.use import NonSelectedReceipt, insert_receipts
from shared.events.envelope import Record
from shared.events.orders import RECEIVED, Received

NON_SELECTED: Final = "none"
"""Neither main nor backup: a backup supplier's goods are no choice against the selected ones (非中选)."""

_decoder = msgspec.json.Decoder(Received)


async def fold_use(tx: Any, records: Sequence[Record]) -> None:
    """Keep each non-selected line that was accepted, once (折叠)."""
    await insert_receipts(tx, hear_use(records))


def hear_use(records: Iterable[Record]) -> list[NonSelectedReceipt]:
    """The accepted lines without a place in a batch (拆分)."""
    return [
        NonSelectedReceipt(
            order_id=fact.order_id,
            receipt_id=fact.receipt_id,
            order_line_id=line.line_id,
            hospital_id=fact.hospital_id,
            generic_name=line.generic_name,
            at=fact.at,
            quantity=line.accepted,
            unit_price=line.unit_price,
        )
        for record in records
        if record.type == RECEIVED
        for fact in (_decoder.decode(record.fact),)
        for line in fact.received
        if line.supplier_role == NON_SELECTED and line.accepted > 0
    ]
