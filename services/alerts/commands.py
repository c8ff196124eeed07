"""What may be asked of an alert or a list (预警处理)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A bureau takes note of an alert (知悉预警). `by` is the actor who does."""

    alert_id: str
    by: str


@dataclass(frozen=True, slots=True)
class ReceiveList:
    """The distributor has its list (签收清单)."""

    list_id: str
    by: str
