"""Closing instants that pass while a test runs: the marks that are due are set back."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

LOGS = ("orders", "feedback")


async def let_days_pass(dsn: str) -> list[datetime]:
    """Let both logs find the last three closing instants passed without a mark; those instants."""
    connection = await asyncpg.connect(dsn)
    try:
        coming = await connection.fetchval("SELECT next_mark FROM orders.log_head")
        # 24:00 is nine hours before 09:00, and that fifteen before 24:00: whole days keep the kind.
        first = coming - timedelta(days=2)
        for log in LOGS:
            await connection.execute(f"UPDATE {log}.log_head SET next_mark = $1", first)
    finally:
        await connection.close()
    other = timedelta(hours=9) if first.hour == 16 else timedelta(hours=15)
    return [first, first + other, first + timedelta(days=1), first + timedelta(days=1) + other]


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
