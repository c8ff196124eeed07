"""One batch of the bus door in one transaction (mechanisms 4 and 6): effects, marks, checkpoints.

A fact that a handler cannot take stays small: halves of the batch are tried until it stands alone,
it is parked under its key, later ones of that key wait behind it, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from shared.events.envelope import Record, place_of
from shared.runtime.calendars import fold_calendar
from shared.runtime.desk import RETRYABLE, UNAVAILABLE
from shared.runtime.metrics import PARKED
from shared.runtime.room import Room
from shared.store.checkpoints import Fenced, Move, advance_all, meet
from shared.store.parking import Key, clear_suspect, key_of, keys_in, lock_parking, park

TRIES_MAX: Final = 5
"""After so many failures in a row even an error that may pass is taken for one that stays."""
CUT_SHORT: Final = (asyncpg.QueryCanceledError, asyncpg.IdleInTransactionSessionTimeoutError)
"""The server ended a statement or a session that took too long: somebody held a lock, or we slept."""

log = structlog.get_logger()


@dataclass(slots=True)
class Owned:
    """One partition in this process's hands; `careful` so many facts one by one."""

    cursor: str
    epoch: int
    held: bool = False
    careful: int = 0
    place: str = ""


@dataclass(slots=True)
class Taken:
    """What was read of one partition, and the cursor behind it."""

    partition: str
    owned: Owned
    records: Sequence[Record]
    cursor: str
    suspect: Record | None = None

    @property
    def facts(self) -> list[Record]:
        """All but the mark."""
        return [record for record in self.records if record.mark is None]

    @property
    def place(self) -> str:
        """The furthest in its log of all that was taken here: a relay may send older facts again."""
        return max([self.owned.place, *(one.place for one in self.records)], key=place_of)

    @property
    def mark(self) -> datetime | None:
        """The closing instant that ends it, if one does."""
        return self.records[-1].mark if self.records else None


Poison = dict[tuple[str, str], str]
"""Facts that a handler cannot take, by identity, with the reason."""


async def take(room: Room, group: str, batch: Sequence[Taken], *, failures: int = 0) -> None:
    """Fold a batch and move its checkpoints, all or nothing. Fenced: somebody else has a partition.

    Raises what may pass (a database that is away, a deadlock); what stays is parked.
    """
    try:
        await _commit(room, group, batch, {})
        return
    except (Fenced, *UNAVAILABLE):
        raise
    except (*RETRYABLE, *CUT_SHORT):
        if failures < TRIES_MAX:
            raise
    except Exception as error:
        log.warning("consumer.poison", group=group, error=f"{type(error).__name__}: {error}")
    facts = [fact for taken in batch for fact in taken.facts]
    async with room.pool.acquire() as connection:
        waiting = await keys_in(connection, [taken.partition for taken in batch])
    poison = await _find_poison(room, [], [f for f in facts if key_of(f) not in waiting], set())
    await _commit(room, group, batch, poison)


async def park_untried(room: Room, group: str, taken: Taken, reason: str) -> None:
    """Shelve a fact that is known to do harm, without trying it again."""
    poison = {_identity(fact): reason for fact in taken.facts}
    await _commit(room, group, [taken], poison)


async def _commit(room: Room, group: str, batch: Sequence[Taken], poison: Poison) -> None:
    facts = [fact for taken in batch for fact in taken.facts]
    places = [taken.place for taken in batch]
    async with room.pool.acquire() as tx, tx.transaction():
        if facts and room.service.fold is not None:
            free, shelved = await _sorted_out(tx, batch, facts, poison)
            await _fold(tx, room, free)
            await _shelve(tx, room, batch, shelved)
        marks = {} if room.service.close is None else _marks(batch)
        held = await meet(tx, group, marks)
        await _advance(tx, group, batch, places)
    for taken, place in zip(batch, places, strict=True):
        taken.owned.cursor, taken.owned.held = taken.cursor, taken.partition in held
        taken.owned.place = place


