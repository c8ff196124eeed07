"""Whether what was ordered has arrived (到货核对): of a line, of an order, of all that a ticket names.

What arrived of a line is the sum of what its deliveries brought, as `orders` counts it (contract,
section 7): goods rejected for a fault have not arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.feedback.domain.deliveries import ArrivedLine, OrderedLine

Verdict = Literal["arrived", "partly", "not_arrived", "unknown"]
"""Whether it has arrived (已到货、部分到货、未到货、无记录)."""

LineState = Literal["arrived", "partly", "not_arrived", "cancelled", "void"]
"""How a line stands; one of which nothing arrived may have been cancelled or become void."""


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What is known of one order (已知订单): its lines, what arrived when, which lines have ended."""

    order_id: str
    distributor_id: str
    lines: Sequence[OrderedLine]
    arrivals: Sequence[tuple[datetime, Sequence[ArrivedLine]]] = ()
    cancelled: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """One line, measured (明细到货情况); `arrived_at` = the instant at which `arrived` was reached.

    Of a line that is complete it is the instant at which it became so: more may have come later.
    """

    line_id: str
    product_id: str
    ordered: int
    arrived: int
    arrived_at: datetime | None
    state: LineState


def measure(order: KnownOrder, product_id: str) -> list[MeasuredLine]:
    """The order's lines of this product, in the order's own sequence."""
    return [_measure_line(order, line) for line in order.lines if line.product_id == product_id]


def verdict(lines: Sequence[MeasuredLine], *, missing: int = 0) -> Verdict:
    """Whether these lines have arrived; `missing` = orders of which no such line is known.

    A cancelled line is not waited for; a void one is, for nobody withdrew it. What nobody knows of
    cannot have arrived, as far as we can say.
    """
    awaited = [line for line in lines if line.state != "cancelled"]
    if awaited and not missing and all(line.state == "arrived" for line in awaited):
        return "arrived"
    if any(line.arrived for line in awaited):
        return "partly"
    return "not_arrived" if lines else "unknown"


def _measure_line(order: KnownOrder, line: OrderedLine) -> MeasuredLine:
    arrived, arrived_at = 0, None
    for at, quantity in sorted(_brought(order, line.line_id)):
        if quantity and arrived < line.quantity:
            arrived_at = at
        arrived += quantity
    return MeasuredLine(
        line.line_id,
        line.product_id,
        line.quantity,
        arrived,
        arrived_at,
        _state(order, line, arrived),
    )


def _brought(order: KnownOrder, line_id: str) -> Iterator[tuple[datetime, int]]:
    for at, lines in order.arrivals:
        for line in lines:
            if line.line_id == line_id:
                yield at, line.quantity


def _state(order: KnownOrder, line: OrderedLine, arrived: int) -> LineState:
    if arrived >= line.quantity:
        return "arrived"
    if arrived:
        return "partly"
    if line.line_id in order.cancelled:
        return "cancelled"
    return "void" if line.line_id in order.void else "not_arrived"
