"""Returns and invoices (退货与发票)."""

from __future__ import annotations

from datetime import datetime

from services.orders import commands
from services.orders.commands import AnswerReturn, InvoicedLine, RegisterInvoice, RequestReturn
from services.orders.domain.enriching import of_line, of_order
from services.orders.domain.order import Order, Receipt, Return, shortest_text
from services.orders.domain.refusals import refused, unknown
from shared.events.orders import (
    InvoiceRegistered,
    PricedLine,
    QuantityLine,
    ReturnAnswered,
    ReturnRequested,
)
from shared.kernel.decider import Sent


def request_return(order: Order, sent: Sent, _now: datetime) -> ReturnRequested:
    """No more may go back than was accepted; refused returns do not count."""
    command: RequestReturn = sent.command
    receipt = _receipt(order, command.receipt_id)
    if command.return_id in order.returns:
        raise refused("already_exists", "/data/return_id")
    for number, line in enumerate(command.lines):
        if line.line_id not in order.lines:
            raise refused("unknown_line", f"/data/lines/{number}/line_id")
        if _returned(order, receipt, line) > receipt.accepted.get(line.line_id, 0):
            raise refused("return_exceeds_receipt", f"/data/lines/{number}/quantity")
    return ReturnRequested(
        *of_order(order, sent.occurred_at),
        return_id=command.return_id,
        receipt_id=command.receipt_id,
        lines=[_line(order, x.line_id, x.quantity, x.quantity_sent) for x in command.lines],
        reason=command.reason,
    )


def _returned(order: Order, receipt: Receipt, line: commands.QuantityLine) -> int:
    """What goes back of a receipt line with this request, refused returns left out."""
    return line.quantity + sum(
        other.lines.get(line.line_id, 0)
        for other in order.returns.values()
        if other.receipt_id == receipt.receipt_id and other.confirmed is not False
    )


def answer_return(order: Order, sent: Sent, _now: datetime) -> ReturnAnswered:
    """The first answer to a return stands."""
    command: AnswerReturn = sent.command
    asked = _return(order, command.return_id)
    if asked.confirmed is not None:
        raise refused("already_answered", "/data/return_id")
    return ReturnAnswered(
        *of_order(order, sent.occurred_at),
        return_id=command.return_id,
        receipt_id=asked.receipt_id,
        confirmed=command.confirmed,
        reason=command.reason,
        lines=[_line(order, k, v, shortest_text(v)) for k, v in asked.lines.items()],
    )


def register_invoice(order: Order, sent: Sent, _now: datetime) -> InvoiceRegistered:
    """A sale or credit invoice for a receipt; settlement matches it later (三单匹配)."""
    command: RegisterInvoice = sent.command
    _receipt(order, command.receipt_id)
    if command.return_id is not None:
        _return(order, command.return_id)
    if command.invoice_id in order.invoices:
        raise refused("already_exists", "/data/invoice_id")
    for number, line in enumerate(command.lines):
        if line.line_id not in order.lines:
            raise refused("unknown_line", f"/data/lines/{number}/line_id")
    dear = [x.line_id for x in command.lines if _is_dear(order, x)]
    return InvoiceRegistered(
        *of_order(order, sent.occurred_at),
        flags=["price_above_selected"] if dear else [],
        line_flags={line_id: ["price_above_selected"] for line_id in dear},
        invoice_id=command.invoice_id,
        invoice_number=command.invoice_number,
        receipt_id=command.receipt_id,
        kind=command.kind,
        return_id=command.return_id,
        lines=[
            PricedLine(
                *of_line(order.lines[x.line_id]),
                quantity=x.quantity,
                quantity_text=x.quantity_sent,
                unit_price=x.unit_price,
                unit_price_text=x.unit_price_sent,
            )
            for x in command.lines
        ],
    )


def _is_dear(order: Order, invoiced: InvoicedLine) -> bool:
    """Above the selected price: accepted and flagged, settlement refuses it later (高于中选价)."""
    selected = order.lines[invoiced.line_id].selected_price
    return selected is not None and invoiced.unit_price > selected


def _line(order: Order, line_id: str, quantity: int, text: str) -> QuantityLine:
    """What goes back of a line, with what every fact says of it."""
    return QuantityLine(*of_line(order.lines[line_id]), quantity=quantity, quantity_text=text)


def _receipt(order: Order, receipt_id: str) -> Receipt:
    delivery_id = order.receipts.get(receipt_id)
    receipt = None if delivery_id is None else order.deliveries[delivery_id].receipt
    if receipt is None:
        raise unknown("receipt", receipt_id, "/data/receipt_id", retryable=True)
    return receipt


def _return(order: Order, return_id: str) -> Return:
    found = order.returns.get(return_id)
    if found is None:
        raise unknown("return", return_id, "/data/return_id", retryable=True)
    return found
