"""Dues that a calendar change moves (时限重算)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.orders.domain.dues import delivery_due
from services.orders.domain.enriching import of_line, of_order
from services.orders.domain.order import Order
from services.orders.policy import OrderTerms
from shared.events.orders import DUE_MOVED, DueMoved, MovedLine
from shared.events.topics import ORDERS
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import utc_text
from shared.kernel.decider import Decided


def moved_dues(
    order: Order, calendar: WorkCalendar, terms: OrderTerms, *, changed_at: datetime, now: datetime
) -> Sequence[Decided]:
    """One fact for the lines whose due moves; a due that had passed at the change stays.

    A due that would move before the change keeps its old value: nobody is made late by a notice.
    """
    moved = []
    for line in order.lines.values():
        due = delivery_due(order, line.required_by, terms, calendar)
        if line.delivery_due > changed_at and due > changed_at and due != line.delivery_due:
            moved.append(MovedLine(*of_line(line), delivery_due=due, before=line.delivery_due))
    if not moved:
        return []
    return [
        Decided(
            topic=ORDERS,
            type=DUE_MOVED,
            fact=DueMoved(
                *of_order(order, now),
                calendar_version=calendar.version,
                lines=moved,
            ),
            at=now,
            event_id=f"due-moved-{order.order_id}-{calendar.version}-{utc_text(changed_at)}",
            data={
                "order_id": order.order_id,
                "calendar_version": calendar.version,
                "lines": [
                    {
                        "line_id": m.line_id,
                        "delivery_due": utc_text(m.delivery_due),
                        "before": utc_text(m.before),
                    }
                    for m in moved
                ],
            },
            hospital_id=order.hospital_id,
            distributor_id=order.distributor_id,
            manufacturers=order.manufacturers,
        )
    ]
