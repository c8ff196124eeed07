"""The three deadlines of a line (answer, delivery, void) and the arrival of a delivery (section 7).

Readings
- The receipt "recorded by the end of the 3rd working day after the day of the arrival event" is
  compared by `recorded_at` (an importer's receipt: `occurred_at`), at or before the 24:00 instant.
- With neither arrival event nor receipt a delivery has not arrived.
- For an emergency `required_by` replaces sent + 24 h in both directions, bounded below by sent + 4 h.
- An importer's `required_by` is the delivery due as it is, emergency or not; without one the policy
  time holds for an importer too.
- A line's void instant is max(sent + 7 x 24 h, delivery due); a dispatch must be *recorded* before it.
- A missing `reject_reason` is not the hospital's own.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from tests.oracle.calendar import end_of, local_day, working_day_after
from tests.oracle.stories import NOTHING, Delivery, Line, Story
from tests.oracle.wire import parse_time

HOSPITALS_OWN = ("no_longer_needed", "hospital_request")


def sent_at(line: Line) -> datetime:
    """When the order was recorded; an importer's: its `occurred_at`."""
    return line.placed.judged_at


def answer_due(line: Line) -> datetime:
    """48 clock hours after it was sent."""
    return sent_at(line) + timedelta(hours=48)


def delivery_due(line: Line) -> datetime:
    """When the goods have to be there."""
    sent = sent_at(line)
    wished = parse_time(line.row["required_by"]) if line.row.get("required_by") else None
    if line.placed.importer and wished:
        return wished
    if line.placed.data.get("emergency"):
        return max(wished, sent + timedelta(hours=4)) if wished else sent + timedelta(hours=24)
    far = line.known["remote"] and line.known["level"] == "primary"
    policy = end_of(working_day_after(local_day(sent), 5 if far else 3))
    return max(policy, wished) if wished else policy


def void_at(story: Story, line: Line) -> datetime | None:
    """When the line becomes void by itself if nothing is dispatched; None where it never does."""
    if story.back_entered or line.placed.importer:
        return None
    return max(sent_at(line) + timedelta(days=7), delivery_due(line))


def arrival(delivery: Delivery) -> datetime | None:
    """The instant at which a delivery counts as arrived."""
    event, receipt = delivery.arrival, delivery.receipt
    proven = event is not None and event.data.get("proof") is not None
    claimed = receipt.data.get("arrived_at") if receipt else None
    if receipt and claimed:
        if not proven:
            return parse_time(claimed)
        assert event is not None
        limit = end_of(working_day_after(local_day(event.judged_at), 3))
        if receipt.reached_us <= limit:
            return parse_time(claimed)
    if proven:
        assert event is not None
        return event.judged_at
    known = [fact.judged_at for fact in (event, receipt) if fact]
    return min(known) if known else None


def arriving(delivery: Delivery, line_id: str) -> Decimal:
    """What arrives for a line: dispatched, less rejected for a reason not the hospital's own."""
    quantity = delivery.sent_out.get(line_id, NOTHING)
    row = delivery.received_row(line_id)
    if row and row.get("reject_reason") not in HOSPITALS_OWN:
        quantity -= Decimal(row["rejected"])
    return quantity


def arrivals(story: Story, line_id: str) -> list[tuple[datetime, Decimal]]:
    """Every arrival of a line with a quantity above zero, by instant."""
    found = []
    for delivery in story.deliveries.values():
        at, quantity = arrival(delivery), arriving(delivery, line_id)
        if at is not None and quantity > 0:
            found.append((at, quantity))
    return sorted(found)


def arrived_by(story: Story, line_id: str, instant: datetime | None = None) -> Decimal:
    """The cumulative arrived quantity at or before an instant (ever, without one)."""
    return sum(
        (q for at, q in arrivals(story, line_id) if instant is None or at <= instant), NOTHING
    )
