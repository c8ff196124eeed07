"""Facts about alerts, late-response lists and publications (预警、超时未响应清单与发布的事实).

Each carries the whole alert as it stands after it, so that its reader, and the topic that keeps
only the last record of a key, needs nothing else.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import msgspec

from shared.events.forms import Instant

ALERT_RAISED: Final = "jicai.alert.raised.v1"
ALERT_CLEARED: Final = "jicai.alert.cleared.v1"
ALERT_ACKNOWLEDGED: Final = "jicai.alert.acknowledged.v1"
LATE_LIST_ISSUED: Final = "jicai.late_response_list.issued.v1"
LATE_LIST_RECEIVED: Final = "jicai.late_response_list.received.v1"
PUBLICATION_ISSUED: Final = "jicai.publication.issued.v1"

Subject = Literal["product", "manufacturer", "distributor"]
"""Whom an alert is about (产品、生产企业、配送企业)."""

Clearing = Literal["recovered", "sample_too_small"]
"""Why an alert ended (已恢复、样本不足)."""


class Figure(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A rate as it is published (比率).

    Of tickets that crowd on a product the counts stand beside it, and nothing below the stroke.
    """

    numerator: int
    denominator: int
    percent: str | None
    tickets: int | None = None
    hospitals: int | None = None


class Acknowledgement(msgspec.Struct, kw_only=True, frozen=True):
    """Which bureau has taken note, and when (知悉)."""

    at: Instant
    by: str


class Alert(msgspec.Struct, kw_only=True, frozen=True):
    """An alert as it stands (预警); the figure is the one it was raised on.

    `divisions` are the areas that hold a line or ticket of the figure; `incomplete` names the keys that were
    parked when it was raised or cleared: facts of theirs may be missing in the figure.
    """

    alert_id: str
    rule: str
    article: str
    title: str
    subject: Subject
    subject_id: str
    scope: str
    state: Literal["open", "cleared"]
    raised_at: Instant
    cleared_at: Instant | None = None
    cleared_because: Clearing | None = None
    acknowledged: Acknowledgement | None = None
    figure: Figure
    threshold: int
    definition: str
    evidence: str
    policy_version: str
    divisions: list[str]
    incomplete: list[str] = []


class LateLine(msgspec.Struct, kw_only=True, frozen=True):
    """A line that nobody answered in time (超时未响应明细); `again` = listed before."""

    order_id: str
    line_id: str
    hospital_id: str
    product_id: str
    sent_at: Instant
    expired_at: Instant
    occurrence: Literal["first", "again"]


class LateResponseList(msgspec.Struct, kw_only=True, frozen=True):
    """What a distributor has left unanswered in one bureau's area (超时未响应清单): never altered.

    `received_at` stays empty in the fact of its issuing; the receipt is a fact of its own.
    """

    list_id: str
    day: date
    issued_at: Instant
    distributor_id: str
    bureau: str
    lines: list[LateLine]
    received_at: Instant | None = None
    received_by: str | None = None
    rule: str
    policy_version: str
    incomplete: list[str] = []


class LateListReceived(msgspec.Struct, kw_only=True, frozen=True):
    """The distributor has the list: the proof of service (清单签收)."""

    list_id: str
    day: date
    issued_at: Instant
    distributor_id: str
    bureau: str
    received_at: Instant
    by: str


class PublicationIssued(msgspec.Struct, kw_only=True, frozen=True):
    """A run of scorecards with its evidence stands for ever, on what was known then (发布)."""

    publication_id: str
    window: str
    as_of: date
    known_at: Instant
    policy_version: str
    calendar_version: str
    root: str
    evidence_root: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    ALERT_RAISED: Alert,
    ALERT_CLEARED: Alert,
    ALERT_ACKNOWLEDGED: Alert,
    LATE_LIST_ISSUED: LateResponseList,
    LATE_LIST_RECEIVED: LateListReceived,
    PUBLICATION_ISSUED: PublicationIssued,
}
"""How the fact of each type reads."""
