"""The ledger as stored (总账): posting under keys that are unique for ever.

The database itself holds that entries balance, that closed months take nothing and that nothing is
ever changed; here a repeated entry is told from a contradicting one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from shared.kernel.entries import Entry, Posting, Unsound, check

UNBALANCED: Final = "JC001"
CLOSED: Final = "JC002"
"""What the triggers of 0002_ledger.sql raise."""

_INSERT: Final = """
INSERT INTO entries (entry_id, key, at, division, reverses, epoch)
SELECT u.*, h.epoch FROM log_head h,
    unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]) u
ON CONFLICT (key) DO NOTHING RETURNING key"""

_STORED: Final = """
SELECT e.key, e.entry_id, e.reverses, p.account, p.debit_fen, p.credit_fen
FROM entries e JOIN postings p USING (entry_id) WHERE e.key = ANY($1) ORDER BY e.key, p.line"""

_POSTING_COLUMNS: Final = ("entry_id", "line", "account", "debit_fen", "credit_fen")


class KeyTaken(Exception):
    """The business key stands under other content: nothing was posted (业务键冲突)."""


class MonthClosed(Exception):
    """The month that an entry is dated in takes none any more (已结账)."""


async def post(tx: Any, entries: Sequence[Entry]) -> None:
    """Post in the caller's transaction; an entry that stands under its key already stays as it is.

    Raises KeyTaken where it stands with other content, MonthClosed, and Unsound for a fault of ours.
    What is wrong with one entry is wrong with all: the caller's transaction ends.
    """
    if not entries:
        return
    wanted = _by_key(entries)
    # Sorted by key, so that two who post the same entries wait for each other in one order.
    rows = [(e.entry_id, key, e.at, e.division, e.reverses) for key, e in sorted(wanted.items())]
    try:
        new = await tx.fetch(_INSERT, *map(list, zip(*rows, strict=True)))
    except asyncpg.PostgresError as error:
        if error.sqlstate == CLOSED:
            raise MonthClosed(str(error)) from None
        raise
    keys = {row["key"] for row in new}
    postings = [
        (entry.entry_id, line, p.account, p.debit_fen, p.credit_fen)
        for key, entry in wanted.items()
        if key in keys
        for line, p in enumerate(entry.postings, 1)
    ]
    if postings:
        await tx.copy_records_to_table("postings", columns=_POSTING_COLUMNS, records=postings)
    if len(keys) < len(wanted):
        await _compare(tx, {key: entry for key, entry in wanted.items() if key not in keys})


def _by_key(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Each entry once; the same key twice with other content is refused before anything is written."""
    wanted: dict[str, Entry] = {}
    for entry in entries:
        check(entry)
        first = wanted.setdefault(entry.key, entry)
        if not _is_same(first, entry.entry_id, entry.reverses, entry.postings):
            raise KeyTaken(entry.key)
    return wanted


async def _compare(tx: Any, wanted: dict[str, Entry]) -> None:
    """What stands under these keys says the same, its instant apart: the first one counts."""
    stored: dict[str, tuple[str, str | None, list[Posting]]] = {}
    for row in await tx.fetch(_STORED, list(wanted)):
        one = stored.setdefault(row["key"], (row["entry_id"], row["reverses"], []))
        one[2].append(Posting(row["account"], row["debit_fen"], row["credit_fen"]))
    for key, entry in wanted.items():
        if key not in stored:
            raise Unsound(f"{key}: an entry without postings")
        if not _is_same(entry, *stored[key]):
            raise KeyTaken(key)


def _is_same(
    entry: Entry, entry_id: str, reverses: str | None, postings: Sequence[Posting]
) -> bool:
    return (
        entry.entry_id == entry_id
        and entry.reverses == reverses
        and list(entry.postings) == list(postings)
    )


async def close_month(tx: Any, month: str, at: datetime, by: str) -> None:
    """Close a month, yyyy-MM, behind every writer that is in it now (月结)."""
    await tx.execute(
        "INSERT INTO closed_months (month, closed_at, closed_by) VALUES ($1, $2, $3)", month, at, by
    )
