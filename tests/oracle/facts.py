"""A fact as the oracle keeps it, and when it is judged (section 1, three times on every fact).

Readings
- "By an importer" is a property of each fact's sender: a line placed by a hospital and answered by
  an importer has its answer judged at the answer's `occurred_at`.
- `reported_late` is a mark on the history entry of a dispatch or an arrival that reached us more
  than 24 h (not exactly 24 h) after `occurred_at`, importer excepted. `back_entered` is a mark on the
  entry of the placed event and a member of the order.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

LATE_AFTER = timedelta(hours=24)
PLACED = "jicai.order.placed.v1"
ANSWERED = "jicai.order.answered.v1"
CANCELLED = "jicai.order.cancelled.v1"
VOIDED = "jicai.order.line_voided.v1"
DISPATCHED = "jicai.delivery.dispatched.v1"
ARRIVED = "jicai.delivery.arrived.v1"
RECEIVED = "jicai.delivery.received.v1"
RETURN_REQUESTED = "jicai.return.requested.v1"
RETURN_ANSWERED = "jicai.return.answered.v1"
INVOICE = "jicai.invoice.registered.v1"
PLATFORM = "urn:jicai:platform"


@dataclass
class Fact:
    """An accepted event, or a void of our own, with what held when it was recorded."""

    type: str
    source: str
    id: str | None
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    importer: bool = False
    event: dict[str, Any] | None = None
    known: dict[str, Any] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    @property
    def order_id(self) -> str:
        """The order whose stream the fact stands on."""
        return str(self.data["order_id"])

    @property
    def late(self) -> bool:
        """Whether it reached us more than 24 h after it happened (an importer's never does)."""
        return not self.importer and self.recorded_at - self.occurred_at > LATE_AFTER

    @property
    def judged_at(self) -> datetime:
        """The instant that deadlines are compared with."""
        if self.importer or self.type == RECEIVED:
            return self.occurred_at
        if self.type in (DISPATCHED, ARRIVED):
            return self.recorded_at if self.late else self.occurred_at
        return self.recorded_at

    @property
    def reached_us(self) -> datetime:
        """When a deadline on *recording* takes it as recorded (an importer's: `occurred_at`)."""
        return self.occurred_at if self.importer else self.recorded_at
