"""What may be asked of an order (采购订单): the data of each event type, parsed.

Quantities and prices are integers in ten-thousandths; the text as sent is kept where it is echoed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.events.forms import InvoiceKind, ProofKind


@dataclass(slots=True)
class OrderedLine:
    """One line of a new order (订单明细)."""

    line_id: str
    product_id: str
    quantity: int
    quantity_sent: str
    unit_price: int
    unit_price_sent: str
    required_by: datetime | None


@dataclass(slots=True)
class PlaceOrder:
    """A hospital orders (下单)."""

    order_id: str
    hospital_id: str
    distributor_id: str
    emergency: bool
    back_entered: bool
    lines: list[OrderedLine]


@dataclass(slots=True)
class LineAnswer:
    """The answer to one line (响应或拒绝)."""

    line_id: str
    accepted: bool
    reason_code: str | None
    promised_at: datetime | None


@dataclass(slots=True)
class AnswerOrder:
    """The distributor answers; no lines = every line that can still be answered, accepted."""

    order_id: str
    lines: list[LineAnswer] | None


@dataclass(slots=True)
class CancelOrder:
    """The hospital cancels; no lines = every line that still can be (撤销)."""

    order_id: str
    line_ids: list[str] | None
    reason: str


@dataclass(slots=True)
class LotLine:
    """So much of one line from one lot (批号)."""

    line_id: str
    quantity: int
    quantity_sent: str
    lot_number: str
    expires_on: str
    trace_codes: list[str]


@dataclass(slots=True)
class DispatchDelivery:
    """The goods leave (发货)."""

    delivery_id: str
    order_id: str
    lines: list[LotLine]


@dataclass(slots=True)
class ReportArrival:
    """The goods were handed over (到货)."""

    delivery_id: str
    order_id: str
    proof_kind: ProofKind | None
    proof_reference: str | None


@dataclass(slots=True)
class LineReceipt:
    """What the hospital took of one line of a delivery (验收明细)."""

    line_id: str
    accepted: int
    accepted_sent: str
    rejected: int
    rejected_sent: str
    reject_reason: str | None


@dataclass(slots=True)
class ReceiveDelivery:
    """The hospital checks the goods in (验收入库)."""

    receipt_id: str
    delivery_id: str
    order_id: str
    arrived_at: datetime | None
    lines: list[LineReceipt]


@dataclass(slots=True)
class QuantityLine:
    """So much of one line."""

    line_id: str
    quantity: int
    quantity_sent: str


@dataclass(slots=True)
class RequestReturn:
    """The hospital wants to give goods back (退货申请)."""

    return_id: str
    order_id: str
    receipt_id: str
    lines: list[QuantityLine]
    reason: str


@dataclass(slots=True)
class AnswerReturn:
    """The distributor confirms or refuses a return (退货确认)."""

    return_id: str
    order_id: str
    confirmed: bool
    reason: str | None


@dataclass(slots=True)
class InvoicedLine:
    """One invoiced line (发票明细)."""

    line_id: str
    quantity: int
    quantity_sent: str
    unit_price: int
    unit_price_sent: str


@dataclass(slots=True)
class RegisterInvoice:
    """The distributor registers an invoice (发票登记)."""

    invoice_id: str
    invoice_number: str
    order_id: str
    receipt_id: str
    lines: list[InvoicedLine]
    kind: InvoiceKind
    return_id: str | None


OrderCommand = (
    PlaceOrder
    | AnswerOrder
    | CancelOrder
    | DispatchDelivery
    | ReportArrival
    | ReceiveDelivery
    | RequestReturn
    | AnswerReturn
    | RegisterInvoice
)
