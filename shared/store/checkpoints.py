"""Where a consumer stands: moved with its effects, in one transaction, under an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from shared.events.envelope import Place, place_of


class Fenced(Exception):
    """Another owner has taken this partition: stop, change nothing."""

    def __init__(self, group: str, partition: str) -> None:
        super().__init__(f"{group} no longer owns {partition}")
        self.partition = partition


class Claim(NamedTuple):
    """A partition taken: where to go on, under which epoch, and whether to tread carefully.

    `claims` counts how often it was taken without a single step since, and not given back: so many
    processes may have died of it. `place` is the furthest in its log of what was taken here.
    """

    cursor: str
    epoch: int
    claims: int
    place: str = ""


async def claim(connection: asyncpg.Connection, group: str, partition: str) -> Claim:
    """Take a partition: everybody who held it before is fenced from here on."""
    row = await connection.fetchrow(
        """INSERT INTO checkpoints (group_name, partition, epoch, claims) VALUES ($1, $2, 1, 1)
           ON CONFLICT (group_name, partition) DO UPDATE
           SET epoch = checkpoints.epoch + 1, claims = checkpoints.claims + 1
           RETURNING cursor, epoch, claims, place""",
        group,
        partition,
    )
    return Claim(row["cursor"], row["epoch"], row["claims"], row["place"])


async def give_back(connection: asyncpg.Connection, group: str, partitions: Sequence[str]) -> None:
    """Say that we had these and live: a group that is rearranged must not look like one that dies."""
    await connection.execute(
        """UPDATE checkpoints c SET claims = c.claims - 1
           FROM (SELECT group_name, partition FROM checkpoints
                 WHERE group_name = $1 AND partition = ANY($2) AND claims > 0
                 ORDER BY partition FOR UPDATE) ours
           WHERE c.group_name = ours.group_name AND c.partition = ours.partition AND c.claims > 0""",
        group,
        list(partitions),
    )


class Move(NamedTuple):
    """One partition's step: from the cursor that was read to the one behind the batch.

    Cursors are the bus's own; `place` says the same in words of the log, whatever the bus.
    """

    partition: str
    epoch: int
    old: str
    new: str
    place: str = ""


async def advance(
    tx: asyncpg.Connection, group: str, partition: str, *, epoch: int, old: str, new: str
) -> None:
    """Move one checkpoint."""
    await advance_all(tx, group, [Move(partition, epoch, old, new)])


async def advance_all(tx: asyncpg.Connection, group: str, moves: Sequence[Move]) -> None:
    """Move checkpoints by compare-and-set, locked in the order of their names; one not moved = fenced."""
    partitions, epochs, olds, news, places = map(list, zip(*moves, strict=True))
    rows = await tx.fetch(
        """WITH mine AS (
             SELECT c.group_name, c.partition, u.new, u.place FROM checkpoints c
             JOIN unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
               AS u (partition, epoch, old, new, place) USING (partition)
             WHERE c.group_name = $1 AND c.epoch = u.epoch AND c.cursor = u.old
             ORDER BY c.partition FOR UPDATE OF c)
           UPDATE checkpoints c SET cursor = mine.new, place = mine.place, claims = 0 FROM mine
           WHERE c.group_name = mine.group_name AND c.partition = mine.partition
           RETURNING c.partition""",
        group,
        partitions,
        epochs,
        olds,
        news,
        places,
    )
    moved = {row["partition"] for row in rows}
    for partition in sorted(partitions):
        if partition not in moved:
            raise Fenced(group, partition)


async def places_of(connection: Any, group: str) -> dict[str, Place]:
    """How far in its log each checkpoint of a group stands; a cursor in a log is its place there."""
    rows = await connection.fetch(
        "SELECT partition, cursor, place FROM checkpoints WHERE group_name = $1", group
    )
    return {
        row["partition"]: place_of(row["place"] if ":" in row["partition"] else row["cursor"])
        for row in rows
    }


async def begin_at(connection: asyncpg.Connection, group: str, cursors: Mapping[str, str]) -> None:
    """Where a group without a past begins; a partition that has a checkpoint keeps it."""
    await connection.executemany(
        """INSERT INTO checkpoints (group_name, partition, cursor) VALUES ($1, $2, $3)
           ON CONFLICT (group_name, partition) DO NOTHING""",
        [(group, partition, cursor) for partition, cursor in sorted(cursors.items())],
    )


async def meet(tx: asyncpg.Connection, group: str, marks: Mapping[str, datetime]) -> set[str]:
    """Note which mark each partition has met; those for which it is new (another is a repeat)."""
    if not marks:
        return set()
    rows = await tx.fetch(
        """WITH due AS (
             SELECT c.group_name, c.partition, u.mark FROM checkpoints c
             JOIN unnest($2::text[], $3::timestamptz[]) AS u (partition, mark) USING (partition)
             WHERE c.group_name = $1 AND (c.last_mark IS NULL OR c.last_mark < u.mark)
             ORDER BY c.partition FOR UPDATE OF c),
           fresh AS (
             UPDATE checkpoints c SET last_mark = due.mark FROM due
             WHERE c.group_name = due.group_name AND c.partition = due.partition
             RETURNING c.partition, c.last_mark),
           noted AS (
             INSERT INTO met (close_at, partition) SELECT last_mark, partition FROM fresh
             ON CONFLICT DO NOTHING)
           SELECT partition FROM fresh""",
        group,
        list(marks),
        list(marks.values()),
    )
    return {row["partition"] for row in rows}


async def close_done(
    tx: asyncpg.Connection, at: datetime, *, ran_at: datetime, parked: Sequence[str]
) -> None:
    """The close of this instant is done, once; the partitions that met it may go on."""
    await tx.execute(
        """WITH gone AS (DELETE FROM met WHERE close_at = $1)
           INSERT INTO closes (close_at, ran_at, parked) VALUES ($1, $2, $3)""",
        at,
        ran_at,
        list(parked),
    )


async def held_among(connection: asyncpg.Connection, partitions: Sequence[str]) -> set[str]:
    """Those that wait for a close that is not done: a query, so a restart holds them too."""
    rows = await connection.fetch(
        """SELECT DISTINCT partition FROM met m WHERE partition = ANY($1)
           AND NOT EXISTS (SELECT FROM closes c WHERE c.close_at = m.close_at)""",
        list(partitions),
    )
    return {row["partition"] for row in rows}


async def lowest_complete(
    tx: asyncpg.Connection, group: str, partitions: list[str]
) -> datetime | None:
    """The earliest instant that every partition has met or passed and whose close is not done.

    A log that began later has no mark at an early instant: having passed it counts.
    """
    at: datetime | None = await tx.fetchval(
        """SELECT min(m.close_at) FROM met m
           WHERE NOT EXISTS (SELECT FROM closes c WHERE c.close_at = m.close_at)
             AND (SELECT count(*) FROM checkpoints p WHERE p.group_name = $1
                  AND p.partition = ANY($2) AND p.last_mark >= m.close_at) = $3""",
        group,
        partitions,
        len(partitions),
    )
    return at
