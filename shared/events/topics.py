"""Which topic carries which fact, on one page."""

from __future__ import annotations

from typing import Final

ORDERS: Final = "jicai.orders.v1"
DELIVERIES: Final = "jicai.deliveries.v1"
FEEDBACK: Final = "jicai.feedback.v1"
ALERTS: Final = "jicai.alerts.v1"
SETTLEMENT: Final = "jicai.settlement.v1"
REFERENCE: Final = "jicai.reference.v1"
MARKS: Final = ""
"""Marks are written to every partition of a service's topics, so they belong to none."""

MARK_TYPE: Final = "jicai.mark.v1"

PUBLISHED_BY: Final[dict[str, tuple[str, ...]]] = {
    "orders": (ORDERS, DELIVERIES, REFERENCE),
    "alerts": (ALERTS,),
    "feedback": (FEEDBACK, REFERENCE),
    "settlement": (SETTLEMENT,),
}
"""The topics of each service's log: reference facts come from orders (registers) and feedback (calendar)."""

BEARS_MARKS: Final = frozenset({"orders", "feedback"})
"""The services that take facts from outside, so that their logs say where a day ends."""
