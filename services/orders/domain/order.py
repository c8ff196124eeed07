"""The order as its facts leave it (采购订单状态): what is kept of it, and what can be read off."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from shared.events.forms import Category, Level, SupplierRole
from shared.kernel.quantity import format_quantity

HOSPITALS_OWN: Final = frozenset({"no_longer_needed", "hospital_request"})
"""Reasons to reject at receipt that are the hospital's own: they are not held against the supplier."""

STATES: Final = (
    "awaiting_answer",
    "accepted",
    "refused",
    "cancelled",
    "void",
    "dispatched",
    "arrived",
    "received",
)
"""A line's states, from the first to the furthest."""

ANSWERABLE_BIT: Final = 1 << len(STATES)


class Line(msgspec.Struct, array_like=True):
    """One line of an order (订单明细)."""

    line_id: str
    product_id: str
    quantity: int
    quantity_sent: str
    unit_price: int
    unit_price_sent: str
    manufacturer_id: str
    category: Category
    generic_name: str
    supplier_role: SupplierRole
    selected_price: int | None
    batch_id: str | None
    agreement_id: str | None
    delivery_due: datetime
    required_by: datetime | None
    accepted: bool | None = None
    promised_at: datetime | None = None
    cancelled: bool = False
    void: bool = False
    dispatched: int = 0
    flags: list[str] = []

    @property
    def is_open(self) -> bool:
        """Neither cancelled nor void."""
        return not (self.cancelled or self.void)

    @property
    def can_be_answered(self) -> bool:
        """No answer yet, and one is still possible, dispatched or not."""
        return self.accepted is None and self.is_open


class Receipt(msgspec.Struct, array_like=True):
    """What the hospital took of one delivery (验收单).

    `arrives` is what counts as arrived: dispatched less what is held against the supplier.
    """

    receipt_id: str
    at: datetime
    arrived_at: datetime | None
    recorded: datetime
    accepted: dict[str, int]
    rejected: dict[str, int]
    arrives: dict[str, int]


class Delivery(msgspec.Struct, array_like=True):
    """One delivery of an order (配送单): `arrived_at` is its arrival event as judged."""

    delivery_id: str
    dispatched: dict[str, int]
    arrived_at: datetime | None = None
    arrival_proven: bool = False
    receipt: Receipt | None = None


class Return(msgspec.Struct, array_like=True):
    """A return of received goods (退货单)."""

    return_id: str
    receipt_id: str
    lines: dict[str, int]
    confirmed: bool | None = None


class Order(msgspec.Struct, array_like=True):
    """One order (采购订单)."""

    order_id: str
    hospital_id: str
    distributor_id: str
    manufacturers: str
    sent_at: datetime
    answer_due: datetime
    emergency: bool
    remote: bool
    level: Level | None
    back_entered: bool
    importer: bool
    lines: dict[str, Line]
    deliveries: dict[str, Delivery] = {}
    receipts: dict[str, str] = {}
    returns: dict[str, Return] = {}
    invoices: list[str] = []
    last_due: datetime | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode

# Few numbers stand for most quantities and prices: remembering beats writing.
shortest_text = lru_cache(maxsize=32_768)(format_quantity)
"""A quantity or price in its shortest form (最短写法)."""


def encode(order: Order) -> bytes:
    """The state as it is stored with its stream: MessagePack, two fifths smaller than JSON."""
    return _encode(order)


def decode(raw: bytes) -> Order:
    """The state as it was stored."""
    return _decode(raw)


def arrived_quantity(order: Order, line: Line) -> int:
    """What has arrived of a line, less what is held against the supplier (已到货数量)."""
    total = 0
    for delivery in order.deliveries.values():
        if delivery.receipt is not None:
            total += delivery.receipt.arrives.get(line.line_id, 0)
        elif delivery.arrived_at is not None:
            total += delivery.dispatched.get(line.line_id, 0)
    return total


def received_quantity(order: Order, line: Line) -> int:
    """What the hospital has accepted of a line (已验收数量)."""
    return sum(
        delivery.receipt.accepted.get(line.line_id, 0)
        for delivery in order.deliveries.values()
        if delivery.receipt is not None
    )


def returned_quantity(order: Order, line: Line) -> int:
    """What of a line went back, confirmed (已确认退货数量)."""
    return sum(r.lines.get(line.line_id, 0) for r in order.returns.values() if r.confirmed)


def line_state(order: Order, line: Line) -> str:
    """The furthest state of a line, any quantity (明细状态)."""
    if line.dispatched:
        if received_quantity(order, line):
            return "received"
        return "arrived" if arrived_quantity(order, line) else "dispatched"
    if line.void:
        return "void"
    if line.cancelled:
        return "cancelled"
    if line.accepted is None:
        return "awaiting_answer"
    return "accepted" if line.accepted else "refused"


def states_mask(order: Order) -> int:
    """Which states its lines are in, as bits, and whether any line can still be answered."""
    mask = 0
    for line in order.lines.values():
        mask |= 1 << STATES.index(line_state(order, line))
        if line.can_be_answered:
            mask |= ANSWERABLE_BIT
    return mask


def states_bits(state: str) -> int:
    """The bits by which a list finds orders with a line in this state."""
    return ANSWERABLE_BIT if state == "awaiting_answer" else 1 << STATES.index(state)
