"""What feedback keeps of orders and what arrives of them (到货核对): rows of which one simply wins."""

from __future__ import annotations

from collections.abc import Sequence

from services.feedback.consumer import hear
from shared.events.envelope import Record
from tests.simulation.tables import Transaction


def fold_arrivals(tx: Transaction, records: Sequence[Record]) -> None:
    """Keep what a batch says of orders and arrivals."""
    heard = hear(records)
    for order in heard.orders:
        if tx.get("orders", order.order_id) is None:
            tx.put("orders", order.order_id, order)
    for ended in heard.ended:
        if tx.get("ended", ended[:2]) is None:
            tx.put("ended", ended[:2], ended)
    for arrival in heard.arrivals:
        known = tx.get("arrivals", arrival[:2])
        if known is None or known.version < arrival.version:
            tx.put("arrivals", arrival[:2], arrival)
