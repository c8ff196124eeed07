"""Facts about orders and deliveries, enriched (采购订单与配送的事实).

Every fact carries what its reader needs, so that one may overtake another: a delivery's fact names
its lines with their quantities, and the *arrival* as `orders` computes it. What a fact says on the
bus is the event's data in the contract's words (section 3) and, beside them, what `orders` knows.
Attributes are our integers and encode under names that say so; `at` is the instant at which the act
is judged (判定时刻): see the contract, section 1.

One file although it is long: the story of a line crosses orders and deliveries, and its readers
fold both together.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import field

from shared.events.forms import (
    Category,
    DecimalText,
    Instant,
    InvoiceKind,
    Level,
    ProofKind,
    SupplierRole,
    TenThousandths,
)

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


class OrderFact(msgspec.Struct, omit_defaults=True):
    """What every fact of an order carries (订单事实)."""

    order_id: str
    hospital_id: str
    distributor_id: str
    division: str
    at: Instant
    level: Level | None = None
    flags: list[str] = []


class LineFact(msgspec.Struct, omit_defaults=True):
    """A line that a fact names, with what held when the order was recorded (明细, 记录时的属性)."""

    line_id: str
    product_id: str
    manufacturer_id: str
    category: Category
    generic_name: str
    supplier_role: SupplierRole
    selected_price: TenThousandths | None = field(name="selected_price_e4", default=None)
    selected_price_text: DecimalText | None = field(name="selected_price", default=None)
    batch_id: str | None = None
    agreement_id: str | None = None


class QuantityLine(LineFact, kw_only=True):
    """So much of a line (明细数量)."""

    quantity: TenThousandths = field(name="quantity_e4")
    quantity_text: DecimalText = field(name="quantity")


class PricedLine(QuantityLine, kw_only=True):
    """So much of a line at a price (明细数量与单价)."""

    unit_price: TenThousandths = field(name="unit_price_e4")
    unit_price_text: DecimalText = field(name="unit_price")


class PlacedLine(PricedLine, kw_only=True):
    """One line of a new order (订单明细)."""

    required_by: Instant | None = None
    delivery_due: Instant
    price_above_selected: bool = False


class Placed(OrderFact, kw_only=True):
    """An order reached us (下单). `at` is *sent*; `importer` orders never void."""

    remote: bool
    emergency: bool
    back_entered: bool
    importer: bool = False
    answer_due: Instant
    calendar_version: str
    lines: list[PlacedLine]


class AnsweredLine(LineFact, kw_only=True):
    """The answer to one line (响应); `listing_suspended` as it was at the answer."""

    answer: Literal["accepted", "refused"]
    reason_code: str | None = None
    promised_at: Instant | None = None
    listing_suspended: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the line was accepted (接受)."""
        return self.answer == "accepted"


class Answered(OrderFact, kw_only=True):
    """The distributor answered (响应订单): every line that the answer is about."""

    lines: list[AnsweredLine]


class Cancelled(OrderFact, kw_only=True):
    """The hospital cancelled lines (撤销): every one of them, also where it named none."""

    line_ids: list[str]
    reason: str
    lines: list[LineFact]


class LineVoided(OrderFact, kw_only=True):
    """A line nobody dispatched in time became void by itself (超期作废): one fact a line."""

    line_id: str
    voided_at: Instant
    lines: list[LineFact]

    @property
    def line_ids(self) -> list[str]:
        """The one line, as cancelled lines are named."""
        return [self.line_id]


class MovedLine(LineFact, kw_only=True):
    """One line's delivery due, new and old (到货时限调整)."""

    delivery_due: Instant
    before: Instant


class DueMoved(OrderFact, kw_only=True):
    """A calendar change moved dues that had not passed (日历调整改期)."""

    calendar_version: str
    lines: list[MovedLine]