def _marks(batch: Sequence[Taken]) -> dict[str, datetime]:
    return {taken.partition: taken.mark for taken in batch if taken.mark is not None}


async def _sorted_out(
    tx: asyncpg.Connection, batch: Sequence[Taken], facts: Sequence[Record], poison: Poison
) -> tuple[Sequence[Record], list[tuple[Record, str]]]:
    """What may be folded, and what is shelved: poison, and all that waits behind a key on the shelf."""
    partitions = [taken.partition for taken in batch]
    keys = await keys_in(tx, partitions)
    if not keys and not poison:
        return facts, []
    await lock_parking(tx)
    keys = await keys_in(tx, partitions)
    free, shelved = [], []
    for fact in facts:
        if key_of(fact) in keys:
            shelved.append((fact, "等待同一键的前一事实 / waits behind an earlier fact of its key"))
        elif (reason := poison.get(_identity(fact))) is not None:
            shelved.append((fact, reason))
            keys.add(key_of(fact))
        else:
            free.append(fact)
    return free, shelved


async def _find_poison(
    room: Room, good: list[Record], facts: Sequence[Record], bad: set[Key]
) -> Poison:
    """Try halves of halves, left before right, until what fails stands alone; nothing is kept.

    Each trial is a transaction of its own that is rolled back: a handler that writes a log must find
    a transaction in which nothing has been written. What was `good` so far is tried again in front:
    facts may fail only together, and then the later one is the one that cannot be taken.
    """
    facts = [fact for fact in facts if key_of(fact) not in bad]
    error = await _trial(room, [*good, *facts]) if facts else None
    if error is None:
        good.extend(facts)
        return {}
    if len(facts) == 1:
        bad.add(key_of(facts[0]))
        return {_identity(facts[0]): f"{type(error).__name__}: {error}"}
    half = len(facts) // 2
    left = await _find_poison(room, good, facts[:half], bad)
    return left | await _find_poison(room, good, facts[half:], bad)


class _Enough(Exception):
    """Ends a trial."""


async def _trial(room: Room, facts: Sequence[Record]) -> Exception | None:
    """What these facts raise, if anything but an outage; what may pass must come again and again."""
    error: Exception | None = None
    for _ in range(TRIES_MAX):
        try:
            async with room.pool.acquire() as tx, tx.transaction():
                await _fold(tx, room, facts)
                raise _Enough
        except _Enough:
            return None
        except UNAVAILABLE:
            raise
        except (*RETRYABLE, *CUT_SHORT) as passing:
            error = passing
        except Exception as staying:
            return staying
    return error


def _identity(fact: Record) -> tuple[str, str]:
    return fact.source, fact.event_id


async def _advance(
    tx: asyncpg.Connection, group: str, batch: Sequence[Taken], places: Sequence[str]
) -> None:
    for taken in batch:
        if taken.suspect is not None:
            await clear_suspect(tx, taken.suspect)
    await advance_all(
        tx,
        group,
        [
            Move(one.partition, one.owned.epoch, one.owned.cursor, one.cursor, place)
            for one, place in zip(batch, places, strict=True)
        ],
    )


async def _fold(tx: asyncpg.Connection, room: Room, facts: Sequence[Record]) -> None:
    if facts and room.service.fold is not None:
        await room.service.fold(tx, facts, room)
        await fold_calendar(tx, facts)


async def _shelve(
    tx: asyncpg.Connection, room: Room, batch: Sequence[Taken], rows: Sequence[tuple[Record, str]]
) -> None:
    if not rows:
        return
    where = {key_of(fact): taken.partition for taken in batch for fact in taken.facts}
    await park(tx, [(where[key_of(record)], record, reason) for record, reason in rows])
    PARKED.labels(room.service.name).inc(len(rows))
    log.error(
        "consumer.parked",
        service=room.service.name,
        keys=sorted({record.stream for record, _ in rows})[:10],
        reason=rows[0][1],
    )
