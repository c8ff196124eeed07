"""One alert from its raising to its clearing (预警): what each step records of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from services.alerts.domain.concentration import Concentration
from services.alerts.policy import (
    CONCENTRATION,
    DEFINITIONS,
    WHOLE_PROVINCE,
    ConcentrationRule,
    RateRule,
)
from shared.events.alerts import (
    ALERT_ACKNOWLEDGED,
    ALERT_CLEARED,
    ALERT_RAISED,
    Acknowledgement,
    Alert,
    Clearing,
    Figure,
    Subject,
)
from shared.events.topics import ALERTS
from shared.kernel.clock import due_day
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal
from shared.kernel.rates import Rate


def alert_id_of(rule: str, subject: str, subject_id: str, scope: str, day: date) -> str:
    """The same for the same close of the same subject: asked again, nothing new arises (预警编号)."""
    said = "\n".join((subject, subject_id, scope)).encode()
    return f"{rule}-{day:%Y%m%d}-{hashlib.sha256(said).hexdigest()[:12]}"


def stream_of_alert(alert_id: str) -> str:
    """The stream of one alert."""
    return f"alert-{alert_id}"


def raised(
    rule: RateRule,
    subject: Subject,
    subject_id: str,
    rate: Rate,
    *,
    at: datetime,
    divisions: Iterable[str],
    policy_version: str,
    parked: Iterable[str],
) -> Decided:
    """A subject fell below the threshold by the close at `at` (发出预警)."""
    day = due_day(at)
    alert = Alert(
        alert_id=alert_id_of(rule.id, subject, subject_id, WHOLE_PROVINCE, day),
        rule=rule.id,
        article=rule.article,
        title=rule.title,
        subject=subject,
        subject_id=subject_id,
        scope=WHOLE_PROVINCE,
        state="open",
        raised_at=at,
        figure=figure_of(rate),
        threshold=rule.percent,
        definition=DEFINITIONS[rule.rate],
        evidence=evidence_of(subject, subject_id, rule.rate, day),
        policy_version=policy_version,
        divisions=sorted(divisions),
        incomplete=sorted(parked),
    )
    return _decided(ALERT_RAISED, alert, at)


def raised_on_tickets(
    rule: ConcentrationRule,
    product_id: str,
    crowd: Concentration,
    *,
    day: date,
    policy_version: str,
    parked: Iterable[str],
) -> Decided:
    """Tickets crowd on a product since an instant of this day (集中反馈预警).

    Of one day there is one alert: it is cleared at the close of its day at the earliest.
    """
    alert_id = alert_id_of(rule.id, "product", product_id, WHOLE_PROVINCE, day)
    alert = Alert(
        alert_id=alert_id,
        rule=rule.id,
        article=rule.article,
        title=rule.title,
        subject="product",
        subject_id=product_id,
        scope=WHOLE_PROVINCE,
        state="open",
        raised_at=crowd.at,
        figure=Figure(
            numerator=len(crowd.tickets),
            denominator=0,
            percent=None,
            tickets=len(crowd.tickets),
            hospitals=crowd.hospitals,
        ),
        threshold=rule.tickets,
        definition=CONCENTRATION,
        evidence=f"/alerts/v1/alerts/{alert_id}/tickets",
        policy_version=policy_version,
        divisions=sorted(crowd.divisions),
        incomplete=sorted(parked),
    )
    return _decided(ALERT_RAISED, alert, crowd.at)


def cleared(alert: Alert, because: Clearing, *, at: datetime, parked: Iterable[str]) -> Decided:
    """The condition no longer holds at the close at `at` (解除预警)."""
    after = msgspec.structs.replace(
        alert,
        state="cleared",
        cleared_at=at,
        cleared_because=because,
        incomplete=sorted({*alert.incomplete, *parked}),
    )
    return _decided(ALERT_CLEARED, after, at)


def acknowledged(alert: Alert, by: str, *, at: datetime) -> Decided:
    """A bureau takes note; the first one stands (知悉)."""
    if alert.acknowledged is not None:
        raise Refusal(
            "already_acknowledged",
            f"该预警已由 {alert.acknowledged.by} 知悉",
            f"acknowledged by {alert.acknowledged.by} before",
        )
    after = msgspec.structs.replace(alert, acknowledged=Acknowledgement(at=at, by=by))
    return _decided(ALERT_ACKNOWLEDGED, after, at)


def figure_of(rate: Rate) -> Figure:
    """A rate in the form of a fact."""
    return Figure(numerator=rate.numerator, denominator=rate.denominator, percent=rate.percent)


def evidence_of(subject: str, subject_id: str, rate: str, day: date) -> str:
    """Where the lines behind the figure stand (证据链接)."""
    query = {
        "subject": subject,
        "id": subject_id,
        "rate": rate,
        "window": "30d",
        "as_of": day.isoformat(),
        "role": "selected",
    }
    return "/alerts/v1/evidence?" + urlencode(query)


def _decided(type_: str, alert: Alert, at: datetime) -> Decided:
    """The platform's own fact, whoever asked for it: the whole alert, inside and outside."""
    data: dict[str, Any] = msgspec.to_builtins(alert)
    return Decided(
        topic=ALERTS,
        type=type_,
        fact=alert,
        at=at,
        event_id=f"{alert.alert_id}-{type_.split('.')[2]}",
        data=data,
        distributor_id=alert.subject_id if alert.subject == "distributor" else None,
        manufacturers=alert.subject_id if alert.subject == "manufacturer" else None,
        divisions=" ".join(alert.divisions),
    )
