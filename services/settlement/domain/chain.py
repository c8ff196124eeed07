"""The chain over the ledger (存证链): each entry's hash in its place, blocks of them, signed roots. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from services.settlement.domain.ledger import Entry, posting_documents
from shared.events.settlement import (
    BLOCK_SEALED,
    ROOT_PUBLISHED,
    BlockSealed,
    RootPublished,
    SealedEntry,
)
from shared.events.topics import SETTLEMENT
from shared.kernel.canonical import canonical, root
from shared.kernel.clock import day_start, due_day, local_day, utc_text
from shared.kernel.decider import Decided

STREAM: Final = "ledger"
GENESIS: Final = "0" * 64
"""What the first block stands on."""
BLOCK_MAX: Final = 1000


class LedgerStream(msgspec.Struct, frozen=True, array_like=True, tag="ledger"):
    """How far the ledger is sealed (封存进度), and since when a root is wanted.

    `unrooted` is the instant of the earliest entry behind the last root.
    """

    blocks: int = 0
    entries: int = 0
    sha256: str = GENESIS
    root_at: datetime | None = None
    unrooted: datetime | None = None


def hashed_form(entry: Entry, seq: int, division: str) -> dict[str, Any]:
    """What an entry's hash covers (凭证哈希范围): all that the ledger says of it, and its place."""
    return {
        "seq": seq,
        "entry_id": entry.entry_id,
        "key": entry.key,
        "at": utc_text(entry.at),
        "division": division,
        "postings": posting_documents(entry.postings),
        "reverses": entry.reverses,
    }


def entry_hash(entry: Entry, seq: int, division: str) -> str:
    """The hash of an entry in its place: two that change places are both seen (凭证哈希)."""
    return sha256(canonical(hashed_form(entry, seq, division))).hexdigest()


def block_hash(previous: str, hashes: Sequence[str]) -> str:
    """The hash of a block: over the previous block's and its entries', in their order (区块哈希)."""
    return root([previous, *hashes])


def sealed(
    chain: LedgerStream | None, entries: Sequence[tuple[Entry, str]], at: datetime
) -> Decided:
    """The next block over these entries, each with its division (封存)."""
    chain = chain or LedgerStream()
    hashes = [
        entry_hash(entry, chain.entries + n, division)
        for n, (entry, division) in enumerate(entries, 1)
    ]
    fact = BlockSealed(
        number=chain.blocks + 1,
        at=at,
        first_seq=chain.entries + 1,
        previous=chain.sha256,
        root=block_hash(chain.sha256, hashes),
        earliest=min(entry.at for entry, _ in entries),
        entries=[
            SealedEntry(entry_id=entry.entry_id, sha256=hash_)
            for (entry, _), hash_ in zip(entries, hashes, strict=True)
        ],
    )
    return Decided(
        topic=SETTLEMENT,
        type=BLOCK_SEALED,
        fact=fact,
        at=at,
        event_id=f"ledger-block-{fact.number}",
        data=_data(fact),
    )


def midnight_wanting_root(chain: LedgerStream | None, now: datetime) -> datetime | None:
    """The last 24:00, where entries of the days before it stand under no root yet (每日根)."""
    if chain is None or chain.unrooted is None:
        return None
    midnight = day_start(local_day(now))
    if chain.unrooted >= midnight or (chain.root_at is not None and chain.root_at >= midnight):
        return None
    return midnight


def signed_bytes(at: datetime, entries: int, root_: str) -> bytes:
    """What the signature of a root covers (签名内容): RFC 8785 JSON of these three members."""
    return canonical({"at": utc_text(at), "entries": entries, "root": root_})


def root_published(
    chain: LedgerStream, midnight: datetime, *, signature: str, public_key: str
) -> Decided:
    """The whole chain as it stands, dated at the 24:00 it closes (根哈希发布)."""
    fact = RootPublished(
        day=due_day(midnight).isoformat(),
        at=midnight,
        blocks=chain.blocks,
        entries=chain.entries,
        root=chain.sha256,
        algorithm="Ed25519",
        signature=signature,
        public_key=public_key,
    )
    return Decided(
        topic=SETTLEMENT,
        type=ROOT_PUBLISHED,
        fact=fact,
        at=midnight,
        event_id=f"ledger-root-{fact.day}",
        data=_data(fact),
    )


def evolve(chain: LedgerStream | None, fact: BlockSealed | RootPublished) -> LedgerStream:
    """The chain one block longer, or rooted."""
    chain = chain or LedgerStream()
    if isinstance(fact, RootPublished):
        return msgspec.structs.replace(chain, root_at=fact.at, unrooted=None)
    return LedgerStream(
        blocks=fact.number,
        entries=fact.first_seq + len(fact.entries) - 1,
        sha256=fact.root,
        root_at=chain.root_at,
        unrooted=min(chain.unrooted or fact.earliest, fact.earliest),
    )


def _data(fact: BlockSealed | RootPublished) -> Mapping[str, Any]:
    """The fact as plain JSON, its instants as the contract writes them."""
    data: dict[str, Any] = msgspec.to_builtins(fact)
    for name in ("at", "earliest"):
        if name in data:
            data[name] = utc_text(getattr(fact, name))
    return data
