"""Facts of orders and deliveries: valid by default, a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from shared.events import orders as o
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, ORDERS
from shared.kernel.quantity import format_quantity

HOSPITAL: Final = "H36010200001"
DISTRIBUTOR: Final = "91360100MA35AB1C6R"
MAKER: Final = "91440300708461136T"
ORDER: Final = f"{HOSPITAL}-1"
SENT: Final = datetime(2026, 1, 5, 1, tzinfo=UTC)  # Monday, 09:00 in Beijing
UNIT: Final = 10_000

_LINE: Final[dict[str, Any]] = {
    "manufacturer_id": MAKER,
    "category": "drug",
    "generic_name": "amlodipine",
    "supplier_role": "main",
}


def _order(order_id: str, at: datetime = SENT, **more: Any) -> dict[str, Any]:
    given = {"hospital_id": HOSPITAL, "distributor_id": DISTRIBUTOR, "division": "360102"}
    return {"order_id": order_id, "at": at} | given | more


def ordered(line_id: str = "1", units: int = 100, product_id: str = "P1", **more: Any) -> Any:
    quantity = units * UNIT
    given: dict[str, Any] = _LINE | {"line_id": line_id, "product_id": product_id} | more
    return o.PlacedLine(
        **given,
        quantity=quantity,
        quantity_text=format_quantity(quantity),
        unit_price=5_000,
        unit_price_text="0.5",
        delivery_due=SENT,
    )


def placed(*lines: Any, order_id: str = ORDER, **more: Any) -> o.Placed:
    return o.Placed(
        **_order(order_id, **more),
        remote=False,
        emergency=False,
        back_entered=False,
        answer_due=SENT,
        calendar_version="2026-1",
        lines=list(lines) or [ordered()],
    )


def cancelled(line_id: str = "1", order_id: str = ORDER) -> o.Cancelled:
    line = o.LineFact(**_LINE, line_id=line_id, product_id="P1")
    return o.Cancelled(**_order(order_id), line_ids=[line_id], reason="error", lines=[line])


def voided(line_id: str = "1", order_id: str = ORDER) -> o.LineVoided:
    line = o.LineFact(**_LINE, line_id=line_id, product_id="P1")
    return o.LineVoided(**_order(order_id), line_id=line_id, voided_at=SENT, lines=[line])


def _totals(units: Mapping[str, int], rejected: int = 0) -> list[o.LineQuantity]:
    return [
        o.LineQuantity(
            line_id=line_id,
            dispatched=quantity * UNIT,
            arrives=(quantity - rejected) * UNIT,
            rejected=rejected * UNIT,
        )
        for line_id, quantity in units.items()
    ]


def dispatched(delivery_id: str = "D1", order_id: str = ORDER, **units: int) -> o.Dispatched:
    """So many units of line 1; other lines as `_2=50`."""
    totals = _totals(_lines(units))
    return o.Dispatched(**_order(order_id), delivery_id=delivery_id, lines=totals, lots=[])


def arrived(
    at: datetime, delivery_id: str = "D1", order_id: str = ORDER, **units: int
) -> o.Arrived:
    """The same, handed over."""
    return o.Arrived(
        **_order(order_id, at),
        delivery_id=delivery_id,
        arrival=at,
        lines=_totals(_lines(units)),
        goods=[],
    )


def received(
    at: datetime, delivery_id: str = "D1", order_id: str = ORDER, rejected: int = 0, **units: int
) -> o.Received:
    """The same, checked in; `rejected` of each line for a fault."""
    return o.Received(
        **_order(order_id, at),
        receipt_id=f"R-{delivery_id}",
        recorded=at,
        delivery_id=delivery_id,
        arrival=at,
        lines=_totals(_lines(units), rejected),
        received=[],
    )


def _lines(units: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix("_"): quantity for name, quantity in units.items()} or {"1": 100}


_TYPE_OF: Final = {kind: name for name, kind in o.FACTS.items()}


def record(fact: o.OrderFact, version: int) -> Record:
    """A fact as the bus brings it."""
    name = _TYPE_OF[type(fact)]
    return Record(
        topic=ORDERS if ".order." in name else DELIVERIES,
        stream=f"order-{fact.order_id}",
        version=version,
        source=f"urn:jicai:{DISTRIBUTOR}",
        event_id=f"{fact.order_id}-e{version}",
        type=name,
        occurred_at=fact.at,
        recorded_at=fact.at,
        fact=msgspec.json.encode(fact),
    )


def records(*facts: o.OrderFact) -> list[Record]:
    """The facts as versions 1, 2, … of their order's stream."""
    return [record(fact, version) for version, fact in enumerate(facts, 1)]
