"""Which topic carries which fact, on one page."""

from __future__ import annotations

from typing import Final

ORDERS: Final = "jicai.orders.v1"
DELIVERIES: Final = "jicai.deliveries.v1"
FEEDBACK: Final = "jicai.feedback.v1"
ALERTS: Final = "jicai.alerts.v1"
ALERTS_OPEN: Final = "jicai.alerts.open.v1"
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

COMPACTED: Final = frozenset({ALERTS_OPEN, REFERENCE})
"""Topics that keep the last record of each key (a tombstone ends it); the others keep time."""

ALL: Final = tuple(
    sorted({topic for topics in PUBLISHED_BY.values() for topic in topics} | COMPACTED)
)
"""Every topic but the dead-letter ones."""

BEARS_MARKS: Final = frozenset({"orders", "feedback"})
"""The services that take facts from outside, so that their logs say where a day ends."""


def dead_letters(topic: str, group: str) -> str:
    """Where a group's parked facts of a topic stand with their reason (死信)."""
    return f"{topic}.dead.{group}"
