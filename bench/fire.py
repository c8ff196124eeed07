"""Deadlines that pass together: a million pending, ten thousand due at one 24:00.

Ours is what the clockwork does each second: candidates, locks, states, the decider of tickets, the
log, the rows. By hand it is one loop that knows this single case (`hand_fire`); before anything is
measured both fire the same tickets, by hand to be rolled back, and every row must be equal.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import asyncpg

from bench.hand_fire import Night, fire_by_hand
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, console, figures, interleave, summarise
from bench.pending import ROUNDS, SHARES, WORLD, PendingHouse, pending_house
from bench.polls import empty_poll_growth
from bench.scale import Scale
from shared.kernel.clock import due_day
from shared.runtime.clockwork import CHUNK, fire_due

_FACTS = """
SELECT topic, stream, version, source, event_id, type, occurred_at, recorded_at, sha256, payload,
  fact, hospital_id, distributor_id, manufacturers, divisions, traceparent
FROM events WHERE stream <> 'mark' ORDER BY stream, version"""
_ROWS = """
SELECT stream, version, state, next_due, first_position, hospital_id, addressees, ticket_state,
  level, bureau, last_due
FROM streams WHERE stream IN (SELECT stream FROM events) ORDER BY stream"""


async def fire_vs_hand(machine: Machine, scale: Scale) -> list[Line]:
    """The time of ours over that of the loop by hand; then what an idle look costs behind it."""
    begin = time.monotonic()
    house = await pending_house(machine, "ours", scale.pending)
    console.print(f"  {scale.pending:,} pending, made in {time.monotonic() - begin:.0f} s")
    house.clock.set(ROUNDS[0])
    await _compare(house)
    pairs = await _rounds(machine, scale, house)
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"fire_due, {CHUNK} tickets a transaction {figures(mine, 'tickets')}; one loop by hand, as "
        f"many, COPY and one UPDATE {figures(theirs, 'tickets')}; two facts a ticket, "
        f"{scale.pending:,} pending, {mine[0].work:,} due at one 24:00; equal rows; fsync on; "
        f"time over time"
    )
    lines = [summarise("fire_vs_hand", [b.rate / a.rate for a, b in pairs], note)]
    lines.append(await empty_poll_growth(machine, scale, house))
    await house.pool.close()
    await machine.drop("ours")
    return lines


async def _rounds(machine: Machine, scale: Scale, house: PendingHouse) -> list[tuple[Run, Run]]:
    """Each side fires a night of its own, one after the other."""
    nights = iter(ROUNDS[1:])
    due = scale.pending // SHARES

    async def ours(_: int) -> Run:
        house.clock.set(next(nights))
        return await _timed(machine, 2 * due, fire_due(house.pool, house.kit), due)

    async def by_hand(_: int) -> Run:
        house.clock.set(next(nights))
        work = fire_by_hand(house.pool, _night(house.clock.now), CHUNK)
        return await _timed(machine, due, work, due)

    return await interleave("fire_vs_hand", min(scale.rounds, 5), ours, by_hand)


async def _compare(house: PendingHouse) -> None:
    """Both sides fire the first night, by hand to be rolled back; then both are warm."""
    expected = await _undone(house.pool)
    await fire_due(house.pool, house.kit)
    found = [await house.pool.fetch(_FACTS), await house.pool.fetch(_ROWS)]
    assert len(found[0]) == 2 * len(found[1]) > 0
    for ours, by_hand in zip(found, expected, strict=True):
        for mine, theirs in zip(ours, by_hand, strict=True):
            differing = [key for key in mine.keys() if mine[key] != theirs[key]]  # noqa: SIM118
            assert not differing, "\n".join(f"{k}: {mine[k]} | {theirs[k]}" for k in differing)


class _Undo(Exception):
    """Ends a transaction."""


async def _undone(pool: asyncpg.Pool) -> list[Any]:
    found: list[Any] = []
    try:
        async with pool.acquire() as connection, connection.transaction():
            await fire_by_hand(_One(connection), _night(ROUNDS[0]), CHUNK)
            found = [await connection.fetch(_FACTS), await connection.fetch(_ROWS)]
            raise _Undo
    except _Undo:
        return found


class _One:
    """A pool of the one connection whose transaction will be undone."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def acquire(self) -> _One:
        return self

    async def __aenter__(self) -> Any:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None


def _night(due: datetime) -> Night:
    return Night(WORLD.calendar, due, due_day(due))


async def _timed(machine: Machine, made: int, work: Awaitable[int], tickets: int) -> Run:
    app, database = cpu_of_self(), machine.database_cpu
    begin = time.perf_counter()
    assert await work == made
    seconds = time.perf_counter() - begin
    return Run(tickets, seconds, cpu_of_self() - app, machine.database_cpu - database)
