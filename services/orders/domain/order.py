"""The order as its facts leave it (采购订单状态). Pure: a state follows from facts alone.

States are held by whoever judges a batch; `evolve` takes one over and returns it with the fact in it.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from shared.events import orders as facts
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
    supplier_role: str
    selected_price: int | None
    batch_id: str | None
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
    level: str | None
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


def evolve(order: Order | None, type_: str, fact: Any) -> Order:
    """The order with one more fact in it."""
    if type_ == facts.PLACED:
        return _placed(fact)
    assert order is not None, "an order begins with its placing"
    match type_:
        case facts.ANSWERED:
            for answer in fact.lines:
                line = order.lines[answer.line_id]
                line.accepted, line.promised_at = answer.accepted, answer.promised_at
        case facts.CANCELLED:
            for line_id in fact.line_ids:
                order.lines[line_id].cancelled = True
        case facts.LINE_VOIDED:
            for line_id in fact.line_ids:
                order.lines[line_id].void = True
        case facts.DUE_MOVED:
            for moved in fact.lines:
                order.lines[moved.line_id].delivery_due = moved.delivery_due
            order.last_due = max(line.delivery_due for line in order.lines.values())
        case facts.DISPATCHED:
            _dispatched(order, fact)
        case facts.ARRIVED:
            delivery = order.deliveries[fact.delivery_id]
            delivery.arrived_at = fact.at
            delivery.arrival_proven = fact.proof_kind is not None
        case facts.RECEIVED:
            _received(order, fact)
        case facts.RETURN_REQUESTED:
            order.returns[fact.return_id] = Return(
                fact.return_id, fact.receipt_id, {x.line_id: x.quantity for x in fact.lines}
            )
        case facts.RETURN_ANSWERED:
            order.returns[fact.return_id].confirmed = fact.confirmed
        case facts.INVOICE_REGISTERED:
            order.invoices.append(fact.invoice_id)
            _flag(order, fact.line_flags)
        case _:
            raise ValueError(f"{type_} is no fact of an order")
    return order


def _placed(fact: facts.Placed) -> Order:
    lines = {
        x.line_id: Line(
            line_id=x.line_id,
            product_id=x.product_id,
            quantity=x.quantity,
            quantity_sent=x.quantity_sent or shortest_text(x.quantity),
            unit_price=x.unit_price,
            unit_price_sent=x.unit_price_sent or shortest_text(x.unit_price),
            manufacturer_id=x.manufacturer_id,
            supplier_role=x.supplier_role,
            selected_price=x.selected_price,
            batch_id=x.batch_id,
            delivery_due=x.delivery_due,
            required_by=x.required_by,
            flags=["price_above_selected"] if x.price_above_selected else [],
        )
        for x in fact.lines
    }
    return Order(
        order_id=fact.order_id,
        hospital_id=fact.hospital_id,
        distributor_id=fact.distributor_id,
        manufacturers=" ".join(sorted({x.manufacturer_id for x in fact.lines})),
        sent_at=fact.at,
        answer_due=fact.answer_due,
        emergency=fact.emergency,
        remote=fact.remote,
        level=fact.level,
        back_entered=fact.back_entered,
        importer=fact.importer,
        lines=lines,
        last_due=max(line.delivery_due for line in lines.values()),
    )


def _dispatched(order: Order, fact: facts.Dispatched) -> None:
    quantities = {x.line_id: x.dispatched for x in fact.lines}
    order.deliveries[fact.delivery_id] = Delivery(
        delivery_id=fact.delivery_id, dispatched=quantities
    )
    for line_id, quantity in quantities.items():
        order.lines[line_id].dispatched += quantity
    _flag(order, fact.line_flags)


def _received(order: Order, fact: facts.Received) -> None:
    order.deliveries[fact.delivery_id].receipt = Receipt(
        receipt_id=fact.receipt_id,
        at=fact.at,
        arrived_at=fact.arrived_at,
        recorded=fact.recorded,
        accepted={x.line_id: x.accepted for x in fact.lines},
        rejected={x.line_id: x.rejected for x in fact.lines},
        arrives={x.line_id: x.arrives for x in fact.lines},
    )
    order.receipts[fact.receipt_id] = fact.delivery_id


def _flag(order: Order, line_flags: dict[str, list[str]]) -> None:
    for line_id, flags in line_flags.items():
        line = order.lines[line_id]
        line.flags += [flag for flag in flags if flag not in line.flags]
