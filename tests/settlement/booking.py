"""A ledger to post in: entries as rules would make them, and hands that reach past the service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.settlement.projections.ledger import post
from shared.kernel.entries import Entry, credit, debit, entry_of
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY

HOSPITAL: Final = "H36010200001"
FAR: Final = "H36073500001"
PAYEE: Final = "91360000MA00000D14"
BANK: Final = "fund:360100:bank"
RECEIVABLE: Final = f"hospital:{HOSPITAL}:goods_receivable"
CLAIMS: Final = f"hospital:{HOSPITAL}:claims_payable"
PAYABLE: Final = f"enterprise:{PAYEE}:payable"


def an_entry(key: str, amount_fen: int = 100, *, at: datetime = MONDAY, **more: Any) -> Entry:
    """A statement's approval: Dr goods_receivable / Cr payable."""
    sides = more.pop("postings", None) or [
        debit(RECEIVABLE, amount_fen),
        credit(PAYABLE, amount_fen),
    ]
    return entry_of(key, at, sides, **more)


async def book(room: Room, *entries: Entry) -> None:
    """Post in a transaction of its own."""
    async with room.pool.acquire() as tx, tx.transaction():
        await post(tx, entries)


@asynccontextmanager
async def superuser(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody whom no right and no trigger stops."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET search_path TO settlement")
        yield connection
    finally:
        await connection.close()


async def tamper(database: str, *statements: str) -> None:
    """Do what nobody should, past every guard."""
    async with superuser(database) as connection, connection.transaction():
        for statement in statements:
            await connection.execute(statement)


async def rows(room: Room, question: str) -> Sequence[Any]:
    """What a table holds, as tuples."""
    return [tuple(row) for row in await room.pool.fetch(question)]
