"""The ledger: double entry in integer fen, append-only (复式记账).

Readings
- An entry is dated at the instant of its act or timer; a bank's `value_date` dates nothing.
- A hold that a suspension's beginning brings about is dated at that 00:00, on the day that begins.
- A posting of nothing (a split without a prepaid part) is left out; an entry of nothing is none.
- Through the interface every entry is dated now, and only a month that has ended can be closed: so
  `month_closed` cannot be met from outside. The guard stands here all the same.
- Retention's accounts take a hospital (`payable`) or a pool (`expense`); an ill-formed account is
  422 `malformed`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.oracle.calendar import end_of, local_day
from tests.oracle.settling.refusals import refuse_if, whole
from tests.oracle.uscc import is_uscc

Posting = tuple[str, int, int]
"""Account, debit, credit."""
DIVISION, HOSPITAL, USCC = r"\d{6}", r"H\d{11}", r"[0-9A-Z]{18}"
SHAPES = (
    rf"fund:{DIVISION}:bank",
    rf"hospital:{HOSPITAL}:(goods_receivable|prepaid|claims_payable)",
    rf"enterprise:{USCC}:(payable|held)",
    rf"retention:{HOSPITAL}:payable",
    rf"retention:{DIVISION}:expense",
)


@dataclass(frozen=True)
class Entry:
    """Postings that balance; `kind` and `business` say which act they belong to."""

    entry_id: str
    at: datetime
    kind: str
    business: str
    postings: tuple[Posting, ...]
    reverses: str | None = None

    def document(self) -> dict[str, Any]:
        """The entry as the contract shows it."""
        return {
            "entry_id": self.entry_id,
            "at": self.at,
            "key": f"{self.kind}:{self.business}",
            "postings": [
                {"account": account, "debit_fen": debit, "credit_fen": credit}
                for account, debit, credit in self.postings
            ],
            "reverses": self.reverses,
        }


@dataclass
class Ledger:
    """Every entry, oldest first, and the months that are closed."""

    entries: list[Entry] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)

    def post(
        self,
        at: datetime,
        kind: str,
        business: str,
        postings: Iterable[Posting],
        reverses: str | None = None,
    ) -> None:
        """Append an entry; a closed month takes none."""
        refuse_if(f"{local_day(at):%Y-%m}" in self.closed, 409, "month_closed")
        rows = tuple(row for row in postings if row[1] or row[2])
        if sum(row[1] for row in rows) != sum(row[2] for row in rows):
            raise AssertionError(f"out of balance: {rows}")
        if any(debit < 0 or credit < 0 for _, debit, credit in rows):
            raise AssertionError(f"below zero: {rows}")
        if rows:
            key = f"E{len(self.entries) + 1}"
            self.entries.append(Entry(key, at, kind, business, rows, reverses))

    def account(self, account: str, as_of: date | None = None) -> dict[str, Any]:
        """Both sides of an account, up to the end of a day; zeros where it was never used."""
        whole(any(re.fullmatch(shape, account, re.ASCII) for shape in SHAPES))
        whole(not account.startswith("enterprise:") or is_uscc(account.split(":")[1]))
        until = end_of(as_of) if as_of else None
        rows = [
            posting
            for entry in self.entries
            if until is None or entry.at < until
            for posting in entry.postings
            if posting[0] == account
        ]
        debit, credit = sum(row[1] for row in rows), sum(row[2] for row in rows)
        return {
            "account": account,
            "debit_fen": debit,
            "credit_fen": credit,
            "balance_fen": debit - credit,
        }

    def accounts(self) -> list[str]:
        """Every account that was ever used."""
        return sorted({row[0] for entry in self.entries for row in entry.postings})
