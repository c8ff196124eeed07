"""Receipts, invoices and returns as the bus brings them, and how they are told to settlement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from services.settlement.consumer.matching import fold_matching
from shared.events.envelope import Record
from shared.events.orders import (
    INVOICE_REGISTERED,
    RECEIVED,
    RETURN_ANSWERED,
    InvoiceRegistered,
    OrderFact,
    PricedLine,
    QuantityLine,
    Received,
    ReceivedLine,
    ReturnAnswered,
)
from shared.events.topics import DELIVERIES
from shared.kernel.quantity import format_quantity
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY

HOSPITAL, DISTRIBUTOR, MAKER = "H36010200001", "91360000MA00000D15", "91360000MA00000M15"
UNIT = 10_000
SELECTED = 25_000
KNOWN: dict[str, Any] = {
    "product_id": "P1", "manufacturer_id": MAKER, "category": "drug",
    "generic_name": "amlodipine", "supplier_role": "main", "selected_price": SELECTED,
    "batch_id": "B1",
}  # fmt: skip


class Papers:
    """One order's facts, each at the next place of its stream unless told otherwise."""

    def __init__(self, number: int = 1, hospital: str = HOSPITAL, payee: str = DISTRIBUTOR) -> None:
        self.order_id = f"{hospital}-{number}"
        self._parties = {
            "order_id": self.order_id,
            "hospital_id": hospital,
            "distributor_id": payee,
            "division": hospital[1:7],
        }
        self._places = count(3)

    def receipt(
        self, accepted: dict[str, int], receipt: str = "R1", at: datetime = MONDAY, **line: Any
    ) -> Record:
        """What the hospital took of each line."""
        lines = [
            ReceivedLine(
                line_id=line_id,
                **{**KNOWN, **line},
                accepted=quantity,
                accepted_text=format_quantity(quantity),
                rejected=0,
                rejected_text="0",
                unit_price=SELECTED,
                unit_price_text=format_quantity(SELECTED),
            )
            for line_id, quantity in accepted.items()
        ]
        fact = Received(
            **self._parties, at=at, delivery_id=f"D-{receipt}", lines=[], receipt_id=receipt,
            recorded=at, received=lines,
        )  # fmt: skip
        return self._record(RECEIVED, fact, receipt, at)

    def invoice(
        self,
        invoiced: dict[str, tuple[int, int]],
        invoice: str = "I1",
        kind: Any = "sale",
        receipt: str = "R1",
        return_id: str | None = None,
        at: datetime = MONDAY,
        **line: Any,
    ) -> Record:
        """Quantity and price of each line."""
        lines = [
            PricedLine(
                line_id=line_id,
                **{**KNOWN, **line},
                quantity=quantity,
                quantity_text=format_quantity(quantity),
                unit_price=price,
                unit_price_text=format_quantity(price),
            )
            for line_id, (quantity, price) in invoiced.items()
        ]
        fact = InvoiceRegistered(
            **self._parties, at=at, invoice_id=invoice, invoice_number="044001900111",
            receipt_id=receipt, kind=kind, return_id=return_id, lines=lines,
        )  # fmt: skip
        return self._record(INVOICE_REGISTERED, fact, invoice, at)

    def answered_return(
        self,
        back: dict[str, int],
        return_id: str = "T1",
        confirmed: bool = True,
        at: datetime = MONDAY,
        **line: Any,
    ) -> Record:
        """What goes back of each line of the first receipt, if it is confirmed."""
        lines = [
            QuantityLine(
                line_id=line_id,
                **{**KNOWN, **line},
                quantity=quantity,
                quantity_text=format_quantity(quantity),
            )
            for line_id, quantity in back.items()
        ]
        fact = ReturnAnswered(
            **self._parties, at=at, return_id=return_id, receipt_id="R1",
            confirmed=confirmed, lines=lines,
        )  # fmt: skip
        return self._record(RETURN_ANSWERED, fact, return_id, at)

    def _record(self, type_: str, fact: OrderFact, event_id: str, at: datetime) -> Record:
        version = next(self._places)
        return Record(
            topic=DELIVERIES,
            stream=f"order-{self.order_id}",
            version=version,
            source=f"urn:jicai:{fact.hospital_id}",
            event_id=f"{self.order_id}-{event_id}",
            type=type_,
            occurred_at=at,
            recorded_at=at + timedelta(minutes=version),
            fact=msgspec.json.encode(fact),
        )


async def tell(room: Room, records: Sequence[Record], now: datetime = MONDAY) -> None:
    """One batch in one transaction, as the frame's consumer takes it."""
    async with room.pool.acquire() as tx, tx.transaction():
        await fold_matching(tx, records, now)


async def outcomes(room: Room) -> dict[tuple[str, str, str], tuple[str | None, int | None]]:
    """Order, receipt and line of every row: how it is matched, and its amount."""
    rows = await room.pool.fetch("SELECT * FROM receipt_lines")
    return {
        (row["order_id"], row["receipt_id"], row["order_line_id"]): (
            row["outcome"],
            None if row["amount_fen"] is None else int(row["amount_fen"]),
        )
        for row in rows
    }
