"""What one fact from the topics says about the lines of its order, for peers that read them as dicts.

Standard library only: a peer runs in an environment of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bench.counting import Line, day_of

_days: dict[str, str] = {}


def named(type_: str, fact: Any) -> list[str]:
    """The lines that a fact is about."""
    if type_ == "jicai.order.cancelled.v1":
        return list(fact["line_ids"])
    return [line["line_id"] for line in fact.get("totals") or fact["lines"]]


def put(type_: str, fact: Any, touched: dict[str, Line]) -> None:
    """Put a fact on these lines."""
    match type_:
        case "jicai.order.placed.v1":
            for row in fact["lines"]:
                line = touched[row["line_id"]]
                line.distributor = fact["distributor_id"]
                line.answer_due, line.delivery_due = fact["answer_due"], row["delivery_due"]
                line.response_day, line.delivery_day = map(
                    _day, (line.answer_due, line.delivery_due)
                )
                line.quantity = row["quantity_e4"]
                line.back_entered = fact["back_entered"]
                line.has_agreement = "agreement_id" in row
        case "jicai.order.answered.v1":
            for row in fact["lines"]:
                line = touched[row["line_id"]]
                line.answered_at, line.accepted = fact["at"], row["answer"] == "accepted"
                line.reason = row.get("reason_code")
        case "jicai.order.cancelled.v1":
            for line in touched.values():
                line.cancelled_at = fact["at"]
        case _:
            for row in fact["totals"]:
                line = touched[row["line_id"]]
                line.arrives, line.arrived_at = row["arrives_e4"], fact.get("arrival")


def _day(due: str) -> str:
    day = _days.get(due)
    if day is None:
        day = _days[due] = day_of(datetime.fromisoformat(due)).isoformat()
    return day
