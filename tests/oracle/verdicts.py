"""The rejection codes of section 3 after shape, ownership and duplicates, in the stated order.

Each test returns the first `(code, pointer)` that holds, or None. Line by line means: the first line
with any fault decides, and within a line the codes are tried in the stated order.

Readings
- A second answer to one return is `already_answered`; it is the only code that fits.
- A line of the order that is not in the delivery (or receipt) is `quantity_mismatch` (or
  `return_exceeds_receipt`); a line that is not in the order is `unknown_line`.
- A line missing from a receipt is tested after the lines that it does name.
- An invoice may name any line of the order; its receipt, and its return if named, must exist.
- A cancelled line refuses answers and dispatches with `line_cancelled`, and a second cancellation
  with `already_cancelled`. Nothing else asks for a line's state.
- A refused line can be cancelled and can be dispatched; neither needs an answer first.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oracle import facts as kinds
from tests.oracle.facts import Fact
from tests.oracle.stories import NOTHING, Line, Story, answered_rows, cancelled_ids
from tests.oracle.wire import parse_time
from tests.oracle.world import World

Fault = tuple[str, str | None] | None
RETRYABLE = ("unknown_order", "unknown_delivery", "unknown_receipt", "unknown_return")
EXISTS = {
    kinds.DISPATCHED: ("delivery_id", "deliveries"),
    kinds.RECEIVED: ("receipt_id", "receipts"),
    kinds.RETURN_REQUESTED: ("return_id", "returns"),
    kinds.INVOICE: ("invoice_id", "invoices"),
}


def asked_too_early(data: dict[str, Any], occurred_at: datetime) -> Fault:
    """`required_by_in_past`: a line wanted before the order happened."""
    for index, row in enumerate(data["lines"]):
        if row.get("required_by") and parse_time(row["required_by"]) < occurred_at:
            return "required_by_in_past", f"/data/lines/{index}"
    return None


def unregistered(world: World, at: datetime, data: dict[str, Any]) -> Fault:
    """The hospital, the distributor, then each product of a placed order."""
    if not world.organisation(at, data["hospital_id"], "hospital"):
        return "unknown_hospital", None
    if not world.organisation(at, data["distributor_id"], "distributor"):
        return "unknown_distributor", None
    for index, row in enumerate(data["lines"]):
        if not world.get(at, "products", row["product_id"]):
            return "unknown_product", f"/data/lines/{index}"
    return None


def unplaceable(world: World, at: datetime, data: dict[str, Any], importer: bool) -> Fault:
    """`product_suspended`, which an importer is not asked."""
    for index, row in enumerate(data["lines"]):
        if not importer and world.off_sale(at, row["product_id"]):
            return "product_suspended", f"/data/lines/{index}"
    return None


def unknown_parts(story: Story, kind: str, data: dict[str, Any]) -> Fault:
    """The delivery, the receipt, the return that the event hangs on."""
    needs_delivery = kind in (kinds.ARRIVED, kinds.RECEIVED)
    needs_receipt = kind in (kinds.RETURN_REQUESTED, kinds.INVOICE)
    named = data.get("return_id") if kind in (kinds.RETURN_ANSWERED, kinds.INVOICE) else None
    if needs_delivery and data["delivery_id"] not in story.deliveries:
        return "unknown_delivery", None
    if needs_receipt and data["receipt_id"] not in story.receipts:
        return "unknown_receipt", None
    if named and named not in story.returns:
        return "unknown_return", None
    return None


def already_there(story: Story, kind: str, data: dict[str, Any]) -> Fault:
    """An id used before, a second arrival, a second receipt, a second answer to a return."""
    if kind in EXISTS:
        member, book = EXISTS[kind]
        if data[member] in getattr(story, book):
            return "already_exists", None
    if kind == kinds.ARRIVED and story.deliveries[data["delivery_id"]].arrival:
        return "already_arrived", None
    if kind == kinds.RECEIVED and story.deliveries[data["delivery_id"]].receipt:
        return "already_received", None
    if kind == kinds.RETURN_ANSWERED and story.returns[data["return_id"]].confirmed is not None:
        return "already_answered", None
    return None


def line_fault(story: Story, kind: str, data: dict[str, Any], row: dict[str, Any]) -> str | None:
    """What speaks against one line of an event."""
    line: Line | None = story.lines.get(row["line_id"])
    if line is None:
        return "unknown_line"
    if kind in (kinds.ANSWERED, kinds.DISPATCHED) and line.cancelled:
        return "line_cancelled"
    if kind in (kinds.ANSWERED, kinds.DISPATCHED, kinds.CANCELLED) and line.voided:
        return "line_void"
    if kind == kinds.ANSWERED and line.answer:
        return "already_answered"
    if kind == kinds.CANCELLED and line.cancelled:
        return "already_cancelled"
    if kind == kinds.CANCELLED and story.dispatched(line.line_id):
        return "already_dispatched"
    if kind == kinds.RECEIVED:
        went = story.deliveries[data["delivery_id"]].sent_out.get(line.line_id)
        if went is None or Decimal(row["accepted"]) + Decimal(row["rejected"]) != went:
            return "quantity_mismatch"
    if kind == kinds.RETURN_REQUESTED and exceeds(story, data, row):
        return "return_exceeds_receipt"
    return None


def exceeds(story: Story, data: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether the standing returns of a receipt line would outgrow what the receipt accepted."""
    received = story.receipts[data["receipt_id"]].received_row(row["line_id"])
    accepted = Decimal(received["accepted"]) if received else NOTHING
    standing = [
        one.quantity(row["line_id"])
        for one in story.returns.values()
        if one.confirmed is not False and one.request.data["receipt_id"] == data["receipt_id"]
    ]
    return sum(standing, NOTHING) + Decimal(row["quantity"]) > accepted


