"""Where a service stands (运行状况): its backlog, its shelf, its barriers, its deadlines.

Read-only and cheap, for operators: asked at every scrape and by `jicai status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg

from shared.store.horizon import Cursor

LAG_MAX: Final = 100_000
"""Counting stops here: whoever is further behind is shown as this far behind."""

_BEHIND: Final = """SELECT count(*) FROM (
    SELECT FROM {log}.events WHERE (xid, position) > ($1::text::xid8, $2::bigint) LIMIT $3) b"""


@dataclass(slots=True)
class Standing:
    """One service at one moment; an empty `lag` means that it consumes nothing."""

    service: str
    lag: dict[str, int] = field(default_factory=dict)
    relay_lag: int | None = None
    parked_keys: int = 0
    held_partitions: int = 0
    held_since: datetime | None = None
    deadlines: int = 0
    next_due: datetime | None = None


async def standing_of(
    connection: asyncpg.Connection,
    service: str,
    sources: Sequence[str],
    *,
    relay: str,
    ends: Mapping[str, str] | None = None,
    count_deadlines: bool = False,
) -> Standing:
    """What stands in one service's schema, `sources` being the logs it listens to.

    Over Kafka `ends` gives the cursor at the end of each partition, by the name that its checkpoint
    bears (`topic/number:log`), and `relay` is the group under which the relay keeps its own; without
    it checkpoints are cursors in logs. Deadlines are counted only where that is asked for.
    """
    found = Standing(service)
    cursors = {
        (row["group_name"], row["partition"]): row["cursor"]
        for row in await connection.fetch(
            f"SELECT group_name, partition, cursor FROM {service}.checkpoints"
        )
    }
    if ends is None:
        for log in sources:
            found.lag[log] = await _behind(connection, log, cursors.get((service, log), ""))
    else:
        found.lag = _lag_by_topic(
            {
                partition: max(0, int(end) - int(cursors.get((service, partition)) or 0))
                for partition, end in ends.items()
            }
        )
    if ends is not None:
        found.relay_lag = await _behind(connection, service, cursors.get((relay, service), ""))
    await _shelf_and_barriers(connection, found)
    await _deadlines(connection, found, count_deadlines)
    return found


async def horizon_age(connection: asyncpg.Connection) -> float:
    """Seconds since the oldest transaction that has an xid began: every reader waits for it.

    Transactions that have only read hold nobody up. Those of other users are seen by a role with
    `pg_read_all_stats`.
    """
    age: float = await connection.fetchval(
        """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - began)), 0)::float8
           FROM (SELECT xact_start AS began FROM pg_stat_activity WHERE backend_xid IS NOT NULL
                 UNION ALL SELECT prepared FROM pg_prepared_xacts) open"""
    )
    return max(0.0, age)


def _lag_by_topic(by_partition: Mapping[str, int]) -> dict[str, int]:
    """Two logs may feed one partition: it is as far behind as the slower of them."""
    slowest: dict[str, int] = {}
    for partition, lag in by_partition.items():
        place = partition.partition(":")[0]
        slowest[place] = max(slowest.get(place, 0), lag)
    topics: dict[str, int] = {}
    for place, lag in slowest.items():
        topic = place.partition("/")[0]
        topics[topic] = topics.get(topic, 0) + lag
    return topics


async def _behind(connection: asyncpg.Connection, log: str, cursor: str) -> int:
    """How many rows of a log stand behind a cursor; one of an earlier epoch has them all before it."""
    epoch = await connection.fetchval(f"SELECT epoch FROM {log}.log_head")
    place = Cursor(*map(int, cursor.split(":"))) if cursor else Cursor(epoch, 0, 0)
    if place.epoch != epoch:
        place = Cursor(epoch, 0, 0)
    count: int = await connection.fetchval(
        _BEHIND.format(log=log), str(place.xid), place.position, LAG_MAX
    )
    return count


async def _shelf_and_barriers(connection: Any, found: Standing) -> None:
    schema = found.service
    row = await connection.fetchrow(
        f"""SELECT
            (SELECT count(*) FROM (SELECT DISTINCT topic, stream FROM {schema}.parked) k) AS parked,
            count(DISTINCT partition) AS held, min(close_at) AS since
            FROM {schema}.met m
            WHERE NOT EXISTS (SELECT FROM {schema}.closes c WHERE c.close_at = m.close_at)"""
    )
    found.parked_keys, found.held_partitions = row["parked"], row["held"]
    found.held_since = row["since"]


async def _deadlines(connection: Any, found: Standing, count: bool) -> None:
    found.next_due = await connection.fetchval(
        f"""SELECT next_due FROM {found.service}.streams WHERE next_due IS NOT NULL
            ORDER BY next_due LIMIT 1"""
    )
    if count:
        found.deadlines = await connection.fetchval(
            f"SELECT count(*) FROM {found.service}.streams WHERE next_due IS NOT NULL"
        )
