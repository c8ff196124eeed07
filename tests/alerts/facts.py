"""Facts with an article: valid by default, a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, absorb, parts_of
from shared.events import orders as o
from shared.events.envelope import Cause, Record
from shared.events.topics import DELIVERIES, ORDERS
from shared.kernel.quantity import format_quantity

HOSPITAL = "H36010200001"
DISTRIBUTOR = "91360100MA35AB1C6R"
MAKER = "91440300708461136T"
SENT = datetime(2026, 1, 5, 1, tzinfo=UTC)  # Monday, 09:00 in Beijing
ANSWER_DUE = SENT + timedelta(hours=48)
DELIVERY_DUE = datetime(2026, 1, 8, 16, tzinfo=UTC)  # 24:00 of Thursday the 8th
MICROSECOND = timedelta(microseconds=1)
UNIT = 10_000

_ORDER = {
    "order_id": f"{HOSPITAL}-1",
    "hospital_id": HOSPITAL,
    "distributor_id": DISTRIBUTOR,
    "division": "360102",
}
_LINE: dict[str, Any] = {
    "product_id": "P1",
    "manufacturer_id": MAKER,
    "category": "drug",
    "generic_name": "amlodipine",
    "supplier_role": "main",
    "batch_id": "B1",
    "agreement_id": "A1",
}


def a_line(line_id: str = "1", **more: Any) -> o.PlacedLine:
    given: dict[str, Any] = {
        "line_id": line_id,
        "quantity": 100 * UNIT,
        "unit_price": 5_000,
        "delivery_due": DELIVERY_DUE,
    }
    line = _LINE | given | more
    texts = {f"{x}_text": format_quantity(line[x]) for x in ("quantity", "unit_price")}
    return o.PlacedLine(**texts | line)


def placed(*lines: o.PlacedLine, **more: Any) -> o.Placed:
    given: dict[str, Any] = {
        "at": SENT,
        "level": "primary",
        "remote": False,
        "emergency": False,
        "back_entered": False,
        "answer_due": ANSWER_DUE,
        "calendar_version": "2026-1",
        "lines": list(lines) or [a_line()],
    }
    return o.Placed(**_ORDER | given | more)


def accepted(at: datetime = SENT, line_id: str = "1", **more: Any) -> o.Answered:
    line = o.AnsweredLine(**_LINE, line_id=line_id, answer="accepted")
    return o.Answered(**_ORDER | {"at": at, "lines": [line]} | more)


def refused(
    at: datetime = SENT, reason: str | None = "no_stock", *, suspended: bool = False,
    line_id: str = "1", **more: Any,
) -> o.Answered:  # fmt: skip
    line = o.AnsweredLine(
        **_LINE,
        line_id=line_id,
        answer="refused",
        reason_code=reason,
        listing_suspended=suspended,
    )
    return o.Answered(**_ORDER | {"at": at, "lines": [line]} | more)


def cancelled(at: datetime = SENT, line_id: str = "1", **more: Any) -> o.Cancelled:
    line = o.LineFact(**_LINE, line_id=line_id)
    given = {"at": at, "line_ids": [line_id], "reason": "error", "lines": [line]}
    return o.Cancelled(**_ORDER | given | more)


def voided(at: datetime, line_id: str = "1", **more: Any) -> o.LineVoided:
    line = o.LineFact(**_LINE, line_id=line_id)
    given = {"at": at, "voided_at": at, "line_id": line_id, "lines": [line]}
    return o.LineVoided(**_ORDER | given | more)


def due_moved(due: datetime, line_id: str = "1", **more: Any) -> o.DueMoved:
    line = o.MovedLine(**_LINE, line_id=line_id, delivery_due=due, before=DELIVERY_DUE)
    return o.DueMoved(**_ORDER | {"at": SENT, "calendar_version": "2", "lines": [line]} | more)


def dispatched(units: int = 100, delivery_id: str = "D1", line_id: str = "1", **more: Any) -> Any:
    row = o.LineQuantity(line_id=line_id, dispatched=units * UNIT, arrives=units * UNIT)
    given = {"at": SENT, "delivery_id": delivery_id, "lines": [row], "lots": []}
    return o.Dispatched(**_ORDER | given | more)


def arrived(
    at: datetime, units: int = 100, delivery_id: str = "D1", line_id: str = "1", **more: Any
) -> Any:
    row = o.LineQuantity(line_id=line_id, dispatched=units * UNIT, arrives=units * UNIT)
    given = {"at": at, "arrival": at, "delivery_id": delivery_id, "lines": [row], "goods": []}
    return o.Arrived(**_ORDER | given | more)


def received(
    at: datetime, units: int = 100, accepted_units: int = 100, rejected_units: int = 0,
    arrives: int | None = None, delivery_id: str = "D1", line_id: str = "1", **more: Any,
) -> Any:  # fmt: skip
    row = o.LineQuantity(
        line_id=line_id,
        dispatched=units * UNIT,
        arrives=(units - rejected_units if arrives is None else arrives) * UNIT,
        accepted=accepted_units * UNIT,
        rejected=rejected_units * UNIT,
    )
    given = {"at": at, "arrival": at, "delivery_id": delivery_id, "lines": [row]}
    return o.Received(
        **_ORDER | {"receipt_id": f"R-{delivery_id}", "recorded": at, "received": []} | given | more
    )


def cause(version: int) -> Cause:
    return Cause(f"urn:jicai:{DISTRIBUTOR}", f"e{version}")


TYPE_OF = {kind: name for name, kind in o.FACTS.items()}


def record(fact: o.OrderFact, version: int) -> Record:
    """A fact as the bus brings it."""
    name = TYPE_OF[type(fact)]
    return Record(
        topic=ORDERS if ".order." in name else DELIVERIES,
        stream=f"order-{fact.order_id}",
        version=version,
        source=cause(version).source,
        event_id=f"{fact.order_id}-e{version}",
        type=name,
        occurred_at=fact.at,
        recorded_at=fact.at,
        fact=msgspec.json.encode(fact),
    )


def known_of_line_one(*facts: o.OrderFact) -> LineFacts:
    """The facts of line 1, heard in this order as stream versions 1, 2, …"""
    line = NOTHING_KNOWN
    for version, fact in enumerate(facts, 1):
        for line_id, part in parts_of(version, cause(version), fact, fact.at):
            if line_id == "1":
                line = absorb(line, part)
    return line
