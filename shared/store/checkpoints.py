"""Where a consumer stands: moved with its effects, in one transaction, under an epoch."""

from __future__ import annotations

from datetime import datetime

import asyncpg


class Fenced(Exception):
    """Another owner has taken this partition: stop, change nothing."""


async def claim(connection: asyncpg.Connection, group: str, partition: str) -> tuple[str, int]:
    """Take a partition: everybody who held it before is fenced from here on."""
    row = await connection.fetchrow(
        """INSERT INTO checkpoints (group_name, partition, epoch) VALUES ($1, $2, 1)
           ON CONFLICT (group_name, partition) DO UPDATE SET epoch = checkpoints.epoch + 1
           RETURNING cursor, epoch""",
        group,
        partition,
    )
    return row["cursor"], row["epoch"]


async def advance(
    tx: asyncpg.Connection, group: str, partition: str, *, epoch: int, old: str, new: str
) -> None:
    """Move the checkpoint by compare-and-set; no row updated = fenced."""
    moved = await tx.fetchval(
        """UPDATE checkpoints SET cursor = $5
           WHERE group_name = $1 AND partition = $2 AND epoch = $3 AND cursor = $4 RETURNING 1""",
        group,
        partition,
        epoch,
        old,
        new,
    )
    if moved is None:
        raise Fenced(f"{group} no longer owns {partition}")


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


async def is_held(connection: asyncpg.Connection, partition: str) -> bool:
    """Whether the partition waits for a close that is not done: a query, so a restart holds too."""
    return bool(
        await connection.fetchval(
            """SELECT EXISTS (SELECT FROM met m WHERE m.partition = $1
               AND NOT EXISTS (SELECT FROM closes c WHERE c.close_at = m.close_at))""",
            partition,
        )
    )


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
