"""What is heard of orders and of what arrives (订单与到货的已知事实), whatever order it came in.

Each row says all that is known under its key, so of two rows one simply wins: an order is placed
once, a line ends once (what is cancelled does not become void, nor the other way about), and of a
delivery the highest stream version stands. Nobody has to read a row before writing it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.events.orders import (
    Cancelled,
    DeliveryFact,
    LineVoided,
    OrderFact,
    QuantityLine,
)


class Ordered(OrderFact, kw_only=True):
    """Of a new order what was ordered: the rest of its fact is skipped, for half the cost (下单)."""

    lines: list[QuantityLine]


class OrderedLine(msgspec.Struct, frozen=True, array_like=True):
    """One line as it was ordered (订购明细); the quantity in ten-thousandths of a unit."""

    line_id: str
    product_id: str
    manufacturer_id: str
    quantity: int


class ArrivedLine(msgspec.Struct, frozen=True, array_like=True):
    """What a delivery brought of one line, in ten-thousandths of a unit (到货明细)."""

    line_id: str
    quantity: int


class OrderRow(NamedTuple):
    """An order and its lines (订单)."""

    order_id: str
    hospital_id: str
    distributor_id: str
    lines: bytes


class EndedRow(NamedTuple):
    """A line that was cancelled or, if not, became void (撤销或作废)."""

    order_id: str
    line_id: str
    is_cancelled: bool


class ArrivalRow(NamedTuple):
    """A delivery that arrived, after the fact of this version (到货)."""

    order_id: str
    delivery_id: str
    version: int
    arrived_at: datetime
    lines: bytes


_encode = msgspec.msgpack.Encoder().encode
_ordered = msgspec.msgpack.Decoder(tuple[OrderedLine, ...])
_arrived = msgspec.msgpack.Decoder(tuple[ArrivedLine, ...])


def ordered_lines(stored: bytes) -> tuple[OrderedLine, ...]:
    """The lines of an order from their stored form (读取)."""
    return _ordered.decode(stored)


def arrived_lines(stored: bytes) -> tuple[ArrivedLine, ...]:
    """The lines of a delivery from their stored form (读取)."""
    return _arrived.decode(stored)


class Heard:
    """The rows that a batch of facts comes to: the same for any order and any repetition (折叠)."""

    def __init__(self) -> None:
        self._orders: dict[str, OrderRow] = {}
        self._ended: dict[tuple[str, str], EndedRow] = {}
        self._arrivals: dict[tuple[str, str], ArrivalRow] = {}

    def hear(self, version: int, fact: OrderFact) -> None:
        """Take one fact, heard as this version of its order's stream."""
        match fact:
            case Ordered():
                lines = [
                    OrderedLine(line.line_id, line.product_id, line.manufacturer_id, line.quantity)
                    for line in fact.lines
                ]
                self._orders[fact.order_id] = OrderRow(
                    fact.order_id, fact.hospital_id, fact.distributor_id, _encode(lines)
                )
            case DeliveryFact():
                self._hear_delivery(version, fact)
            case Cancelled() | LineVoided():
                is_cancelled = isinstance(fact, Cancelled)
                for line_id in fact.line_ids:
                    key = (fact.order_id, line_id)
                    self._ended[key] = EndedRow(*key, is_cancelled)

    def _hear_delivery(self, version: int, fact: DeliveryFact) -> None:
        key = (fact.order_id, fact.delivery_id)
        before = self._arrivals.get(key)
        if fact.arrival is None or (before is not None and before.version >= version):
            return
        lines = [ArrivedLine(line.line_id, line.arrives) for line in fact.lines]
        self._arrivals[key] = ArrivalRow(*key, version, fact.arrival, _encode(lines))

    # Sorted, so that two owners of partitions never wait for each other's rows.

    @property
    def orders(self) -> list[OrderRow]:
        """The orders, by id."""
        return sorted(self._orders.values())

    @property
    def ended(self) -> list[EndedRow]:
        """The lines that ended, by order and line."""
        return sorted(self._ended.values())

    @property
    def arrivals(self) -> list[ArrivalRow]:
        """The deliveries, by order and id."""
        return sorted(self._arrivals.values())
