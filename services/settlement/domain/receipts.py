"""What facts of deliveries say of lines that the fund settles (结算明细). Pure.

Rows as they are stored, for main suppliers alone. `occurred_at` is the sender's claim, which decides
the month; `recorded_at` when we stored it, which decides what a draft knew.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from services.settlement.domain.accrual import MAIN
from shared.events.envelope import Record
from shared.events.forms import InvoiceKind
from shared.events.orders import InvoiceRegistered, Received, ReturnAnswered
from shared.kernel.codes import pool_of


class ReceiptLine(NamedTuple):
    """An accepted line of a receipt (验收明细), with the selected price as the order stored it."""

    order_id: str
    receipt_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    pool: str
    product_id: str
    manufacturer_id: str
    batch_id: str | None
    selected_price: int | None
    accepted: int
    occurred_at: datetime
    recorded_at: datetime


class InvoiceLine(NamedTuple):
    """A line of a sale or credit invoice (发票明细); `version` is its place in the order's stream."""

    order_id: str
    invoice_id: str
    order_line_id: str
    receipt_id: str
    kind: InvoiceKind
    return_id: str | None
    quantity: int
    unit_price: int
    occurred_at: datetime
    version: int
    recorded_at: datetime


class ReturnLine(NamedTuple):
    """A line of a return that the distributor confirmed (退货明细)."""

    order_id: str
    return_id: str
    order_line_id: str
    receipt_id: str
    hospital_id: str
    payee_id: str
    pool: str
    product_id: str
    quantity: int
    occurred_at: datetime
    recorded_at: datetime


def receipt_lines(fact: Received, record: Record) -> list[ReceiptLine]:
    """What a hospital accepted from a main supplier."""
    return [
        ReceiptLine(
            order_id=fact.order_id,
            receipt_id=fact.receipt_id,
            order_line_id=line.line_id,
            hospital_id=fact.hospital_id,
            payee_id=fact.distributor_id,
            pool=pool_of(fact.hospital_id),
            product_id=line.product_id,
            manufacturer_id=line.manufacturer_id,
            batch_id=line.batch_id,
            selected_price=line.selected_price,
            accepted=line.accepted,
            occurred_at=record.occurred_at,
            recorded_at=record.recorded_at,
        )
        for line in fact.received
        if line.accepted > 0 and line.supplier_role == MAIN
    ]


def invoice_lines(fact: InvoiceRegistered, record: Record) -> list[InvoiceLine]:
    """What was invoiced of a main supplier's lines."""
    return [
        InvoiceLine(
            order_id=fact.order_id,
            invoice_id=fact.invoice_id,
            order_line_id=line.line_id,
            receipt_id=fact.receipt_id,
            kind=fact.kind,
            return_id=fact.return_id,
            quantity=line.quantity,
            unit_price=line.unit_price,
            occurred_at=record.occurred_at,
            version=record.version,
            recorded_at=record.recorded_at,
        )
        for line in fact.lines
        if line.supplier_role == MAIN
    ]


def return_lines(fact: ReturnAnswered, record: Record) -> list[ReturnLine]:
    """What goes back of a main supplier's lines; a return that was refused takes nothing off."""
    if not fact.confirmed:
        return []
    return [
        ReturnLine(
            order_id=fact.order_id,
            return_id=fact.return_id,
            order_line_id=line.line_id,
            receipt_id=fact.receipt_id,
            hospital_id=fact.hospital_id,
            payee_id=fact.distributor_id,
            pool=pool_of(fact.hospital_id),
            product_id=line.product_id,
            quantity=line.quantity,
            occurred_at=record.occurred_at,
            recorded_at=record.recorded_at,
        )
        for line in fact.lines
        if line.supplier_role == MAIN
    ]
