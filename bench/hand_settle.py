"""A month settled by hand: the statements of `hand_settle.sql`, one after the other.

All hospitals at once: chunks of them were measured too, and are slower, for each reads the whole
table of receipts again. No index is dropped, for other months stand in these tables and are asked.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

_PARTS = re.split(
    r"^-- name: (\w+)\n",
    Path(__file__).with_suffix(".sql").read_text("utf-8"),
    flags=re.MULTILINE,
)
SQL: Final = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))

_SLACK: Final = timedelta(days=1)
_PATIENCE: Final = timedelta(days=7)


async def connect(dsn: str) -> asyncpg.Connection:
    """A session in the service's schema under its role, set for one long run."""
    connection = await asyncpg.connect(
        dsn, server_settings={"search_path": "settlement", "role": "jicai_settlement"}
    )
    await connection.execute(SQL["prepare"])
    return connection


async def draft_by_hand(
    connection: asyncpg.Connection, month: str, begins: datetime, ends: datetime, at: datetime
) -> None:
    """Claim every line of the month and write its statements."""
    since = begins - _SLACK
    async with connection.transaction():
        await connection.execute(SQL["number_pairs"], since, ends)
        await connection.execute(SQL["claim_receipts"], since, ends)
        await connection.execute(SQL["claim_returns"], ends)
        await connection.execute(SQL["write_statements"], month, at, at + _PATIENCE)


async def approve_by_hand(connection: asyncpg.Connection, month: str, at: datetime) -> None:
    """Approve what asks for money, and post it."""
    async with connection.transaction():
        await connection.execute(SQL["approve"], month, at)
        await connection.execute(SQL["post"], month)
