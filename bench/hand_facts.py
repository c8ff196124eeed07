"""What one fact of our `orders` says about the lines of its order, read by hand: behind our own door."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bench.counting import Line, day_of

READ = """
SELECT xid::text AS x, position, stream AS order_id,
       convert_to('{"type":"' || type || '","data":', 'UTF8') || fact || '}'::bytea AS payload
FROM orders.events e
WHERE (e.xid, e.position) > ($1::text::xid8, $2::bigint) AND starts_with(stream, 'order-')
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.position LIMIT 2000"""
"""The log of orders behind the horizon, each fact with its type."""


class PlacedLine(msgspec.Struct):
    line_id: str
    quantity_e4: int
    delivery_due: datetime
    agreement_id: str | None = None


class PlacedFact(msgspec.Struct):
    order_id: str
    distributor_id: str
    answer_due: datetime
    back_entered: bool
    lines: list[PlacedLine]


class AnsweredLine(msgspec.Struct):
    line_id: str
    answer: Literal["accepted", "refused"]
    reason_code: str | None = None


class AnsweredFact(msgspec.Struct):
    order_id: str
    at: datetime
    lines: list[AnsweredLine]


class CancelledFact(msgspec.Struct):
    order_id: str
    at: datetime
    line_ids: list[str]


class Total(msgspec.Struct):
    line_id: str
    arrives_e4: int


class DeliveryFact(msgspec.Struct):
    order_id: str
    totals: list[Total]
    arrival: datetime | None = None


class Event(msgspec.Struct, tag_field="type"):
    """A fact with its type; the type is the tag."""


class Placed(Event, tag="jicai.order.placed.v1"):
    data: PlacedFact


class Answered(Event, tag="jicai.order.answered.v1"):
    data: AnsweredFact


class Cancelled(Event, tag="jicai.order.cancelled.v1"):
    data: CancelledFact


class Dispatched(Event, tag="jicai.delivery.dispatched.v1"):
    data: DeliveryFact


class Arrived(Event, tag="jicai.delivery.arrived.v1"):
    data: DeliveryFact


class Received(Event, tag="jicai.delivery.received.v1"):
    data: DeliveryFact


Fact = Placed | Answered | Cancelled | Dispatched | Arrived | Received

decode = msgspec.json.Decoder(Fact).decode


def tell(lines: dict[str, Line], event: Fact) -> list[Line]:
    """Put a fact on the lines of its order; those that it touched."""
    match event:
        case Placed():
            data = event.data
            response_day = day_of(data.answer_due)
            for row in data.lines:
                lines[row.line_id] = Line(
                    data.distributor_id, response_day, day_of(row.delivery_due), data.answer_due,
                    row.delivery_due, row.quantity_e4, data.back_entered,
                    row.agreement_id is not None,
                )  # fmt: skip
            return list(lines.values())
        case Answered():
            for answer in event.data.lines:
                line = lines[answer.line_id]
                line.answered_at, line.accepted = event.data.at, answer.answer == "accepted"
                line.reason = answer.reason_code
            return [lines[answer.line_id] for answer in event.data.lines]
        case Cancelled():
            for line_id in event.data.line_ids:
                lines[line_id].cancelled_at = event.data.at
            return [lines[line_id] for line_id in event.data.line_ids]
        case Dispatched() | Arrived() | Received():
            for total in event.data.totals:
                line = lines[total.line_id]
                line.arrives, line.arrived_at = total.arrives_e4, event.data.arrival
            return [lines[total.line_id] for total in event.data.totals]
