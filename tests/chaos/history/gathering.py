"""Collects the evidence from the house when it is quiet (取证)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import httpx2

from jicai.rooms import SERVICES as ROOMS
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.events.topics import ALL
from shared.runtime.measuring import sources_of
from shared.runtime.relay import GROUP
from shared.store.standing import standing_of
from tests.chaos.history.evidence import LedgerEntry, Quiet, Row, Tables
from tests.chaos.history.house import SERVICES, HouseUnderTest
from tests.chaos.topics_read import Seen, everything_on

OPS: Final = {"X-Jicai-Actor": "ops:360000"}

READ_MODELS: Final = {
    "alerts": (
        "lines", "orders", "tickets", "waiting", "listed", "small_samples", "day_closes",
        "registers",
    ),
    "feedback": ("placed_orders", "ended_lines", "arrivals", "registers"),
    "settlement": (
        "accruals", "receipt_lines", "invoice_lines", "return_lines", "non_selected_receipts",
        "registers", "batches", "agreements", "statement_lines",
    ),
}  # fmt: skip
"""The tables that are made of the logs of others and of nothing else."""
NOT_TOLD: Final = frozenset(
    {"revision", "since", "changed_at", "applied_at", "statement", "line", "dispute_id"}
)
"""Columns that say how often, when or under which running number a row was written."""
CHOSEN: Final = {
    "alerts.streams": """stream, rule, subject, subject_id, cleared_at, day, bureau,
        CASE WHEN rule <> 'A3.3-feedback' THEN raised_at END AS raised_at""",
    "alerts.closes": "close_at",
    "settlement.statements": "statement_id, receipts_fen, returns_fen, carried_fen",
    "settlement.closes": "close_at",
}
"""Further tables of which these columns follow from the logs of others.

Which ticket of its day completes a crowd is a question of who arrives first; on which day it was, is not.
"""


async def rows_of(dsn: str) -> list[Row]:
    """Every log, each in the order of its commits."""
    connection = await asyncpg.connect(dsn)
    try:
        found = []
        for log in SERVICES:
            for row in await connection.fetch(
                f"SELECT *, xid::text AS number FROM {log}.events ORDER BY xid, position"
            ):
                data = json.loads(row["payload"])
                found.append(
                    Row(
                        log=log, xid=int(row["number"]), position=row["position"],
                        topic=row["topic"], stream=row["stream"], version=row["version"],
                        source=row["source"], event_id=row["event_id"], type=row["type"],
                        occurred_at=row["occurred_at"], recorded_at=row["recorded_at"],
                        data=data.get("data", data), fact=bytes(row["fact"]),
                    )
                )  # fmt: skip
        return found
    finally:
        await connection.close()


async def tables_of(dsn: str) -> Tables:
    """The read models, row by row, but for what says only how often a row was written."""
    connection = await asyncpg.connect(dsn)
    try:
        chosen = dict(CHOSEN)
        for schema, tables in READ_MODELS.items():
            for table in tables:
                chosen[f"{schema}.{table}"] = await _columns(connection, schema, table)
        return {
            table: sorted(map(_plain, await connection.fetch(f"SELECT {columns} FROM {table}")))
            for table, columns in chosen.items()
        }
    finally:
        await connection.close()


async def _columns(connection: asyncpg.Connection, schema: str, table: str) -> str:
    rows = await connection.fetch(
        """SELECT column_name AS name FROM information_schema.columns
           WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position""",
        schema,
        table,
    )
    return ", ".join(f'"{row["name"]}"' for row in rows if row["name"] not in NOT_TOLD)


def _plain(row: Any) -> tuple[str, ...]:
    return tuple(map(str, row))


async def topics_of(bootstrap: str) -> list[Seen]:
    """Every topic whole."""
    return await everything_on(bootstrap, ALL)


async def entries_of(dsn: str) -> list[LedgerEntry]:
    """The ledger."""
    connection = await asyncpg.connect(dsn)
    try:
        postings: dict[str, list[tuple[str, int, int]]] = {}
        for row in await connection.fetch("SELECT * FROM settlement.postings"):
            sides = (row["account"], row["debit_fen"], row["credit_fen"])
            postings.setdefault(row["entry_id"], []).append(sides)
        return [
            LedgerEntry(row["key"], postings.get(row["entry_id"], []))
            for row in await connection.fetch("SELECT entry_id, key FROM settlement.entries")
        ]
    finally:
        await connection.close()


async def claims_of(dsn: str) -> list[tuple[str, ...]]:
    """Lines that stand in statements: the statement, and what is claimed."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """SELECT statement::text, order_id, receipt_id, order_line_id, return_id
               FROM settlement.statement_lines WHERE freed_at IS NULL"""
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def standing_now(house: HouseUnderTest) -> Quiet:
    """Readiness, lags, barriers, shelves, open transactions."""
    found = Quiet(not_ready=await house.not_ready())
    bus = KafkaBus(KafkaAddress(bootstrap=house.broker.bootstrap))
    async with house.connected() as connection:
        for name, service in ROOMS.items():
            ends = await bus.ends(name, service.topics) if service.topics else {}
            one = await standing_of(connection, name, sources_of(service), relay=GROUP, ends=ends)
            found.lags |= {f"{name} {topic}": lag for topic, lag in one.lag.items()}
            found.lags[f"the relay of {name}"] = one.relay_lag or 0
            found.held[name], found.parked[name] = one.held_partitions, one.parked_keys
        found.idle_in_transaction = await connection.fetchval(
            """SELECT count(*) FROM pg_stat_activity
               WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()
                 AND clock_timestamp() - state_change > interval '1 second'"""
        )
    return found


def is_at_rest(found: Quiet) -> bool:
    """Nothing is left to be done."""
    waiting = [*found.lags.values(), *found.held.values()]
    return not found.not_ready and not any(waiting) and not found.idle_in_transaction


async def said_by_doors(house: HouseUnderTest, found: Quiet) -> None:
    """What feedback and settlement say of themselves."""
    async with httpx2.AsyncClient(timeout=30, headers=OPS) as client:
        for name, path in (("feedback", "audit"), ("settlement", "verify")):
            port = house.services[name].port
            answer = await client.get(f"http://127.0.0.1:{port}/{name}/v1/{path}")
            said = answer.json()
            if name == "feedback":
                found.unstepped = said.get("items", [said])
            else:
                found.verified = said


def hung(house: HouseUnderTest) -> Sequence[str]:
    """Who did not end in good order."""
    return [name for name, one in house.services.items() if one.hung]
