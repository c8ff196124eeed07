"""Entries into the ledger against transfers row by row with running balances, as plain SQL does them.

Ours is `projections.ledger.post`, as every step of settlement calls it: unique keys, append-only,
and the database itself asks of each entry whether it balances. Balances are sums, kept by the
sealer behind it, so no account is ever waited for.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import asyncpg

from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE
from bench.scale import Scale
from bench.settling_town import AT
from bench.town import DISTRIBUTORS, HOSPITALS
from services.settlement.projections.ledger import post
from shared.kernel.entries import Entry, credit, debit, entry_of
from shared.store.database import open_pool

_SCHEMA = Path(__file__).with_name("transfers.sql")
_A_CALL = 1000
_A_CALL_BY_HAND = 100
"""As its own batch function is called; a larger one is no faster."""


async def post_vs_transfers(machine: Machine, scale: Scale) -> list[Line]:
    """One caller on both sides; accounts of 50 hospitals and 24 distributors."""
    pool = await open_pool(await machine.create("ours", TEMPLATE), "settlement", size=1)
    connection = await asyncpg.connect(await machine.create("reference"))
    await connection.execute(_SCHEMA.read_text("utf-8"))
    accounts = [*map(_receivable, HOSPITALS), *map(_payable, DISTRIBUTORS)]
    await connection.execute("INSERT INTO accounts (id) SELECT unnest($1::text[])", accounts)
    numbers, random = itertools.count(), Random("posting")

    async def ours(_: int) -> Run:
        entries = [_entry(next(numbers), random) for _ in range(scale.posted)]
        return await _timed(machine, scale.posted, lambda: _post(pool, entries))

    async def by_hand(_: int) -> Run:
        moves = [
            (_receivable(random.choice(HOSPITALS)), _payable(random.choice(DISTRIBUTORS)), 12_500)
            for _ in range(scale.posted // 5)
        ]
        return await _timed(machine, len(moves), lambda: _transfer(connection, moves))

    await ours(0)
    await by_hand(0)
    pairs = await interleave("post_vs_transfers", scale.rounds, ours, by_hand)
    await connection.close()
    await pool.close()
    for database in ("ours", "reference"):
        await machine.drop(database)
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"ledger of settlement, {_A_CALL} entries of two postings a transaction, "
        f"{figures(mine, 'entries')}; a function that moves balances row by row, {_A_CALL_BY_HAND} "
        f"a call, {figures(theirs, 'transfers')}; one caller each; fsync on"
    )
    return [summarise("post_vs_transfers", rates(pairs), note)]


def _receivable(hospital: str) -> str:
    return f"hospital:{hospital}:goods_receivable"


def _payable(enterprise: str) -> str:
    return f"enterprise:{enterprise}:payable"


def _entry(number: int, random: Random) -> Entry:
    fen = 1_250_000
    sides = [
        debit(_receivable(random.choice(HOSPITALS)), fen),
        credit(_payable(random.choice(DISTRIBUTORS)), fen),
    ]
    return entry_of(f"approval-2026-03-{number}", AT, sides)


async def _post(pool: asyncpg.Pool, entries: list[Entry]) -> None:
    for first in range(0, len(entries), _A_CALL):
        async with pool.acquire() as tx, tx.transaction():
            await post(tx, entries[first : first + _A_CALL])


async def _transfer(connection: asyncpg.Connection, moves: list[tuple[str, str, int]]) -> None:
    for first in range(0, len(moves), _A_CALL_BY_HAND):
        some = moves[first : first + _A_CALL_BY_HAND]
        await connection.execute(
            "SELECT transfer($1, $2, $3::bigint[]::numeric[])", *map(list, zip(*some, strict=True))
        )


async def _timed(machine: Machine, count: int, work: Callable[[], Awaitable[None]]) -> Run:
    app, database = cpu_of_self(), machine.database_cpu
    begin = time.perf_counter()
    await work()
    seconds = time.perf_counter() - begin
    return Run(count, seconds, cpu_of_self() - app, machine.database_cpu - database)
