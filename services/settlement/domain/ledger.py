"""The ledger's words for the rules (复式记账): see `shared.kernel.entries`."""

from shared.kernel.entries import (
    MOST_FEN,
    Entry,
    Posting,
    Unsound,
    check,
    credit,
    debit,
    entry_id_of,
    entry_of,
    mirrored,
    owner_of,
    posting_documents,
)

__all__ = [
    "MOST_FEN",
    "Entry",
    "Posting",
    "Unsound",
    "check",
    "credit",
    "debit",
    "entry_id_of",
    "entry_of",
    "mirrored",
    "owner_of",
    "posting_documents",
]
