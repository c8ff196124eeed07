"""Double entry (复式记账): accounts, postings, entries. Integer fen, both sides equal.

Rules decide entries and tables keep them, and neither knows the other: so their words stand here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from shared.kernel.codes import division_of, is_division, is_hospital_id, is_uscc

MOST_FEN: Final = 2**53 - 1
"""More than this no posting moves: every reader of JSON holds it exactly, and so does its hash."""

_ACCOUNT: Final = re.compile(
    r"(?:(fund):([0-9]{6}):bank"
    r"|(hospital):(H[0-9]{11}):(?:goods_receivable|prepaid|claims_payable)"
    r"|(enterprise):([0-9A-Z]{18}):(?:payable|held)"
    r"|(retention):(?:(H[0-9]{11}):payable|([0-9]{6}):expense))",
    re.ASCII,
)


class Unsound(ValueError):
    """An entry that no ledger takes: a fault of ours, never of a caller's (记账错误)."""


class Posting(msgspec.Struct, frozen=True):
    """One side of an entry (分录行): a debit or a credit, never both."""

    account: str
    debit_fen: int
    credit_fen: int


class Entry(msgspec.Struct, frozen=True):
    """One entry (记账凭证) under a business key that is its own for ever (业务键).

    `hospital_id` says whom it is about, where no account of it names a hospital: it decides which
    bureau and which pool see the entry.
    """

    entry_id: str
    key: str
    at: datetime
    postings: Sequence[Posting]
    reverses: str | None = None
    hospital_id: str | None = None

    @property
    def division(self) -> str:
        """The place it belongs to: its hospital's, or at least a pool's (所属区划)."""
        places = [self.hospital_id] if self.hospital_id else []
        places += [place for p in self.postings if (place := owner_of(p.account))]
        for place in places:
            if is_hospital_id(place):
                return division_of(place)
        for place in places:
            if is_division(place):
                return place
        raise Unsound(f"{self.key}: names no hospital and no pool")


def debit(account: str, amount_fen: int) -> Posting:
    """The debit side (借)."""
    return Posting(account, amount_fen, 0)


def credit(account: str, amount_fen: int) -> Posting:
    """The credit side (贷)."""
    return Posting(account, 0, amount_fen)


def entry_id_of(key: str) -> str:
    """The id of the entry under a business key; short enough for a path, however long the key."""
    return sha256(key.encode()).hexdigest()[:32]


def entry_of(
    key: str,
    at: datetime,
    postings: Sequence[Posting],
    *,
    reverses: str | None = None,
    hospital_id: str | None = None,
) -> Entry:
    """An entry whose id follows from its key."""
    return Entry(entry_id_of(key), key, at, postings, reverses, hospital_id)


def owner_of(account: str) -> str | None:
    """Whose account it is: a hospital, an enterprise or a pool; None where it is no account."""
    found = _ACCOUNT.fullmatch(account)
    if found is None:
        return None
    owner = next(part for part in (found[2], found[4], found[6], found[8], found[9]) if part)
    return None if found[5] and not is_uscc(owner) else owner


def check(entry: Entry) -> None:
    """Unsound unless its two sides are equal, its amounts fit and its accounts exist (借贷平衡)."""
    for posting in entry.postings:
        sides = sorted((posting.debit_fen, posting.credit_fen))
        if sides[0] != 0 or not 0 < sides[1] <= MOST_FEN:
            raise Unsound(f"{entry.key}: {posting} is neither a debit nor a credit")
        if owner_of(posting.account) is None:
            raise Unsound(f"{entry.key}: {posting.account} is no account")
    if len(entry.postings) < 2 or sum(p.debit_fen - p.credit_fen for p in entry.postings) != 0:
        raise Unsound(f"{entry.key}: debits and credits differ")


def mirrored(postings: Sequence[Posting]) -> list[Posting]:
    """The same with the sides changed over: what a reversal posts (红冲)."""
    return [Posting(p.account, p.credit_fen, p.debit_fen) for p in postings]


def posting_documents(postings: Sequence[Posting]) -> list[dict[str, Any]]:
    """Postings as the contract writes them."""
    return [
        {"account": p.account, "debit_fen": p.debit_fen, "credit_fen": p.credit_fen}
        for p in postings
    ]
