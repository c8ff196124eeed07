"""Files for the bank (支付文件): issued once, with a hash over their rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from shared.events import payees as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.canonical import canonical, root
from shared.kernel.decider import Decided


class PaymentFileStream(msgspec.Struct, frozen=True, array_like=True, tag="payment-file"):
    """One file for a bank (支付文件)."""

    issued: facts.PaymentFileIssued


def stream_of(file_id: str) -> str:
    """The stream of one file."""
    return f"payment-file-{file_id}"


def hash_of_rows(salt: str, rows: Iterable[dict[str, Any]]) -> str:
    """The root over the salt and the hash of each row, in the order of the file (文件哈希).

    The last digits of an account are public, and so is nearly all else of a row: without a salt
    the number in a file of one row could be guessed until the hash fits.
    """
    return root([salt, *(sha256(canonical(row)).hexdigest() for row in rows)])


def issued(
    file_id: str, pool: str, payments: int, total_fen: int, digest: str, by: str, now: datetime
) -> Decided:
    """The file as a fact; bureaus and finance of the pool may read it."""
    fact = facts.PaymentFileIssued(
        file_id=file_id,
        pool=pool,
        payments=payments,
        total_fen=total_fen,
        sha256=digest,
        at=now,
        by=by,
    )
    return Decided(
        topic=SETTLEMENT,
        type=facts.PAYMENT_FILE_ISSUED,
        fact=fact,
        at=now,
        event_id=f"{stream_of(file_id)}-1",
        data=msgspec.to_builtins(fact),
        divisions=pool,
    )
