"""One order told from its facts: lines, deliveries, receipts, returns. No memory, no shortcuts.

`tell` reads the plain list of an order's facts from the first to the last each time it is asked.

Readings
- An answer, a cancellation, a void: the first one recorded is the line's (the verdicts see to it).
- `received` is the sum of accepted over the line's receipts, `returned` the sum of confirmed returns.
- A return counts as standing until it is refused; a refused one frees its quantity again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle import facts as kinds
from tests.oracle.facts import Fact
from tests.oracle.wire import parse_time

NOTHING = Decimal(0)


@dataclass
class Delivery:
    """One delivery: what left for each line, and what is known of its arrival and receipt."""

    dispatch: Fact
    sent_out: dict[str, Decimal]
    arrival: Fact | None = None
    receipt: Fact | None = None

    def received_row(self, line_id: str) -> dict[str, Any] | None:
        """The receipt's row of a line."""
        rows = self.receipt.data["lines"] if self.receipt else []
        return next((row for row in rows if row["line_id"] == line_id), None)


@dataclass
class Return:
    """A return of one receipt, standing (None), confirmed (True) or refused (False)."""

    request: Fact
    confirmed: bool | None = None

    def quantity(self, line_id: str) -> Decimal:
        """What it takes back of a line."""
        rows = self.request.data["lines"]
        return sum((Decimal(r["quantity"]) for r in rows if r["line_id"] == line_id), NOTHING)


@dataclass
class Line:
    """A line as placed, and the facts that decide its state."""

    placed: Fact
    row: dict[str, Any]
    known: dict[str, Any]
    answer: Fact | None = None
    answer_row: dict[str, Any] | None = None
    cancelled: Fact | None = None
    voided: Fact | None = None
    flags: set[str] = field(default_factory=set)

    @property
    def line_id(self) -> str:
        """The sender's id of the line, unique in its order."""
        return str(self.row["line_id"])

    @property
    def ordered(self) -> Decimal:
        """The ordered quantity."""
        return Decimal(self.row["quantity"])

    @property
    def promised_at(self) -> datetime | None:
        """What the first answer promised, frozen."""
        promised = (self.answer_row or {}).get("promised_at")
        return parse_time(promised) if promised else None

    @property
    def answerable(self) -> bool:
        """Whether an answer would still be taken, dispatched or not."""
        return not (self.answer or self.cancelled or self.voided)


@dataclass
class Story:
    """An order and everything that hangs on it."""

    placed: Fact
    facts: list[Fact]
    lines: dict[str, Line]
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    receipts: dict[str, Delivery] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    invoices: dict[str, Fact] = field(default_factory=dict)

    @property
    def back_entered(self) -> bool:
        """Says so, or reached us more than 24 h late (an importer's only if it says so)."""
        return bool(self.placed.data.get("back_entered")) or self.placed.late

    def dispatched(self, line_id: str) -> Decimal:
        """Everything that ever left for the line."""
        return sum((d.sent_out.get(line_id, NOTHING) for d in self.deliveries.values()), NOTHING)

    def received(self, line_id: str) -> Decimal:
        """Everything accepted at receipts."""
        rows = [d.received_row(line_id) for d in self.deliveries.values()]
        return sum((Decimal(row["accepted"]) for row in rows if row), NOTHING)

    def returned(self, line_id: str) -> Decimal:
        """Everything taken back and confirmed."""
        confirmed = [one for one in self.returns.values() if one.confirmed]
        return sum((one.quantity(line_id) for one in confirmed), NOTHING)


def tell(order_facts: list[Fact]) -> Story:
    """The story of one order; its first fact is the placed event."""
    placed = order_facts[0]
    lines = {
        row["line_id"]: Line(placed, row, placed.known["lines"][row["line_id"]])
        for row in placed.data["lines"]
    }
    story = Story(placed, order_facts, lines)
    for fact in order_facts:
        hear(story, fact)
    return story


def answered_rows(story: Story, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an answer; without `lines`, every line that can still be answered, accepted."""
    if data.get("lines") is not None:
        return list(data["lines"])
    open_lines = [line for line in story.lines.values() if line.answerable]
    return [{"line_id": line.line_id, "answer": "accepted"} for line in open_lines]


def cancelled_ids(story: Story, data: dict[str, Any]) -> list[str]:
    """The lines of a cancellation; without `line_ids`, every line that still can be cancelled."""
    if data.get("line_ids") is not None:
        return list(data["line_ids"])
    return [
        line.line_id
        for line in story.lines.values()
        if not (line.cancelled or line.voided or story.dispatched(line.line_id))
    ]


def hear(story: Story, fact: Fact) -> None:
    """Add one accepted fact to the story."""
    data = fact.data
    if fact.type == kinds.ANSWERED:
        for row in answered_rows(story, data):
            story.lines[row["line_id"]].answer = fact
            story.lines[row["line_id"]].answer_row = row
    elif fact.type == kinds.CANCELLED:
        for line_id in cancelled_ids(story, data):
            story.lines[line_id].cancelled = fact
    elif fact.type == kinds.VOIDED:
        story.lines[data["line_id"]].voided = fact
    elif fact.type == kinds.DISPATCHED:
        sent_out: dict[str, Decimal] = {}
        for row in data["lines"]:
            before = sent_out.get(row["line_id"], NOTHING)
            sent_out[row["line_id"]] = before + Decimal(row["quantity"])
        story.deliveries[data["delivery_id"]] = Delivery(fact, sent_out)
    elif fact.type == kinds.ARRIVED:
        story.deliveries[data["delivery_id"]].arrival = fact
    elif fact.type == kinds.RECEIVED:
        delivery = story.deliveries[data["delivery_id"]]
        delivery.receipt = fact
        story.receipts[data["receipt_id"]] = delivery
    elif fact.type == kinds.RETURN_REQUESTED:
        story.returns[data["return_id"]] = Return(fact)
    elif fact.type == kinds.RETURN_ANSWERED:
        story.returns[data["return_id"]].confirmed = data["confirmed"]
    elif fact.type == kinds.INVOICE:
        story.invoices[data["invoice_id"]] = fact
    for line_id, flags in fact.known.get("line_flags", {}).items():
        story.lines[line_id].flags |= flags
