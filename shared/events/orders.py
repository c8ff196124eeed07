"""Facts about orders and deliveries, enriched (采购订单与配送的事实).

Every fact carries what its reader needs, so that one may overtake another: a delivery's fact names
its lines with their quantities, and the *arrival* as `orders` computes it. Quantities are integers
in ten-thousandths of a unit, prices in ten-thousandths of a yuan, instants RFC 3339 in UTC.
`at` is the instant at which the act is judged (判定时刻): see the contract, section 1.

One file although it is long: the story of a line crosses orders and deliveries, and its readers
fold both together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

PLACED: Final = "jicai.order.placed.v1"
ANSWERED: Final = "jicai.order.answered.v1"
CANCELLED: Final = "jicai.order.cancelled.v1"
LINE_VOIDED: Final = "jicai.order.line_voided.v1"
DUE_MOVED: Final = "jicai.order.due_moved.v1"
DISPATCHED: Final = "jicai.delivery.dispatched.v1"
ARRIVED: Final = "jicai.delivery.arrived.v1"
RECEIVED: Final = "jicai.delivery.received.v1"
RETURN_REQUESTED: Final = "jicai.return.requested.v1"
RETURN_ANSWERED: Final = "jicai.return.answered.v1"
INVOICE_REGISTERED: Final = "jicai.invoice.registered.v1"


class OrderFact(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What every fact of an order carries (订单事实)."""

    order_id: str
    hospital_id: str
    distributor_id: str
    at: datetime
    flags: list[str] = []


class PlacedLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line with what held when it was recorded (订单明细, 记录时的属性).

    `quantity_sent` and `unit_price_sent` stand only where the sender did not write the shortest form.
    """

    line_id: str
    product_id: str
    quantity: int
    unit_price: int
    quantity_sent: str = ""
    unit_price_sent: str = ""
    delivery_due: datetime
    required_by: datetime | None = None
    manufacturer_id: str
    category: str
    generic_name: str
    supplier_role: str
    selected_price: int | None = None
    batch_id: str | None = None
    agreement_id: str | None = None
    price_above_selected: bool = False


class Placed(OrderFact, kw_only=True):
    """An order reached us (下单). `at` is *sent*; `importer` orders never void."""

    division: str
    level: str | None = None
    remote: bool = False
    emergency: bool = False
    back_entered: bool = False
    importer: bool = False
    answer_due: datetime
    calendar_version: str
    lines: list[PlacedLine]


class AnsweredLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The answer to one line (响应); `listing_suspended` as it was at the answer."""

    line_id: str
    accepted: bool
    reason_code: str | None = None
    promised_at: datetime | None = None
    listing_suspended: bool = False


class Answered(OrderFact, kw_only=True):
    """The distributor answered (响应订单)."""

    lines: list[AnsweredLine]


class Cancelled(OrderFact, kw_only=True):
    """The hospital cancelled lines (撤销)."""

    line_ids: list[str]
    reason: str


class LineVoided(OrderFact, kw_only=True):
    """A line nobody dispatched in time became void by itself (超期作废): one fact a line."""

    line_ids: list[str]


class MovedLine(msgspec.Struct, kw_only=True):
    """One line's delivery due, new and old (到货时限调整)."""

    line_id: str
    delivery_due: datetime
    before: datetime


class DueMoved(OrderFact, kw_only=True):
    """A calendar change moved dues that had not passed (日历调整改期)."""

    calendar_version: str
    lines: list[MovedLine]


class LineQuantity(msgspec.Struct, kw_only=True, omit_defaults=True):
    """So much of one line in one delivery (配送明细): dispatched, and what arrives of it.

    `arrives` = dispatched less what its receipt rejected for a reason not the hospital's own.
    """

    line_id: str
    dispatched: int
    arrives: int
    accepted: int = 0
    rejected: int = 0


class DeliveryFact(OrderFact, kw_only=True):
    """One delivery as it stands after this fact: the reader keeps the highest stream version.

    `arrival` is the instant that counts (到货时刻), null while nothing shows that it arrived.
    """

    delivery_id: str
    arrival: datetime | None = None
    lines: list[LineQuantity]


class Lot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A lot inside a dispatch (批号, 效期, 追溯码)."""

    line_id: str
    quantity: int
    lot_number: str
    expires_on: str
    trace_codes: list[str] = []


class Dispatched(DeliveryFact, kw_only=True):
    """The goods left (发货); line flags say what was unusual."""

    lots: list[Lot] = []
    line_flags: dict[str, list[str]] = {}


class Arrived(DeliveryFact, kw_only=True):
    """The goods were handed over (到货)."""

    proof_kind: str | None = None
    proof_reference: str | None = None


class ReceivedLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the hospital took of one line of a delivery, with what settlement needs (验收明细)."""

    line_id: str
    product_id: str
    accepted: int
    rejected: int = 0
    reject_reason: str | None = None
    unit_price: int
    supplier_role: str
    selected_price: int | None = None
    batch_id: str | None = None
    manufacturer_id: str


class Received(DeliveryFact, kw_only=True):
    """The hospital checked the goods in (验收入库)."""

    receipt_id: str
    arrived_at: datetime | None = None
    recorded: datetime
    received: list[ReceivedLine]


class ReturnLine(msgspec.Struct, kw_only=True):
    """So much of one received line goes back (退货明细)."""

    line_id: str
    quantity: int


class ReturnRequested(OrderFact, kw_only=True):
    """The hospital wants to give goods back (退货申请)."""

    return_id: str
    receipt_id: str
    lines: list[ReturnLine]
    reason: str


class ReturnAnswered(OrderFact, kw_only=True):
    """The distributor confirmed or refused a return (退货确认)."""

    return_id: str
    receipt_id: str
    confirmed: bool
    reason: str | None = None
    lines: list[ReturnLine]


class InvoiceLine(msgspec.Struct, kw_only=True):
    """One invoiced line (发票明细)."""

    line_id: str
    quantity: int
    unit_price: int


class InvoiceRegistered(OrderFact, kw_only=True):
    """The distributor registered an invoice (发票登记)."""

    invoice_id: str
    invoice_number: str
    receipt_id: str
    kind: str
    return_id: str | None = None
    lines: list[InvoiceLine]
    line_flags: dict[str, list[str]] = {}


AnyOrderFact = (
    Placed
    | Answered
    | Cancelled
    | LineVoided
    | DueMoved
    | Dispatched
    | Arrived
    | Received
    | ReturnRequested
    | ReturnAnswered
    | InvoiceRegistered
)

FACTS: Final[dict[str, type[OrderFact]]] = {
    PLACED: Placed,
    ANSWERED: Answered,
    CANCELLED: Cancelled,
    LINE_VOIDED: LineVoided,
    DUE_MOVED: DueMoved,
    DISPATCHED: Dispatched,
    ARRIVED: Arrived,
    RECEIVED: Received,
    RETURN_REQUESTED: ReturnRequested,
    RETURN_ANSWERED: ReturnAnswered,
    INVOICE_REGISTERED: InvoiceRegistered,
}
"""How the fact of each type reads."""