class LineQuantity(msgspec.Struct, kw_only=True, omit_defaults=True):
    """So much of one line in one delivery (配送明细): dispatched, and what arrives of it.

    `arrives` = dispatched less what its receipt rejected for a reason not the hospital's own.
    """

    line_id: str
    dispatched: TenThousandths = field(name="dispatched_e4")
    arrives: TenThousandths = field(name="arrives_e4")
    accepted: TenThousandths = field(name="accepted_e4", default=0)
    rejected: TenThousandths = field(name="rejected_e4", default=0)


class DeliveryFact(OrderFact, kw_only=True):
    """One delivery as it stands after this fact: the reader keeps the highest stream version.

    `arrival` is the instant that counts (到货时刻), absent while nothing shows that it arrived.
    """

    delivery_id: str
    arrival: Instant | None = None
    lines: list[LineQuantity] = field(name="totals")


class Lot(QuantityLine, kw_only=True):
    """A lot inside a dispatch (批号, 效期, 追溯码); a line stands twice for two lots."""

    lot_number: str
    expires_on: str
    trace_codes: list[str] = []


class Dispatched(DeliveryFact, kw_only=True):
    """The goods left (发货); line flags say what was unusual."""

    lots: list[Lot] = field(name="lines")
    line_flags: dict[str, list[str]] = {}


class Proof(msgspec.Struct, kw_only=True):
    """What shows that the goods were handed over (到货凭证)."""

    kind: ProofKind
    reference: str


class Arrived(DeliveryFact, kw_only=True):
    """The goods were handed over (到货): what was dispatched of each line."""

    proof: Proof | None = None
    goods: list[QuantityLine] = field(name="lines")


class ReceivedLine(LineFact, kw_only=True):
    """What the hospital took of one line of a delivery, with what settlement needs (验收明细)."""

    accepted: TenThousandths = field(name="accepted_e4")
    accepted_text: DecimalText = field(name="accepted")
    rejected: TenThousandths = field(name="rejected_e4")
    rejected_text: DecimalText = field(name="rejected")
    reject_reason: str | None = None
    unit_price: TenThousandths = field(name="unit_price_e4")
    unit_price_text: DecimalText = field(name="unit_price")


class Received(DeliveryFact, kw_only=True):
    """The hospital checked the goods in (验收入库)."""

    receipt_id: str
    arrived_at: Instant | None = None
    recorded: Instant
    received: list[ReceivedLine] = field(name="lines")


class ReturnRequested(OrderFact, kw_only=True):
    """The hospital wants to give goods back (退货申请)."""

    return_id: str
    receipt_id: str
    lines: list[QuantityLine]
    reason: str


class ReturnAnswered(OrderFact, kw_only=True):
    """The distributor confirmed or refused a return (退货确认)."""

    return_id: str
    receipt_id: str
    confirmed: bool
    reason: str | None = None
    lines: list[QuantityLine]


class InvoiceRegistered(OrderFact, kw_only=True):
    """The distributor registered an invoice (发票登记)."""

    invoice_id: str
    invoice_number: str
    receipt_id: str
    kind: InvoiceKind
    return_id: str | None = None
    lines: list[PricedLine]
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

ORDER_FACTS: Final[dict[str, type[OrderFact]]] = {
    PLACED: Placed,
    ANSWERED: Answered,
    CANCELLED: Cancelled,
    LINE_VOIDED: LineVoided,
    DUE_MOVED: DueMoved,
}
"""How the facts on the topic of orders read."""

DELIVERY_FACTS: Final[dict[str, type[OrderFact]]] = {
    DISPATCHED: Dispatched,
    ARRIVED: Arrived,
    RECEIVED: Received,
    RETURN_REQUESTED: ReturnRequested,
    RETURN_ANSWERED: ReturnAnswered,
    INVOICE_REGISTERED: InvoiceRegistered,
}
"""How the facts on the topic of deliveries read."""

FACTS: Final[dict[str, type[OrderFact]]] = ORDER_FACTS | DELIVERY_FACTS
"""How the fact of each type reads."""
