"""What one line says to each rate: left out, not counted, or numerator over denominator.

Readings
- An excuse needs a refusal judged at or before sent + 48 h and one of the four reason codes, borne out
  by what we stored. `wrong_product` and `hospital_request` hold when the hospital has cancelled the
  line at any time known.
- A back-entered line that also has an excuse is counted under both `excused` and `back_entered`
  (the sentence counts each set by itself); it is left out either way.
- "Without an answer" in response.v1 means without any answer ever, not without one in time.
- `on_time_first` needs a first arrival with a quantity above 0.
- Quantity rates take what is known whenever it happened: no deadline is compared.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tests.oracle.calendar import due_day
from tests.oracle.dues import answer_due, arrivals, arrived_by, delivery_due
from tests.oracle.stories import Line, Story

RESPONSE_RATES = ("response", "answered")
DELIVERY_RATES = ("on_time", "on_time_first", "delivery", "receipt")
QUANTITY_RATES = ("delivery", "receipt")


@dataclass(frozen=True)
class Counted:
    """A counted line of a rate."""

    due_at: datetime
    numerator: int
    denominator: int

    @property
    def outcome(self) -> str:
        """A hit counts in full."""
        return "hit" if self.numerator == self.denominator else "miss"


def excused(line: Line) -> bool:
    """Refused in time for an excuse that our own data bear out."""
    if not line.answer or not line.answer_row or line.answer_row["answer"] != "refused":
        return False
    if line.answer.judged_at > answer_due(line):
        return False
    reason = line.answer_row.get("reason_code")
    return bool(
        (reason == "product_suspended" and line.answer.known["off_sale"][line.line_id])
        or (reason == "no_agreement" and not line.known["agreed"])
        or (reason in ("wrong_product", "hospital_request") and line.cancelled)
    )


def cancelled_by(line: Line, instant: datetime) -> bool:
    """Whether the hospital cancelled it at or before an instant."""
    return line.cancelled is not None and line.cancelled.judged_at <= instant


def due_of(line: Line, rate: str) -> datetime:
    """The deadline that a rate judges."""
    return answer_due(line) if rate in RESPONSE_RATES else delivery_due(line)


def due_day_of(line: Line, rate: str) -> object:
    """The local day to which a rate counts the line."""
    return due_day(due_of(line, rate))


def ten_thousandths(quantity: Decimal) -> int:
    """A quantity as an integer."""
    return int(quantity * 10_000)


def counted(story: Story, line: Line, rate: str) -> Counted | None:
    """The line's share in a rate; None where it does not count."""
    if story.back_entered or excused(line):
        return None
    due = due_of(line, rate)
    if rate in RESPONSE_RATES:
        if line.answer is None and cancelled_by(line, due):
            return None
        in_time = line.answer is not None and line.answer.judged_at <= due
        accepted = bool(line.answer_row) and line.answer_row["answer"] == "accepted"
        return Counted(due, int(in_time and (accepted or rate == "answered")), 1)
    if cancelled_by(line, due):
        return None
    if rate == "on_time":
        return Counted(due, int(arrived_by(story, line.line_id, due) >= line.ordered), 1)
    if rate == "on_time_first":
        return Counted(due, int(any(at <= due for at, _ in arrivals(story, line.line_id))), 1)
    if rate == "delivery":
        got = story.dispatched(line.line_id)
    elif rate == "receipt":
        got = story.received(line.line_id)
    else:
        raise ValueError(f"no such rate of lines: {rate}")
    return Counted(due, ten_thousandths(min(got, line.ordered)), ten_thousandths(line.ordered))
