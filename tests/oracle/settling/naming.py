"""Our ids and the product's: found by what a thing is, so that requests and answers can be compared.

The ids of statements, lines, payments, disputes and entries are the product's own; ours are made of
what they name. `Names` learns the pairs from documents of both, and turns a request of ours into one
that the product understands. `plain` is what of a statement the contract fixes, without any id of ours.

Readings
- Of a history only the instants of `reminded` are compared, for only that item's name is written.
- Quantities and prices are echoed as sent; they are compared as decimals all the same.
- Two entries of one instant with the same postings cannot be told apart, and need not be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.oracle.wire import parse_time

Document = dict[str, Any]
SUMS = ("receipts_fen", "returns_fen", "carried_fen", "total_fen")
SAME = ("hospital_id", "payee_id", "month", "pool", "held", "state", *SUMS)


def line_key(line: Document) -> tuple[str, ...]:
    """What a statement line is, whoever shows it."""
    names = ("kind", "order_id", "receipt_id", "order_line_id", "return_id")
    return tuple(str(line[name] or "") for name in names)


def statement_key(document: Document) -> tuple[Any, ...]:
    """What a statement is; of two of one month each has lines of its own."""
    lines = frozenset(line_key(line) for line in document["lines"])
    return document["hospital_id"], document["payee_id"], document["month"], lines


def entry_key(document: Document) -> tuple[Any, ...]:
    """What an entry is."""
    at = document["at"] if isinstance(document["at"], datetime) else parse_time(document["at"])
    rows = [(row["account"], row["debit_fen"], row["credit_fen"]) for row in document["postings"]]
    return at, tuple(sorted(rows))


def plain(document: Document) -> Document:
    """A statement as it can be compared."""
    lines = sorted(
        (
            *line_key(line),
            line["product_id"],
            Fraction(line["quantity"]),
            Fraction(line["unit_price"]),
            line["amount_fen"],
            line["state"],
        )
        for line in document["lines"]
    )
    payment = document["payment"]
    split = payment and (payment["from_prepaid_fen"], payment["from_fund_fen"])
    reminded = sorted(
        one["at"] if isinstance(one["at"], datetime) else parse_time(one["at"])
        for one in document["history"]
        if one["type"] == "reminded"
    )
    same = {name: document[name] for name in SAME}
    return same | {"lines": lines, "payment": split, "reminded": reminded}


@dataclass
class Names:
    """Ours to theirs; what is not known is the same in both."""

    theirs: dict[str, str] = field(default_factory=dict)

    def learn_statements(self, ours: Iterable[Document], theirs: Iterable[Document]) -> None:
        """Statements with their lines and last payments; raises where one of ours is missing."""
        found = {statement_key(one): one for one in theirs}
        for mine in ours:
            other = found[statement_key(mine)]
            self.theirs[mine["statement_id"]] = other["statement_id"]
            lines = {line_key(line): line["line_id"] for line in other["lines"]}
            for line in mine["lines"]:
                self.theirs[line["line_id"]] = lines[line_key(line)]
            if mine["payment"] and other["payment"]:
                self.theirs[mine["payment"]["payment_id"]] = other["payment"]["payment_id"]

    def learn_dispute(self, ours: Document, theirs: Document) -> None:
        """The two answers to one dispute."""
        self.theirs[ours["dispute_id"]] = theirs["dispute_id"]

    def learn_entries(self, ours: Iterable[Document], theirs: Iterable[Document]) -> None:
        """Entries by instant and postings, each of theirs once; raises where one is missing."""
        left: dict[tuple[Any, ...], list[str]] = {}
        for other in theirs:
            left.setdefault(entry_key(other), []).append(other["entry_id"])
        for mine in ours:
            known, same = self.theirs.get(mine["entry_id"]), left[entry_key(mine)]
            chosen = known if known in same else same[0]
            same.remove(chosen)
            self.theirs[mine["entry_id"]] = chosen

    def turned(self, value: Any) -> Any:
        """A path or a body of ours in their ids."""
        if isinstance(value, dict):
            return {key: self.turned(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.turned(one) for one in value]
        if isinstance(value, str):
            return "/".join(self.theirs.get(part, part) for part in value.split("/"))
        return value