def line_by_line(story: Story, kind: str, data: dict[str, Any]) -> Fault:
    """The first faulty line; then what only the whole event can lack."""
    place, rows = "lines", data.get("lines") or []
    if kind == kinds.CANCELLED:
        place, rows = "line_ids", [{"line_id": one} for one in data.get("line_ids") or []]
    for index, row in enumerate(rows):
        code = line_fault(story, kind, data, row)
        if code:
            return code, f"/data/{place}/{index}"
    if kind == kinds.RECEIVED:
        named = {row["line_id"] for row in rows}
        if named != set(story.deliveries[data["delivery_id"]].sent_out):
            return "quantity_mismatch", None
    if kind == kinds.ANSWERED and not answered_rows(story, data):
        return "already_answered", None
    if kind == kinds.CANCELLED and not cancelled_ids(story, data):
        return "nothing_to_cancel", None
    return None


def flags_of(story: Story, fact: Fact) -> dict[str, set[str]]:
    """The line flags that an accepted dispatch or invoice causes, by line."""
    caused: dict[str, set[str]] = {}
    if fact.type == kinds.DISPATCHED:
        for line_id in {row["line_id"] for row in fact.data["lines"]}:
            line = story.lines[line_id]
            rows = [row for row in fact.data["lines"] if row["line_id"] == line_id]
            total = story.dispatched(line_id) + sum(Decimal(row["quantity"]) for row in rows)
            if line.answer_row and line.answer_row["answer"] == "refused":
                caused.setdefault(line_id, set()).add("dispatched_after_refusal")
            if total > line.ordered:
                caused.setdefault(line_id, set()).add("over_delivered")
    if fact.type == kinds.INVOICE:
        for row in fact.data["lines"]:
            price = story.lines[row["line_id"]].known["selected_price"]
            if price is not None and Decimal(row["unit_price"]) > price:
                caused.setdefault(row["line_id"], set()).add("price_above_selected")
    return caused
