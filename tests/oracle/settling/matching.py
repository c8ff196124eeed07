"""Whether a receipt line is matched by order, receipt and invoice (三单匹配), or why not.

Readings
- A net that is below zero is not zero: `quantity_differs`.
- A match stands on the facts given, whenever they occurred: an invoice dated after the month, or a
  credit note dated before its sale, counts as soon as it is recorded.
- A receipt line with nothing accepted is neither matched nor unmatched.
- The last sale invoice is asked for its price also where its quantity has been credited away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.facts import Fact
from tests.oracle.settling.goods import InvoiceRow, ReceiptLine, invoice_rows
from tests.oracle.settling.money import line_fen


@dataclass(frozen=True)
class Match:
    """A reason why not, or the price and the amount."""

    reason: str | None
    unit_price: str | None = None
    amount_fen: int | None = None


def net_quantity(rows: Sequence[InvoiceRow]) -> Fraction:
    """Sale minus credit invoices; a credit that names a return does not count."""
    sold = sum(row.quantity for row in rows if row.kind == "sale")
    credited = sum(row.quantity for row in rows if row.kind == "credit" and not row.return_id)
    return Fraction(sold) - Fraction(credited)


def match(line: ReceiptLine, facts: Sequence[Fact]) -> Match:
    """The verdict on one receipt line, reasons in their order of test."""
    rows = invoice_rows(facts, line.key)
    net = net_quantity(rows)
    if net == 0:
        return Match("no_invoice")
    if net != Fraction(line.accepted):
        return Match("quantity_differs")
    sales = [row for row in rows if row.kind == "sale"]
    last = max(sales, key=lambda row: (row.occurred_at, row.position))
    if Fraction(last.unit_price) > line.selected_price:
        return Match("price_above_selected")
    return Match(None, last.unit_price, line_fen(line.accepted, last.unit_price))
