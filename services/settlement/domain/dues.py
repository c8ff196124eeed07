"""What a hospital that pays by itself owes an enterprise, line by line (应付货款). Pure.

Everything here is about one hospital and one payee. The lists over many of them are SQL, held to
these functions by a test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from services.settlement.policy import PaymentTerms
from shared.kernel.quantity import amount_fen

LineKey = tuple[str, str, str]
"""Order, receipt, order line: what a receipt line is."""

State = Literal["reported", "contested", "acknowledged", "withdrawn"]

COUNTED: Final[frozenset[State]] = frozenset({"reported", "acknowledged"})
"""A payment counts until its payee says that it has not come (异议) or its reporter takes it back."""


class Accepted(NamedTuple):
    """A matched receipt line that no statement of the fund has taken (已匹配验收明细)."""

    key: LineKey
    accepted_on: date
    quantity: int
    unit_price: int


class GivenBack(NamedTuple):
    """A line of a confirmed return (已确认退货明细)."""

    return_id: str
    key: LineKey
    confirmed_on: date
    quantity: int


class Paid(NamedTuple):
    """A payment as it was reported (付款)."""

    payment_id: str
    paid_on: date
    amount_fen: int
    state: State = "reported"


class Due(NamedTuple):
    """A receipt line with what was given back and paid of it (应付明细)."""

    due_on: date
    key: LineKey
    amount_fen: int
    returned_fen: int
    paid_fen: int

    @property
    def open_fen(self) -> int:
        """What is still to be paid (未付)."""
        return max(self.amount_fen - self.returned_fen, 0) - self.paid_fen


class Dues(NamedTuple):
    """All lines, oldest due first; `credit_fen` was paid or given back beyond what is owed (余款)."""

    lines: tuple[Due, ...]
    paid_fen: int
    credit_fen: int


def due_on(accepted_on: date, terms: PaymentTerms) -> date:
    """The last day on which payment is in time (付款到期日)."""
    if terms.days is not None:
        return accepted_on + timedelta(days=terms.days)
    assert terms.months is not None
    month = accepted_on.year * 12 + accepted_on.month + terms.months
    return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


def dues_of(
    accepted: Iterable[Accepted],
    given_back: Iterable[GivenBack],
    payments: Iterable[Paid],
    terms: PaymentTerms,
    day: date,
) -> Dues:
    """What is owed as of the end of a day, on the facts dated up to it, told in any order or twice.

    Payments go to the oldest due first. What comes back of a line that was paid sets money free,
    which goes the same way: a credit is used before anything is owed (先到期先冲抵, 退货余款先用).
    """
    lines = {line.key: line for line in accepted if line.accepted_on <= day}
    returned: dict[LineKey, int] = defaultdict(int)
    for back in {(one.return_id, one.key): one for one in given_back}.values():
        # What goes back of a line that is not owed takes nothing off.
        if back.key in lines and back.confirmed_on <= day:
            returned[back.key] += amount_fen(back.quantity, lines[back.key].unit_price)
    paid_fen = sum(
        one.amount_fen
        for one in {payment.payment_id: payment for payment in payments}.values()
        if one.state in COUNTED and one.paid_on <= day
    )
    owed = sorted(
        Due(due_on(line.accepted_on, terms), key, _worth(line), returned[key], 0)
        for key, line in lines.items()
    )
    # Each return is rounded by itself, so together they may exceed their line by some fen.
    pot = paid_fen + sum(max(line.returned_fen - line.amount_fen, 0) for line in owed)
    settled = []
    for line in owed:
        part = min(line.open_fen, pot)
        pot -= part
        settled.append(line._replace(paid_fen=part))
    return Dues(tuple(settled), paid_fen, pot)


def _worth(line: Accepted) -> int:
    return amount_fen(line.quantity, line.unit_price)
