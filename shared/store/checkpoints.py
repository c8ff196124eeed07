"""Where a consumer stands: moved with its effects, in one transaction, under an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg


class Fenced(Exception):
    """Another owner has taken this partition: stop, change nothing."""

    def __init__(self, group: str, partition: str) -> None:
        super().__init__(f"{group} no longer owns {partition}")
        self.partition = partition


class Claim(NamedTuple):
    """A partition taken: where to go on, under which epoch, and whether to tread carefully.

    `claims` counts how often it was taken without a single step since: processes may be dying.
    """

    cursor: str
    epoch: int
    claims: int


async def claim(connection: asyncpg.Connection, group: str, partition: str) -> Claim:
    """Take a partition: everybody who held it before is fenced from here on."""
    row = await connection.fetchrow(
        """INSERT INTO checkpoints (group_name, partition, epoch, claims) VALUES ($1, $2, 1, 1)
           ON CONFLICT (group_name, partition) DO UPDATE
           SET epoch = checkpoints.epoch + 1, claims = checkpoints.claims + 1
           RETURNING cursor, epoch, claims""",
        group,
        partition,
    )
    return Claim(row["cursor"], row["epoch"], row["claims"])


async def advance(
    tx: asyncpg.Connection, group: str, partition: str, *, epoch: int, old: str, new: str
) -> None:
    """Move the checkpoint by compare-and-set; no row updated = fenced."""
    moved = await tx.fetchval(
        """UPDATE checkpoints SET cursor = $5, claims = 0
           WHERE group_name = $1 AND partition = $2 AND epoch = $3 AND cursor = $4 RETURNING 1""",
        group,
        partition,
        epoch,
        old,
        new,
    )
    if moved is None:
        raise Fenced(group, partition)


async def begin_at(connection: asyncpg.Connection, group: str, cursors: Mapping[str, str]) -> None:
    """Where a group without a past begins; a partition that has a checkpoint keeps it."""
    await connection.executemany(
        """INSERT INTO checkpoints (group_name, partition, cursor) VALUES ($1, $2, $3)
           ON CONFLICT (group_name, partition) DO NOTHING""",
        [(group, partition, cursor) for partition, cursor in sorted(cursors.items())],
    )


async def meet(tx: asyncpg.Connection, group: str, partition: str, mark: datetime) -> bool:
    """Note that this partition has met a mark; False for one met before (a repeat)."""
    fresh = await tx.fetchval(
        """UPDATE checkpoints SET last_mark = $3 WHERE group_name = $1 AND partition = $2
           AND (last_mark IS NULL OR last_mark < $3) RETURNING 1""",
        group,
        partition,
        mark,
    )
    if fresh is not None:
        await tx.execute(
            "INSERT INTO met (close_at, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            mark,
            partition,
        )
    return fresh is not None


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
