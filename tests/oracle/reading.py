"""`GET /orders/v1/orders/{id}` as section 6 shows it, and the lists by state.

Instants are aware datetimes, not text: the product may write any offset, so compare instants.
Quantities placed are echoed as sent; sums are in their shortest form. `flags` are sorted lists:
compare them as sets. Call `Orders.advance(now)` before reading.
"""

from datetime import datetime
from typing import Any

from tests.oracle.dues import answer_due, arrived_by, delivery_due, sent_at
from tests.oracle.orders import Orders
from tests.oracle.stories import Line, Story
from tests.oracle.wire import shortest


def state(story: Story, line: Line) -> str:
    """The furthest state that the line has reached, in any quantity."""
    if story.received(line.line_id) > 0:
        return "received"
    if arrived_by(story, line.line_id) > 0:
        return "arrived"
    if story.dispatched(line.line_id) > 0:
        return "dispatched"
    if line.voided:
        return "void"
    if line.cancelled:
        return "cancelled"
    if line.answer_row:
        return str(line.answer_row["answer"])
    return "awaiting_answer"


def line_view(story: Story, line: Line) -> dict[str, Any]:
    """One line as the outside reads it."""
    line_id = line.line_id
    return {
        "line_id": line_id,
        "product_id": line.row["product_id"],
        "quantity": line.row["quantity"],
        "unit_price": line.row["unit_price"],
        "state": state(story, line),
        "answer": line.answer_row["answer"] if line.answer_row else None,
        "supplier_role": line.known["supplier_role"],
        "answer_due": answer_due(line),
        "delivery_due": delivery_due(line),
        "promised_at": line.promised_at,
        "dispatched": shortest(story.dispatched(line_id)),
        "arrived": shortest(arrived_by(story, line_id)),
        "received": shortest(story.received(line_id)),
        "returned": shortest(story.returned(line_id)),
        "flags": sorted(line.flags),
    }


def view(model: Orders, order_id: str) -> dict[str, Any]:
    """The whole order with its history in commit order."""
    story = model.story(order_id)
    first = next(iter(story.lines.values()))
    return {
        "order_id": order_id,
        "hospital_id": story.placed.data["hospital_id"],
        "distributor_id": story.placed.data["distributor_id"],
        "sent_at": sent_at(first),
        "back_entered": story.back_entered,
        "lines": [line_view(story, line) for line in story.lines.values()],
        "history": [
            {
                "event_id": fact.id,
                "source": fact.source,
                "type": fact.type,
                "occurred_at": fact.occurred_at,
                "recorded_at": fact.recorded_at,
                "flags": sorted(fact.flags),
            }
            for fact in story.facts
        ],
    }


def in_state(model: Orders, wanted: str) -> list[str]:
    """The orders with a line in that state; `awaiting_answer` is every line still answerable."""
    found = []
    for order_id in model.streams:
        story = model.story(order_id)
        for line in story.lines.values():
            hit = line.answerable if wanted == "awaiting_answer" else state(story, line) == wanted
            if hit:
                found.append(order_id)
                break
    return found


def facts_recorded(model: Orders, order_id: str, until: datetime) -> list[dict[str, Any]]:
    """The events as sent, recorded before an instant: what `reconciliation` roots (voids apart)."""
    return [
        fact.event for fact in model.streams[order_id] if fact.event and fact.recorded_at < until
    ]
