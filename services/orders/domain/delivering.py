"""Dispatch, arrival, receipt (发货、到货、验收)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.orders.commands import DispatchDelivery, LineReceipt, ReceiveDelivery, ReportArrival
from services.orders.domain.dues import arrival_by_receipt, judged_at
from services.orders.domain.enriching import of_line, of_order
from services.orders.domain.order import HOSPITALS_OWN, Delivery, Order, Receipt, shortest_text
from services.orders.domain.refusals import refused, unknown
from services.orders.domain.world import World
from shared.events.orders import (
    Arrived,
    Dispatched,
    LineQuantity,
    Lot,
    Proof,
    QuantityLine,
    Received,
    ReceivedLine,
)
from shared.kernel.decider import Sent
from shared.kernel.errors import malformed

TOTAL_MAX: Final = 2**62
"""Sums of a line stay within what 64 bits hold, whatever is sent."""


def dispatch(order: Order, sent: Sent, now: datetime, world: World) -> Dispatched:
    """The goods leave; refused lines and over-delivery are kept and flagged, never lost."""
    command: DispatchDelivery = sent.command
    if command.delivery_id in order.deliveries:
        raise refused("already_exists", "/data/delivery_id")
    quantities: dict[str, int] = {}
    for number, lot in enumerate(command.lines):
        line = order.lines.get(lot.line_id)
        pointer = f"/data/lines/{number}/line_id"
        if line is None:
            raise refused("unknown_line", pointer)
        if line.cancelled:
            raise refused("line_cancelled", pointer)
        if line.void:
            raise refused("line_void", pointer)
        quantities[lot.line_id] = quantities.get(lot.line_id, 0) + lot.quantity
        if line.dispatched + quantities[lot.line_id] > TOTAL_MAX:
            raise malformed(
                "累计发货数量超出可记录的范围",
                "more was dispatched in all than can be counted",
                f"/data/lines/{number}/quantity",
            )
    at, late = _judged(sent, now, world)
    line_flags = {
        line_id: flags
        for line_id, quantity in quantities.items()
        if (flags := _line_flags(order, line_id, quantity))
    }
    flags = ["reported_late"] if late else []
    flags += sorted({flag for some in line_flags.values() for flag in some})
    return Dispatched(
        *of_order(order, at),
        flags=flags,
        delivery_id=command.delivery_id,
        lines=[
            LineQuantity(line_id=line_id, dispatched=quantity, arrives=quantity)
            for line_id, quantity in quantities.items()
        ],
        lots=[
            Lot(
                *of_line(order.lines[lot.line_id]),
                quantity=lot.quantity,
                quantity_text=lot.quantity_sent,
                lot_number=lot.lot_number,
                expires_on=lot.expires_on,
                trace_codes=lot.trace_codes,
            )
            for lot in command.lines
        ],
        line_flags=line_flags,
    )


def _line_flags(order: Order, line_id: str, quantity: int) -> list[str]:
    line = order.lines[line_id]
    flags = []
    if line.accepted is False:
        flags.append("dispatched_after_refusal")
    if line.dispatched + quantity > line.quantity:
        flags.append("over_delivered")
    return flags


def arrive(order: Order, sent: Sent, now: datetime, world: World) -> Arrived:
    """The goods were handed over; a receipt that stands already keeps its say."""
    command: ReportArrival = sent.command
    delivery = _delivery(order, command.delivery_id)
    if delivery.arrived_at is not None:
        raise refused("already_arrived", "/data/delivery_id")
    at, late = _judged(sent, now, world)
    proven = command.proof_kind is not None
    arrival = at
    if delivery.receipt is not None:
        arrival = arrival_by_receipt(
            event=at, proven=proven, receipt=delivery.receipt,
            terms=world.terms, calendar=world.calendar,
        )  # fmt: skip
    return Arrived(
        *of_order(order, at),
        flags=["reported_late"] if late else [],
        delivery_id=command.delivery_id,
        arrival=arrival,
        lines=_quantities(delivery),
        proof=_proof(command),
        goods=[
            QuantityLine(
                *of_line(order.lines[line_id]),
                quantity=quantity,
                quantity_text=shortest_text(quantity),
            )
            for line_id, quantity in delivery.dispatched.items()
        ],
    )


def _proof(command: ReportArrival) -> Proof | None:
    if command.proof_kind is None or command.proof_reference is None:
        return None
    return Proof(kind=command.proof_kind, reference=command.proof_reference)


def receive(order: Order, sent: Sent, now: datetime, world: World) -> Received:
    """The hospital names every line of the delivery, once."""
    command: ReceiveDelivery = sent.command
    delivery = _delivery(order, command.delivery_id)
    if command.receipt_id in order.receipts:
        raise refused("already_exists", "/data/receipt_id")
    if delivery.receipt is not None:
        raise refused("already_received", "/data/delivery_id")
    _check_receipt(order, delivery, command)
    receipt = Receipt(
        receipt_id=command.receipt_id,
        at=sent.occurred_at,
        arrived_at=command.arrived_at,
        recorded=sent.occurred_at if sent.role == "importer" else now,
        accepted={x.line_id: x.accepted for x in command.lines},
        rejected={x.line_id: x.rejected for x in command.lines},
        arrives={x.line_id: x.accepted + x.rejected - _held_against(x) for x in command.lines},
    )
    arrival = arrival_by_receipt(
        event=delivery.arrived_at, proven=delivery.arrival_proven, receipt=receipt,
        terms=world.terms, calendar=world.calendar,
    )  # fmt: skip
    return Received(
        *of_order(order, sent.occurred_at),
        delivery_id=command.delivery_id,
        arrival=arrival,
        lines=_quantities(delivery, receipt),
        receipt_id=command.receipt_id,
        arrived_at=command.arrived_at,
        recorded=receipt.recorded,
        received=[_received_line(order, x) for x in command.lines],
    )


def _held_against(line: LineReceipt) -> int:
    return 0 if line.reject_reason in HOSPITALS_OWN else line.rejected


def _check_receipt(order: Order, delivery: Delivery, command: ReceiveDelivery) -> None:
    for number, line in enumerate(command.lines):
        if line.line_id not in order.lines:
            raise refused("unknown_line", f"/data/lines/{number}/line_id")
        if delivery.dispatched.get(line.line_id) != line.accepted + line.rejected:
            raise refused("quantity_mismatch", f"/data/lines/{number}")
    if len(command.lines) != len(delivery.dispatched):
        raise refused("quantity_mismatch", "/data/lines")


def _received_line(order: Order, given: LineReceipt) -> ReceivedLine:
    line = order.lines[given.line_id]
    return ReceivedLine(
        *of_line(line),
        accepted=given.accepted,
        accepted_text=given.accepted_sent,
        rejected=given.rejected,
        rejected_text=given.rejected_sent,
        reject_reason=given.reject_reason,
        unit_price=line.unit_price,
        unit_price_text=line.unit_price_sent,
    )


def _delivery(order: Order, delivery_id: str) -> Delivery:
    delivery = order.deliveries.get(delivery_id)
    if delivery is None:
        raise unknown("delivery", delivery_id, "/data/delivery_id", retryable=True)
    return delivery


def _judged(sent: Sent, now: datetime, world: World) -> tuple[datetime, bool]:
    return judged_at(
        sent.occurred_at,
        now,
        importer=sent.role == "importer",
        late_after=world.terms.reported_late,
    )


def _quantities(delivery: Delivery, receipt: Receipt | None = None) -> list[LineQuantity]:
    """Every line of the delivery as it stands after this fact."""
    known = receipt or delivery.receipt
    return [
        LineQuantity(
            line_id=line_id,
            dispatched=quantity,
            arrives=quantity if known is None else known.arrives[line_id],
            accepted=0 if known is None else known.accepted[line_id],
            rejected=0 if known is None else known.rejected[line_id],
        )
        for line_id, quantity in delivery.dispatched.items()
    ]
