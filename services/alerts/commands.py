"""What may be asked of an alert, a list or a publication (预警处理与发布)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.events.alerts import PublicationIssued


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


@dataclass(frozen=True, slots=True)
class IssuePublication:
    """A publication is prepared: it may be told of (发布)."""

    publication: PublicationIssued
