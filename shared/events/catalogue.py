"""What is published where (事件目录): the one source of docs/events.md, /asyncapi.json and the snapshot.

A topic module registers its types in its FACTS and stands here with one line.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from shared.events import alerts, feedback, orders, reference, settlement
from shared.events.topics import (
    ALERTS,
    ALERTS_OPEN,
    DELIVERIES,
    FEEDBACK,
    ORDERS,
    PUBLISHED_BY,
    REFERENCE,
    SETTLEMENT,
)

Json = dict[str, Any]
Facts = Mapping[str, type[msgspec.Struct]]

SCHEMAS: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic: what it is about, the form of its keys, and how the fact of each type reads."""

    topic: str
    title: str
    summary: str
    key: str
    facts: Facts = field(default_factory=dict)


CHANNELS: Final = (
    Channel(
        ORDERS,
        "采购订单",
        "Facts of orders and their lines.",
        "order-<order_id>",
        orders.ORDER_FACTS,
    ),
    Channel(
        DELIVERIES,
        "配送、验收、退货与发票",
        "Facts of deliveries, receipts, returns and invoices. One may overtake its order.",
        "order-<order_id>",
        orders.DELIVERY_FACTS,
    ),
    Channel(FEEDBACK, "反馈工单", "Facts of tickets.", "ticket-<ticket_id>", feedback.FACTS),
    Channel(
        ALERTS,
        "预警、清单与通报",
        "Alerts, lists and bulletins.",
        "alert-<alert_id>, list-<list_id>",
        alerts.FACTS,
    ),
    Channel(
        ALERTS_OPEN,
        "未解除的预警",
        "The alerts that are open now, each as it stands; a tombstone when it is cleared.",
        "alert-<alert_id>",
        {t: alerts.FACTS[t] for t in (alerts.ALERT_RAISED, alerts.ALERT_ACKNOWLEDGED)},
    ),
    Channel(
        SETTLEMENT,
        "结算",
        "What the fund owes and pays, and what hospitals pay by themselves.",
        "accrual-<order_id>, statement-<statement_id>, dispute-<dispute_id>, suspension-<suspension_id>, prepayment-<prepayment_id>, retention-<batch_id>-<year>-<hospital_id>, offset-<offset_id>, entry-<entry_id>, month-<yyyy-MM>, hospital-payment-<payment_id>, payee-<payee_id>, payment-file-<file_id>, ledger",
        settlement.FACTS,
    ),
    Channel(
        REFERENCE,
        "基础信息与工作日历",
        "The registers that orders refer to, and the calendar: the last record of a key stands.",
        "<kind>-<id>, calendar-<year>",
        reference.FACTS,
    ),
)

_COPIED_BY: Final = {"alerts": (ALERTS_OPEN,)}


def sent_by(service: str) -> tuple[str, ...]:
    """The topics that a service writes: those of its log, and what it keeps compacted beside them."""
    return PUBLISHED_BY.get(service, ()) + _COPIED_BY.get(service, ())


def schemas(channels: Iterable[Channel]) -> tuple[dict[str, dict[str, Json]], dict[str, Json]]:
    """The payload schema of each type by topic, and the components that they refer to."""
    pairs = [(c.topic, type_, fact) for c in channels for type_, fact in c.facts.items()]
    found, components = msgspec.json.schema_components(
        [fact for _, _, fact in pairs], ref_template=SCHEMAS + "{name}"
    )
    by_topic: dict[str, dict[str, Json]] = {}
    for (topic, type_, _), schema in zip(pairs, found, strict=True):
        by_topic.setdefault(topic, {})[type_] = schema
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    return by_topic, components
