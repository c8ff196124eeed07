"""From shapes to commands (报文解析): ids, quantities and instants are checked here, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from services.orders import commands as c
from services.orders.api import fields as f
from services.orders.api import wire as w
from shared.kernel.codes import is_hospital_id, is_uscc


def parse(shape: Any) -> c.OrderCommand:
    """The command behind a well-shaped body; a malformed Refusal with its pointer otherwise."""
    return _PARSERS[type(shape)](shape)


def _placed(s: w.Placed) -> c.PlaceOrder:
    hospital_id = s.hospital_id
    if not is_hospital_id(hospital_id):
        raise f.bad(["hospital_id"], "应为 H 加 11 位数字", "expected H and 11 digits")
    f.check_order_id(s.order_id, hospital_id)
    if not is_uscc(s.distributor_id):
        raise f.bad(
            ["distributor_id"],
            "应为 18 位统一社会信用代码, 且校验码正确",
            "expected an 18-character USCC with its check character",
        )
    f.no_repeats([x.line_id for x in s.lines], "lines")
    return c.PlaceOrder(
        s.order_id, hospital_id, s.distributor_id, s.emergency, s.back_entered,
        [
            c.OrderedLine(
                f.an_id(x.line_id, "lines", n, "line_id"),
                f.an_id(x.product_id, "lines", n, "product_id"),
                f.quantity(x.quantity, "lines", n, "quantity"),
                x.quantity,
                f.price(x.unit_price, "lines", n, "unit_price"),
                x.unit_price,
                f.instant(x.required_by, "lines", n, "required_by"),
            )
            for n, x in enumerate(s.lines)
        ],
    )  # fmt: skip


def _answered(s: w.Answered) -> c.AnswerOrder:
    f.check_order_id(s.order_id)
    if s.lines is None:
        return c.AnswerOrder(s.order_id, None)
    f.no_repeats([x.line_id for x in s.lines], "lines")
    return c.AnswerOrder(
        s.order_id,
        [
            c.LineAnswer(
                f.an_id(x.line_id, "lines", n, "line_id"),
                x.answer == "accepted",
                x.reason_code,
                f.instant(x.promised_at, "lines", n, "promised_at"),
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _cancelled(s: w.Cancelled) -> c.CancelOrder:
    f.check_order_id(s.order_id)
    if s.line_ids is not None:
        f.no_repeats(s.line_ids, "line_ids")
    return c.CancelOrder(s.order_id, s.line_ids, s.reason)


def _dispatched(s: w.Dispatched) -> c.DispatchDelivery:
    f.check_order_id(s.order_id)
    # A line may stand twice for two lots, the same lot of it may not.
    f.no_repeats([(x.line_id, x.lot_number) for x in s.lines], "lines")
    return c.DispatchDelivery(
        f.an_id(s.delivery_id, "delivery_id"),
        s.order_id,
        [
            c.LotLine(
                f.an_id(x.line_id, "lines", n, "line_id"),
                f.quantity(x.quantity, "lines", n, "quantity"),
                x.quantity,
                f.an_id(x.lot_number, "lines", n, "lot_number"),
                f.day(x.expires_on, "lines", n, "expires_on"),
                x.trace_codes or [],
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _arrived(s: w.Arrived) -> c.ReportArrival:
    f.check_order_id(s.order_id)
    proof = s.proof
    return c.ReportArrival(
        f.an_id(s.delivery_id, "delivery_id"),
        s.order_id,
        None if proof is None else proof.kind,
        None if proof is None else f.an_id(proof.reference, "proof/reference", longest=1024),
    )


def _received(s: w.Received) -> c.ReceiveDelivery:
    f.check_order_id(s.order_id)
    f.no_repeats([x.line_id for x in s.lines], "lines")
    return c.ReceiveDelivery(
        f.an_id(s.receipt_id, "receipt_id"),
        f.an_id(s.delivery_id, "delivery_id"),
        s.order_id,
        f.instant(s.arrived_at, "arrived_at"),
        [
            c.LineReceipt(
                f.an_id(x.line_id, "lines", n, "line_id"),
                f.quantity_or_zero(x.accepted, "lines", n, "accepted"),
                x.accepted,
                f.quantity_or_zero(x.rejected, "lines", n, "rejected"),
                x.rejected,
                x.reject_reason,
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _return_requested(s: w.ReturnRequested) -> c.RequestReturn:
    f.check_order_id(s.order_id)
    f.no_repeats([x.line_id for x in s.lines], "lines")
    return c.RequestReturn(
        f.an_id(s.return_id, "return_id"), s.order_id, f.an_id(s.receipt_id, "receipt_id"),
        [
            c.QuantityLine(
                f.an_id(x.line_id, "lines", n, "line_id"),
                f.quantity(x.quantity, "lines", n, "quantity"),
                x.quantity,
            )
            for n, x in enumerate(s.lines)
        ],
        s.reason,
    )  # fmt: skip


def _return_answered(s: w.ReturnAnswered) -> c.AnswerReturn:
    f.check_order_id(s.order_id)
    return c.AnswerReturn(f.an_id(s.return_id, "return_id"), s.order_id, s.confirmed, s.reason)


def _invoiced(s: w.InvoiceRegistered) -> c.RegisterInvoice:
    f.check_order_id(s.order_id)
    f.no_repeats([x.line_id for x in s.lines], "lines")
    if s.return_id is not None:
        f.an_id(s.return_id, "return_id")
    return c.RegisterInvoice(
        f.an_id(s.invoice_id, "invoice_id"), f.an_id(s.invoice_number, "invoice_number"), s.order_id,
        f.an_id(s.receipt_id, "receipt_id"),
        [
            c.InvoicedLine(
                f.an_id(x.line_id, "lines", n, "line_id"),
                f.quantity(x.quantity, "lines", n, "quantity"),
                x.quantity,
                f.price(x.unit_price, "lines", n, "unit_price"),
                x.unit_price,
            )
            for n, x in enumerate(s.lines)
        ],
        s.kind, s.return_id,
    )  # fmt: skip


_PARSERS: Final[dict[type[w.Wire], Callable[[Any], c.OrderCommand]]] = {
    w.Placed: _placed,
    w.Answered: _answered,
    w.Cancelled: _cancelled,
    w.Dispatched: _dispatched,
    w.Arrived: _arrived,
    w.Received: _received,
    w.ReturnRequested: _return_requested,
    w.ReturnAnswered: _return_answered,
    w.InvoiceRegistered: _invoiced,
}
