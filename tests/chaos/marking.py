"""Closing instants that pass while a test runs: the marks that are due are set back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import asyncpg

LOGS = ("feedback", "orders")


async def let_days_pass(dsn: str) -> list[datetime]:
    """Let both logs find the last four closing instants passed without a mark; those instants.

    In the partitions that both feed, all marks of the one stand before those of the other: while a
    close waits, their cursors are apart, and whoever takes over then must begin at the lower one.
    """
    connection = await asyncpg.connect(dsn)
    try:
        coming = await connection.fetchval("SELECT next_mark FROM orders.log_head")
        # 24:00 is nine hours before 09:00, and that fifteen before 24:00: whole days keep the kind.
        first = coming - timedelta(days=2)
        other = timedelta(hours=9) if first.hour == 16 else timedelta(hours=15)
        days = (first, first + timedelta(days=1))
        instants = [at for day in days for at in (day, day + other)]
        for log in LOGS:
            await connection.execute(f"UPDATE {log}.log_head SET next_mark = $1", first)
            if log != LOGS[-1]:  # what comes next is to happen while the marks come in
                await _marked(connection, log, instants[-1])
    finally:
        await connection.close()
    return instants


async def _marked(connection: asyncpg.Connection, log: str, at: datetime) -> None:
    async with asyncio.timeout(30):
        while True:
            last = await connection.fetchval(f"SELECT last_mark FROM {log}.log_head")
            if last is not None and last >= at:
                return
            await asyncio.sleep(0.05)


async def closes(dsn: str) -> list[datetime]:
    """The closes that alerts has done, in order."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT close_at FROM alerts.closes ORDER BY close_at")
        return [row["close_at"] for row in rows]
    finally:
        await connection.close()


async def epochs(dsn: str) -> dict[str, int]:
    """How often each partition of alerts has been taken."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT partition, epoch FROM alerts.checkpoints WHERE group_name = 'alerts'"
        )
        return {row["partition"]: row["epoch"] for row in rows}
    finally:
        await connection.close()
