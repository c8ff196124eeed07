"""The sealer (账本封存): chains what was posted, behind the writers; signs a root when a day has ended.

Behind the lock of the stream `ledger` there is one sealer at a time, whatever the replicas. Nothing
before that lock assigns a transaction id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.settlement.domain.chain import (
    BLOCK_MAX,
    STREAM,
    LedgerStream,
    midnight_wanting_root,
    root_published,
    sealed,
    signed_bytes,
)
from services.settlement.domain.rules import SETTLING
from services.settlement.projections.chain import anything_unsealed, next_unsealed, write_block
from services.settlement.projections.signing import public_hex, signing_key
from services.settlement.projections.streams import find_state
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room


async def seal(room: Room) -> bool:
    """Seal what nothing can come before any more, then sign what a midnight asks for; True if any."""
    made = False
    while await anything_unsealed(room.pool) and await _seal_block(room):
        made = True
    now = await room.now()
    raw = await find_state(room.pool, STREAM)
    chain = None if raw is None else SETTLING.decode(raw)
    wants = isinstance(chain, LedgerStream) and midnight_wanting_root(chain, now) is not None
    return (wants and await _publish_root(room, now)) or made


async def _seal_block(room: Room) -> bool:
    """One block in one transaction; False where another sealer was faster."""
    now = await room.now()
    async with room.pool.acquire() as tx, tx.transaction():
        kit, batch = await behind_locks(tx, room, [STREAM], now)
        unsealed = await next_unsealed(tx, BLOCK_MAX)
        if not unsealed:
            return False
        decided = sealed(_chain(batch), [(one.entry, one.division) for one in unsealed], now)
        batch.record(STREAM, decided)
        await record(tx, kit, batch)
        await write_block(tx, decided.fact, unsealed[-1].place)
    return True


async def _publish_root(room: Room, now: datetime) -> bool:
    """A root over the whole chain as it stands, dated at the last 24:00."""
    async with room.pool.acquire() as tx, tx.transaction():
        kit, batch = await behind_locks(tx, room, [STREAM], now)
        chain = _chain(batch)
        midnight = midnight_wanting_root(chain, now)
        if chain is None or midnight is None:
            return False
        key = await signing_key(tx, room.sealing)
        message = signed_bytes(midnight, chain.entries, chain.sha256)
        batch.record(
            STREAM,
            root_published(
                chain, midnight, signature=key.sign(message).hex(), public_key=public_hex(key)
            ),
        )
        await record(tx, kit, batch)
    return True


def _chain(batch: Any) -> LedgerStream | None:
    state = batch.state_of(STREAM)
    assert state is None or isinstance(state, LedgerStream)
    return state
