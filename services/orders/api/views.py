"""Orders as documents (订单视图): exactly the members the contract names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.orders.domain.order import (
    Line,
    Order,
    arrived_quantity,
    line_state,
    received_quantity,
    returned_quantity,
)
from shared.kernel.clock import local_text
from shared.kernel.codes import subtree_prefix
from shared.kernel.quantity import format_quantity
from shared.runtime.actors import Actor

_Flags = msgspec.defstruct("_Flags", [("flags", list[str], msgspec.field(default_factory=list))])
_decode_flags = msgspec.json.Decoder(_Flags).decode


def may_see(actor: Actor, order: Order) -> bool:
    """Whether this caller may see the order at all (contract, section 2)."""
    if actor.sees_everything or actor.role == "finance":
        return True
    match actor.role:
        case "hospital":
            return order.hospital_id == actor.organisation
        case "distributor":
            return order.distributor_id == actor.organisation
        case "manufacturer":
            return actor.organisation in order.manufacturers.split()
        case "bureau":
            return order.hospital_id.startswith(f"H{subtree_prefix(actor.organisation)}")
    return False


def order_document(order: Order, actor: Actor) -> dict[str, Any]:
    """One order; a manufacturer sees the lines of its own products only."""
    lines = [
        line
        for line in order.lines.values()
        if actor.role != "manufacturer" or line.manufacturer_id == actor.organisation
    ]
    return {
        "order_id": order.order_id,
        "hospital_id": order.hospital_id,
        "distributor_id": order.distributor_id,
        "sent_at": local_text(order.sent_at),
        "back_entered": order.back_entered,
        "emergency": order.emergency,
        "lines": [_line(order, line) for line in lines],
    }


def _line(order: Order, line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "quantity": line.quantity_sent,
        "unit_price": line.unit_price_sent,
        "state": line_state(order, line),
        "answer": None if line.accepted is None else "accepted" if line.accepted else "refused",
        "supplier_role": line.supplier_role,
        "batch_id": line.batch_id,
        "answer_due": local_text(order.answer_due),
        "delivery_due": local_text(line.delivery_due),
        "required_by": _instant(line.required_by),
        "promised_at": _instant(line.promised_at),
        "dispatched": format_quantity(line.dispatched),
        "arrived": format_quantity(arrived_quantity(order, line)),
        "received": format_quantity(received_quantity(order, line)),
        "returned": format_quantity(returned_quantity(order, line)),
        "flags": line.flags,
    }


def history_document(row: Any) -> dict[str, Any]:
    """One fact of an order's history."""
    return {
        "event_id": row["event_id"],
        "source": row["source"],
        "type": row["type"],
        "occurred_at": local_text(row["occurred_at"]),
        "recorded_at": local_text(row["recorded_at"]),
        "flags": _decode_flags(row["fact"]).flags,  # type: ignore[attr-defined]
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else local_text(at)
