"""The ledger put to the proof (账本核验): every entry, every link, every balance, every root.

The log tells what was sealed, block by block, and what was signed; the tables must hold the same.
Whoever rewrites both meets the signed roots, and the copies of the log that others have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from services.settlement.domain.chain import (
    STREAM,
    LedgerStream,
    block_hash,
    entry_hash,
    evolve,
    signed_bytes,
)
from services.settlement.projections.signing import ALGORITHM, is_signed, known_keys
from services.settlement.projections.witness import (
    Standing,
    block_standing,
    end_of_chain,
    placed_at,
    slipped_in,
    standing,
    told,
    wrong_balances,
)
from shared.events.settlement import BlockSealed, RootPublished, SealedEntry
from shared.runtime.room import Room

Fault = Literal[
    "missing", "changed", "misplaced", "chain", "root", "unknown", "truncated", "balance"
]
"""What is wrong first: an entry that is gone or says something else; its place; a block's hash; a
signed root; an entry nobody has sealed; a log that ends too soon; a running sum."""


@dataclass(frozen=True, slots=True)
class Bad:
    """The first entry that does not hold, and why; without an entry where none can be named."""

    entry_id: str | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found (核验结果)."""

    entries: int
    bad: Bad | None
    balances: list[str]


async def seal(room: Room) -> None:
    """Do at once what is else done every second: nothing that is asked for lags behind."""
    if room.service.each_round is not None:
        await room.service.each_round(room)


async def verify(room: Room) -> Proof:
    """Seal what can be sealed, then recompute everything from the first entry on."""
    await seal(room)
    async with room.pool.acquire() as connection:
        return await prove(connection)


async def prove(connection: Any) -> Proof:
    """Recompute everything that is sealed; only reads, in the schema of this service."""
    chain, bad = await _walk(connection)
    if bad is None and (slipped := await slipped_in(connection)) is not None:
        bad = Bad(slipped, "unknown")
    balances = list(await wrong_balances(connection))
    if bad is None and balances:
        bad = Bad(None, "balance")
    return Proof(chain.entries, bad, balances)


async def _walk(connection: Any) -> tuple[LedgerStream, Bad | None]:
    """The chain as the log tells it, and where the tables first say otherwise."""
    end = await end_of_chain(connection, STREAM)
    keys = await known_keys(connection)
    chain, rooted, last = LedgerStream(), 0, 0
    async for version, fact in told(connection, STREAM, end.told):
        if version != last + 1:
            return chain, Bad(await placed_at(connection, chain.entries + 1), "truncated")
        if isinstance(fact, BlockSealed):
            bad = await _block(connection, chain, fact)
            if bad is not None:
                return chain, bad
        elif not _holds(chain, fact, keys):
            return chain, Bad(await placed_at(connection, rooted + 1), "root")
        else:
            rooted = fact.entries
        chain, last = evolve(chain, fact), version
    if last != end.told or (chain.blocks, chain.entries) != (end.blocks, end.entries):
        return chain, Bad(await placed_at(connection, chain.entries + 1), "truncated")
    return chain, None


async def _block(connection: Any, chain: LedgerStream, fact: BlockSealed) -> Bad | None:
    """One block: each of its entries in its place, then the block's own hash."""
    first = fact.first_seq
    for seq, (one, held) in enumerate(
        zip(fact.entries, await standing(connection, fact), strict=True), first
    ):
        fault = _fault(seq, one, held)
        if fault is not None:
            return Bad(one.entry_id, fault)
    hashes = [one.sha256 for one in fact.entries]
    held_block = await block_standing(connection, fact.number)
    links = (fact.number, first, fact.previous) == (
        chain.blocks + 1,
        chain.entries + 1,
        chain.sha256,
    )
    whole = (block_hash(chain.sha256, hashes), first + len(hashes) - 1)
    if not links or fact.root != whole[0] or held_block != whole:
        return Bad(fact.entries[0].entry_id, "chain")
    return None


def _fault(seq: int, told_: SealedEntry, held: Standing) -> Fault | None:
    """What is wrong with one entry; in this order, so that a deletion is not called a change."""
    if held.entry is None:
        return "missing"
    if entry_hash(held.entry, seq, held.division) != told_.sha256:
        return "changed"
    if (held.placed, held.placed_sha256) != (told_.entry_id, told_.sha256):
        return "misplaced"
    return None


def _holds(chain: LedgerStream, fact: RootPublished, keys: set[str]) -> bool:
    """Whether a published root is the chain's, signed with a key of ours."""
    message = signed_bytes(fact.at, fact.entries, fact.root)
    return (
        (fact.blocks, fact.entries, fact.root) == (chain.blocks, chain.entries, chain.sha256)
        and fact.algorithm == ALGORITHM
        and fact.public_key in keys
        and is_signed(fact.public_key, fact.signature, message)
    )
