"""Reversals (红冲): an entry is undone by its mirror, once, and never otherwise. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from services.settlement.commands import ReverseEntry
from services.settlement.domain.ledger import Entry, Posting, entry_id_of, entry_of, mirrored
from shared.events.settlement import ENTRY_REVERSED, EntryReversed, PostedSide
from shared.events.topics import SETTLEMENT
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal

REVERSIBLE: Final = ("offset-", "prepayment-")
"""How the keys of those entries begin that may be reversed."""


class EntryStream(msgspec.Struct, frozen=True, array_like=True, tag="entry"):
    """A stream that is an entry's reversal: one fact, once."""

    reversed: EntryReversed


def stream_of(entry_id: str) -> str:
    """The stream of what becomes of one entry."""
    return f"entry-{entry_id}"


def key_of(entry_id: str) -> str:
    """The business key of an entry's only reversal (业务键)."""
    return f"reversal-{entry_id}"


def reverse_entry(
    state: EntryStream | None, sent: Sent, command: ReverseEntry, now: datetime
) -> Decided:
    """The mirror of the entry as a fact, dated now: closed months stay as they are (冲销)."""
    if state is not None:
        raise Refusal("conflicting_duplicate", "该凭证已冲销", "this entry was reversed before")
    if not command.key.startswith(REVERSIBLE):
        raise Refusal("not_reversible", "该凭证不能冲销", "an entry of this kind is not reversed")
    if not command.untouched:
        raise Refusal(
            "not_reversible", "该预付已动用, 不能冲销", "of this prepayment something is drawn"
        )
    fact = EntryReversed(
        entry_id=entry_id_of(key_of(command.entry_id)),
        reverses=command.entry_id,
        reason=command.reason,
        postings=[
            PostedSide(account=p.account, debit_fen=p.debit_fen, credit_fen=p.credit_fen)
            for p in mirrored([Posting(*side) for side in command.postings])
        ],
        at=now,
        by=command.by,
    )
    return Decided(
        topic=SETTLEMENT,
        type=ENTRY_REVERSED,
        fact=fact,
        at=now,
        sent=sent,
        divisions=command.division,
    )


def entry_of_reversal(fact: EntryReversed) -> Entry:
    """The reversing entry (红字凭证)."""
    return entry_of(
        key_of(fact.reverses),
        fact.at,
        [Posting(side.account, side.debit_fen, side.credit_fen) for side in fact.postings],
        reverses=fact.reverses,
    )
