"""The bus door (事件入口): who and what is registered, and which orders have arrived.

Both are kept for those who name them in a ticket. Dispatches are not read: what is on its way has not
arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.feedback.domain.deliveries import Heard, Ordered
from services.feedback.projections.deliveries import store
from services.feedback.projections.registers import fold_registers
from shared.events.envelope import Record
from shared.events.orders import (
    ARRIVED,
    CANCELLED,
    LINE_VOIDED,
    PLACED,
    RECEIVED,
    Cancelled,
    DeliveryFact,
    LineVoided,
    OrderFact,
)
from shared.events.topics import DELIVERIES, ORDERS, REFERENCE
from shared.runtime.service import ReadModel
from shared.store.twins import Table

TOPICS: Final = (ORDERS, DELIVERIES, REFERENCE)

_DECODERS: Final[dict[str, msgspec.json.Decoder[OrderFact]]] = {
    type_: msgspec.json.Decoder(fact)
    for type_, fact in (
        (PLACED, Ordered),
        (CANCELLED, Cancelled),
        (LINE_VOIDED, LineVoided),
        (ARRIVED, DeliveryFact),
        (RECEIVED, DeliveryFact),
    )
}


async def fold(tx: Any, records: Sequence[Record], _room: Any) -> None:
    """Keep registers and arrivals; the calendar is feedback's own, and nobody sends it one (折叠)."""
    await refold(tx, records)


async def refold(tx: Any, records: Sequence[Record]) -> None:
    """All that a fold does here is to write rows (重建)."""
    await fold_registers(tx, records)
    heard = hear(records)
    await store(tx, heard.orders, heard.ended, heard.arrivals)


def hear(records: Sequence[Record]) -> Heard:
    """What a batch says of orders and arrivals; the rest is not even decoded (拆分)."""
    heard = Heard()
    for record in records:
        decoder = _DECODERS.get(record.type)
        if decoder is not None:
            heard.hear(record.version, decoder.decode(record.fact))
    return heard


READ_MODEL: Final = ReadModel(
    fold=refold,
    tables=(
        Table("registers", ("kind", "id")),
        Table("placed_orders", ("order_id",)),
        Table("ended_lines", ("order_id", "line_id")),
        Table("arrivals", ("order_id", "delivery_id")),
    ),
)
"""In the order in which a fold writes them; tickets are our own."""
