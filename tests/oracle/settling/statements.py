"""A statement of a month between a hospital and its payee (对账单), its lines and its payments.

Readings
- Our ids are ours: `hospital~payee~month` (with `~held` for the second one), and lines by what they
  are made of. `naming` finds the product's ids.
- A return line's `receipt_id` is the receipt that it takes back from; its quantity is positive as
  sent, its amount negative.
- `payment` is the last one, with state `paying`, `paid` or `failed`.
- `due` holds the end of patience of the state that runs, where one runs: `{state: instant}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.settling.goods import ReceiptLine
from tests.oracle.settling.parties import pool_of

OPEN = ("draft", "hospital_confirmed")
"""Not yet confirmed: lines can still leave."""
APPROVED = ("approved", "paying", "paid")


@dataclass
class Line:
    """A receipt line, or a return of one; `goods` is the receipt line in both cases."""

    kind: str
    goods: ReceiptLine
    return_id: str | None
    quantity: str
    unit_price: str
    amount_fen: int
    state: str = "settled"

    @property
    def line_id(self) -> str:
        """A name made of what it is."""
        return "~".join((self.kind, *self.goods.key, self.return_id or ""))

    @property
    def key(self) -> tuple[str, ...]:
        """What may be settled once, ever."""
        return (self.return_id or "", *self.goods.key)

    def document(self) -> dict[str, Any]:
        """The line as the contract shows it."""
        return {
            "line_id": self.line_id,
            "kind": self.kind,
            "receipt_id": self.goods.receipt_id,
            "return_id": self.return_id,
            "order_id": self.goods.order_id,
            "order_line_id": self.goods.line_id,
            "product_id": self.goods.product_id,
            "quantity": self.quantity,
            "unit_price": self.unit_price,
            "amount_fen": self.amount_fen,
            "state": self.state,
        }


@dataclass
class Payment:
    """An order to the bank, its split fixed when it was given."""

    payment_id: str
    hospital_id: str
    from_prepaid_fen: int
    from_fund_fen: int
    state: str = "paying"
    reference: str | None = None

    def document(self) -> dict[str, Any]:
        """The payment as the contract shows it."""
        return {
            "payment_id": self.payment_id,
            "from_prepaid_fen": self.from_prepaid_fen,
            "from_fund_fen": self.from_fund_fen,
            "state": self.state,
        }


@dataclass
class Statement:
    """One (hospital, payee, month); `apart` where a suspension at the draft split it off."""

    hospital_id: str
    payee_id: str
    month: str
    apart: bool
    lines: list[Line]
    began: datetime
    carried_fen: int = 0
    carried_into: str | None = None
    state: str = "draft"
    second: bool = False
    in_held_account: bool = False
    approved_by: str | None = None
    payments: list[Payment] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def statement_id(self) -> str:
        """A name made of what it is."""
        held = "~held" if self.second else ""
        return f"{self.hospital_id}~{self.payee_id}~{self.month}{held}"

    @property
    def pair(self) -> tuple[str, str]:
        """The two whose statement it is."""
        return self.hospital_id, self.payee_id

    @property
    def settled(self) -> list[Line]:
        """The lines that count."""
        return [line for line in self.lines if line.state == "settled"]

    def sum_of(self, kind: str) -> int:
        """What the counted lines of one kind add up to."""
        return sum(line.amount_fen for line in self.settled if line.kind == kind)

    @property
    def total_fen(self) -> int:
        """Receipts, returns and what was carried here."""
        return self.sum_of("receipt") + self.sum_of("return") + self.carried_fen

    @property
    def held(self) -> bool:
        """Split off by a suspension that still stands, or its payable lies in the held account."""
        return self.apart or self.in_held_account

    def go(self, state: str, at: datetime, by: str, said: str | None = None) -> None:
        """Enter a state, and say so (or, under another name, what brought it there)."""
        self.state, self.began = state, at
        self.note(said or state, at, by)

    def note(self, type_: str, at: datetime, by: str) -> None:
        """One more item of the history."""
        self.history.append({"type": type_, "at": at, "by": by})

    def document(self) -> dict[str, Any]:
        """The statement as the contract shows it; `due` is filled in by who knows the days."""
        return {
            "statement_id": self.statement_id,
            "hospital_id": self.hospital_id,
            "payee_id": self.payee_id,
            "month": self.month,
            "pool": pool_of(self.hospital_id),
            "held": self.held,
            "state": self.state,
            "receipts_fen": self.sum_of("receipt"),
            "returns_fen": self.sum_of("return"),
            "carried_fen": self.carried_fen,
            "total_fen": self.total_fen,
            "lines": [one.document() for one in sorted(self.lines, key=lambda x: x.line_id)],
            "payment": self.payments[-1].document() if self.payments else None,
            "history": [dict(item) for item in self.history],
            "due": {},
        }
