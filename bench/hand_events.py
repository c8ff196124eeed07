"""What one raw event says about the lines of its order: the pipeline written by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from bench.counting import Line, day_of
from bench.raw_app import Answered, Arrived, Cancelled, Dispatched, Placed, Received
from bench.town import puts
from shared.kernel.clock import local_day
from shared.store.calendar_files import shipped_calendar

Event = Placed | Answered | Cancelled | Dispatched | Arrived | Received
Lines = dict[str, Line]
"""The lines of one order."""

decode = msgspec.json.Decoder(Event).decode

_AGREED = {
    (body["hospital_id"], body["product_id"], body["distributor_id"])
    for path, body in puts()
    if path.startswith("agreements/")
}
_CALENDAR = shipped_calendar()
_dues: dict[date, datetime] = {}


def tell(lines: Lines, event: Event) -> list[Line]:
    """Put an event on the lines of its order; those that it touched."""
    match event:
        case Placed():
            return _place(lines, event)
        case Answered():
            for answer in event.data.lines:
                line = lines[answer.line_id]
                if line.answered_at is None:
                    line.answered_at = event.time
                    line.accepted = answer.answer == "accepted"
                    line.reason = answer.reason_code
            return [lines[answer.line_id] for answer in event.data.lines]
        case Cancelled():
            touched = [lines[line_id] for line_id in event.data.line_ids]
            for line in touched:
                line.cancelled_at = line.cancelled_at or event.time
            return touched
        case Dispatched():
            for sent in event.data.lines:
                lines[sent.line_id].arrives = _ten_thousandths(sent.quantity)
            return [lines[sent.line_id] for sent in event.data.lines]
        case Arrived():
            touched = [line for line in lines.values() if line.arrives]
            for line in touched:
                line.arrived_at = event.time
            return touched
        case Received():
            for taken in event.data.lines:
                lines[taken.line_id].arrives = _ten_thousandths(taken.accepted)
            return [lines[taken.line_id] for taken in event.data.lines]


def _place(lines: Lines, event: Placed) -> list[Line]:
    data = event.data
    day = local_day(event.time)
    delivery_due = _dues.get(day)
    if delivery_due is None:
        delivery_due = _dues[day] = _CALENDAR.deadline(day, 3)
    answer_due = event.time + timedelta(hours=48)
    response_day, delivery_day = day_of(answer_due), day_of(delivery_due)
    for ordered in data.lines:
        agreed = (data.hospital_id, ordered.product_id, data.distributor_id) in _AGREED
        lines[ordered.line_id] = Line(
            data.distributor_id, response_day, delivery_day, answer_due, delivery_due,
            _ten_thousandths(ordered.quantity), data.back_entered, agreed,
        )  # fmt: skip
    return list(lines.values())


def _ten_thousandths(text: str) -> int:
    return int(text) * 10_000 if text.isdigit() else int(Decimal(text) * 10_000)
