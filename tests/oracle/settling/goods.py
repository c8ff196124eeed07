"""What the facts of orders say about goods: lines accepted, invoiced, sent back.

Readings
- A receipt line is (order, receipt, line): a receipt names each line of its delivery once, and its
  id is unique in its order.
- Batch, manufacturer, supplier role and selected price are those stored on the order line.
- A confirmed return counts by its answer; one answered `false`, or not yet answered, is nothing.
- "Last by `occurred_at`, then position": position is the place among all accepted facts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tests.oracle import facts as kinds
from tests.oracle.facts import Fact

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ReceiptLine:
    """What a hospital accepted of a line in one receipt."""

    order_id: str
    receipt_id: str
    line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    batch_id: str
    manufacturer_id: str
    selected_price: Fraction
    accepted: str
    occurred_at: datetime

    @property
    def key(self) -> Key:
        """What makes it one line, for ever."""
        return self.order_id, self.receipt_id, self.line_id

    @property
    def pair(self) -> tuple[str, str]:
        """The two whose statement it enters."""
        return self.hospital_id, self.payee_id


@dataclass(frozen=True)
class ReturnLine:
    """What a distributor agreed to take back of a receipt line."""

    return_id: str
    receipt_key: Key
    quantity: str
    answered_at: datetime


@dataclass(frozen=True)
class InvoiceRow:
    """What an invoice says of a receipt line."""

    kind: str
    return_id: str | None
    quantity: Fraction
    unit_price: str
    occurred_at: datetime
    position: int


def known_before(facts: Sequence[Fact], instant: datetime) -> list[Fact]:
    """The facts recorded before an instant, in the order in which they came."""
    return [fact for fact in facts if fact.recorded_at < instant]


def receipt_lines(facts: Sequence[Fact]) -> Iterator[ReceiptLine]:
    """Every line that a hospital accepted something of, where the product is the selected one."""
    placed = {fact.order_id: fact for fact in facts if fact.type == kinds.PLACED}
    for fact in facts:
        if fact.type != kinds.RECEIVED:
            continue
        order = placed[fact.order_id]
        products = {row["line_id"]: row["product_id"] for row in order.data["lines"]}
        for row in fact.data["lines"]:
            known = order.known["lines"][row["line_id"]]
            if known["supplier_role"] != "main" or Fraction(row["accepted"]) == 0:
                continue
            yield ReceiptLine(
                fact.order_id,
                fact.data["receipt_id"],
                row["line_id"],
                order.data["hospital_id"],
                order.data["distributor_id"],
                products[row["line_id"]],
                known["batch_id"],
                known["manufacturer_id"],
                Fraction(known["selected_price"]),
                row["accepted"],
                fact.occurred_at,
            )


def invoice_rows(facts: Sequence[Fact], key: Key) -> list[InvoiceRow]:
    """Every row of every invoice that names a receipt line."""
    order_id, receipt_id, line_id = key
    return [
        InvoiceRow(
            fact.data["kind"],
            fact.data.get("return_id"),
            Fraction(row["quantity"]),
            row["unit_price"],
            fact.occurred_at,
            position,
        )
        for position, fact in enumerate(facts)
        if fact.type == kinds.INVOICE
        and (fact.order_id, fact.data["receipt_id"]) == (order_id, receipt_id)
        for row in fact.data["lines"]
        if row["line_id"] == line_id
    ]


def confirmed_returns(facts: Sequence[Fact]) -> Iterator[ReturnLine]:
    """Every line of every return that the distributor has confirmed."""
    asked = {
        (fact.order_id, fact.data["return_id"]): fact.data
        for fact in facts
        if fact.type == kinds.RETURN_REQUESTED
    }
    for fact in facts:
        if fact.type == kinds.RETURN_ANSWERED and fact.data["confirmed"]:
            request = asked[fact.order_id, fact.data["return_id"]]
            for row in request["lines"]:
                key = (fact.order_id, request["receipt_id"], row["line_id"])
                yield ReturnLine(request["return_id"], key, row["quantity"], fact.occurred_at)
