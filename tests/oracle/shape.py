"""Whether an event is well formed: the `malformed` test, member by member.

Readings
- An optional member that is present must be well formed; `null` counts as absent.
- A line may be named twice only in a dispatch, and there only with another lot number.
- An enterprise id whose check character is wrong is malformed, not unknown.
- `reason` (cancel, return requested), `lot_number`, `expires_on`, `invoice_number` are required.
- An unknown `type`, or a `specversion` other than "1.0", is malformed. A source that is a string but
  not `urn:jicai:<caller>` is `not_yours`. Sizes in bytes are not judged here.
"""

from collections.abc import Callable
from typing import Any

from tests.oracle.uscc import is_uscc
from tests.oracle.wire import (
    HOSPITAL_ID,
    demand,
    order_id,
    parse_day,
    parse_decimal,
    parse_time,
    string,
)

Data = dict[str, Any]


def rows(data: Data, member: str = "lines") -> list[Data]:
    """A non-empty list of at most 1,000 objects, each with a line id."""
    value = data.get(member)
    demand(isinstance(value, list) and 0 < len(value) <= 1000, f"{member} is a non-empty list")
    assert isinstance(value, list)
    for row in value:
        demand(isinstance(row, dict), "a line is an object")
        string(row.get("line_id"), "line_id")
    return value


def once(rows_or_ids: list[Any]) -> None:
    """No key named twice."""
    demand(len(rows_or_ids) == len(set(rows_or_ids)), "named twice")


def optional(row: Data, member: str, check: Callable[[Any], Any]) -> None:
    """Check a member that may be absent."""
    if row.get(member) is not None:
        check(row[member])


def flag(value: Any) -> None:
    """A JSON boolean."""
    demand(isinstance(value, bool), "true or false")


def text(value: Any) -> str:
    """A non-empty string where its name does not matter."""
    return string(value, "a text")


def placed(data: Data) -> None:
    hospital = string(data.get("hospital_id"), "hospital_id")
    demand(HOSPITAL_ID.fullmatch(hospital) is not None, "hospital_id")
    demand(data["order_id"].startswith(hospital + "-"), "order ids begin with their hospital")
    demand(is_uscc(data.get("distributor_id")), "distributor_id")
    optional(data, "emergency", flag)
    optional(data, "back_entered", flag)
    for row in rows(data):
        text(row.get("product_id"))
        parse_decimal(row.get("quantity"))
        parse_decimal(row.get("unit_price"), zero=True)
        optional(row, "required_by", parse_time)
    once([row["line_id"] for row in data["lines"]])


def answered(data: Data) -> None:
    if data.get("lines") is None:
        return
    for row in rows(data):
        demand(row.get("answer") in ("accepted", "refused"), "answer")
        optional(row, "reason_code", text)
        optional(row, "promised_at", parse_time)
    once([row["line_id"] for row in data["lines"]])


def cancelled(data: Data) -> None:
    text(data.get("reason"))
    ids = data.get("line_ids")
    if ids is not None:
        demand(isinstance(ids, list) and 0 < len(ids) <= 1000, "line_ids is a non-empty list")
        once([text(one) for one in ids])


def dispatched(data: Data) -> None:
    text(data.get("delivery_id"))
    for row in rows(data):
        parse_decimal(row.get("quantity"))
        text(row.get("lot_number"))
        parse_day(row.get("expires_on"))
        optional(row, "trace_codes", lambda codes: demand(isinstance(codes, list), "trace_codes"))
    once([(row["line_id"], row["lot_number"]) for row in data["lines"]])


def arrived(data: Data) -> None:
    text(data.get("delivery_id"))
    proof = data.get("proof")
    if proof is not None:
        demand(isinstance(proof, dict), "proof")
        demand(proof.get("kind") in ("signed", "scanned", "carrier"), "proof kind")
        text(proof.get("reference"))


def received(data: Data) -> None:
    text(data.get("receipt_id"))
    text(data.get("delivery_id"))
    optional(data, "arrived_at", parse_time)
    for row in rows(data):
        parse_decimal(row.get("accepted"), zero=True)
        parse_decimal(row.get("rejected"), zero=True)
        optional(row, "reject_reason", text)
    once([row["line_id"] for row in data["lines"]])


def return_requested(data: Data) -> None:
    for member in ("return_id", "receipt_id", "reason"):
        text(data.get(member))
    for row in rows(data):
        parse_decimal(row.get("quantity"))
    once([row["line_id"] for row in data["lines"]])


def return_answered(data: Data) -> None:
    text(data.get("return_id"))
    flag(data.get("confirmed"))
    optional(data, "reason", text)


def invoice_registered(data: Data) -> None:
    for member in ("invoice_id", "invoice_number", "receipt_id"):
        text(data.get(member))
    demand(data.get("kind") in ("sale", "credit"), "kind")
    optional(data, "return_id", text)
    for row in rows(data):
        parse_decimal(row.get("quantity"))
        parse_decimal(row.get("unit_price"), zero=True)
    once([row["line_id"] for row in data["lines"]])


# type -> (the role that sends it, the check of its data)
TYPES: dict[str, tuple[str, Callable[[Data], None]]] = {
    "jicai.order.placed.v1": ("hospital", placed),
    "jicai.order.answered.v1": ("distributor", answered),
    "jicai.order.cancelled.v1": ("hospital", cancelled),
    "jicai.delivery.dispatched.v1": ("distributor", dispatched),
    "jicai.delivery.arrived.v1": ("distributor", arrived),
    "jicai.delivery.received.v1": ("hospital", received),
    "jicai.return.requested.v1": ("hospital", return_requested),
    "jicai.return.answered.v1": ("distributor", return_answered),
    "jicai.invoice.registered.v1": ("distributor", invoice_registered),
}


def well_formed(event: Any) -> None:
    """Raise Malformed unless the whole event is what section 3 says."""
    demand(isinstance(event, dict), "an event is an object")
    demand(event.get("specversion") == "1.0", "specversion")
    for member in ("id", "source", "type"):
        string(event.get(member), member)
    optional(event, "subject", text)
    demand(event["type"] in TYPES, f"no such type: {event['type']}")
    parse_time(event.get("time"))
    data = event.get("data")
    demand(isinstance(data, dict), "data")
    assert isinstance(data, dict)
    order_id(data.get("order_id"))
    TYPES[event["type"]][1](data)
