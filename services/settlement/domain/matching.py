"""The three-way match (三单匹配): receipt, invoices and selected price agree, or why not. Pure.

The sums that a month needs stand in `receipt_lines` and are held to this function by a test.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, NamedTuple

from shared.events.forms import InvoiceKind
from shared.kernel.quantity import amount_fen

Reason = Literal["no_invoice", "quantity_differs", "price_above_selected"]
"""Why a receipt line cannot be settled yet (不匹配原因), in the order in which they are tested."""

SALE: Final = "sale"


class Invoiced(NamedTuple):
    """What one invoice says of a receipt line (发票明细); `version` is its place in the stream."""

    kind: InvoiceKind
    quantity: int
    unit_price: int
    occurred_at: datetime
    version: int
    return_id: str | None = None

    @property
    def counted(self) -> int:
        """What it adds to the net quantity: the credit of a return takes nothing off (退货红字)."""
        if self.kind == SALE:
            return self.quantity
        return -self.quantity if self.return_id is None else 0


class Matched(NamedTuple):
    """A receipt line that may be settled (匹配), at the price of its last sale invoice."""

    unit_price: int
    amount_fen: int


def match(
    accepted: int, selected_price: int | None, invoices: Iterable[Invoiced]
) -> Matched | Reason:
    """Whether an accepted quantity is invoiced in full, at no more than the selected price."""
    known = list(invoices)
    net = sum(invoice.counted for invoice in known)
    if net == 0:
        return "no_invoice"
    if net != accepted:
        return "quantity_differs"
    price = _last_price(known)
    if selected_price is None or price > selected_price:
        return "price_above_selected"
    return Matched(price, amount_fen(accepted, price))


def _last_price(invoices: Iterable[Invoiced]) -> int:
    """The price of the last sale by its own date, then by position; a credit sets none."""
    sales = (invoice for invoice in invoices if invoice.kind == SALE)
    return max(sales, key=lambda sale: (sale.occurred_at, sale.version)).unit_price
