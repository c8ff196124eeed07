"""The part of the match (三单匹配): receipts, invoices and confirmed returns, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.settlement.domain.receipts import (
    InvoiceLine,
    ReceiptLine,
    ReturnLine,
    invoice_lines,
    receipt_lines,
    return_lines,
)
from services.settlement.projections.receipts import add_return_lines
from services.settlement.sets.matching import absorb
from shared.events.envelope import Record
from shared.events.orders import (
    FACTS,
    INVOICE_REGISTERED,
    RECEIVED,
    RETURN_ANSWERED,
    InvoiceRegistered,
    Received,
    ReturnAnswered,
)

_HEARD: Final = (RECEIVED, INVOICE_REGISTERED, RETURN_ANSWERED)
_DECODERS: Final = {type_: msgspec.json.Decoder(FACTS[type_]) for type_ in _HEARD}


class HeardLines(msgspec.Struct):
    """What a batch says, line by line (分拣)."""

    receipts: list[ReceiptLine] = []
    invoices: list[InvoiceLine] = []
    returns: list[ReturnLine] = []


async def fold_matching(tx: Any, records: Sequence[Record], now: datetime) -> None:
    """Take what was heard into the rows (折叠)."""
    heard = hear_lines(records)
    await absorb(tx, heard.receipts, heard.invoices, now)
    await add_return_lines(tx, heard.returns)


def hear_lines(records: Iterable[Record]) -> HeardLines:
    """Decode a batch and sort its lines by what they are (拆分)."""
    heard = HeardLines()
    for record in records:
        decoder = _DECODERS.get(record.type)
        if decoder is None:
            continue
        match decoder.decode(record.fact):
            case Received() as fact:
                heard.receipts += receipt_lines(fact, record)
            case InvoiceRegistered() as fact:
                heard.invoices += invoice_lines(fact, record)
            case ReturnAnswered() as fact:
                heard.returns += return_lines(fact, record)
    return heard
