"""Facts that a handler could not take (搁置): parked by key, later ones of a key wait behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.events.envelope import Record
from shared.store.locks import PARK_CLASS

Key = tuple[str, str]
"""Topic and stream: the order of a key is the order of its stream within a topic."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One fact on the shelf."""

    seq: int
    partition: str
    record: Record
    reason: str


def key_of(record: Record) -> Key:
    """What a parked fact keeps waiting."""
    return record.topic, record.stream


async def keys_in(tx: asyncpg.Connection, partitions: Sequence[str]) -> set[Key]:
    """The keys that are parked in these partitions."""
    rows = await tx.fetch(
        "SELECT DISTINCT topic, stream FROM parked WHERE partition = ANY($1)", list(partitions)
    )
    return {(row["topic"], row["stream"]) for row in rows}


Identity = tuple[str, str, int]
"""Topic, stream and version: one fact on one topic."""


def identity(record: Record) -> Identity:
    """Which fact it is on the shelf."""
    return record.topic, record.stream, record.version


async def identities_parked(connection: Any) -> set[Identity]:
    """Every fact on the shelf."""
    rows = await connection.fetch("SELECT topic, stream, version FROM parked")
    return {(row["topic"], row["stream"], row["version"]) for row in rows}


async def streams_parked(tx: Any) -> list[str]:
    """Every parked stream: what a close names and a publication refuses to stand on."""
    rows = await tx.fetch("SELECT DISTINCT stream FROM parked ORDER BY stream")
    return [row["stream"] for row in rows]


async def lock_parking(tx: asyncpg.Connection) -> None:
    """One at a time: who parks behind a key and who releases it must see each other."""
    await tx.fetchval("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", PARK_CLASS)


async def park(tx: asyncpg.Connection, rows: Sequence[tuple[str, Record, str]]) -> None:
    """Put facts on the shelf, `(partition, record, reason)`; one that lies there already stays."""
    await tx.executemany(
        """INSERT INTO parked (partition, topic, stream, version, source, event_id, type,
                               occurred_at, recorded_at, fact, traceparent, reason)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           ON CONFLICT (topic, stream, version) DO NOTHING""",
        [
            (
                partition, r.topic, r.stream, r.version, r.source, r.event_id, r.type,
                r.occurred_at, r.recorded_at, r.fact, r.traceparent, reason[:2000],
            )
            for partition, r, reason in rows
        ],
    )  # fmt: skip


async def parked_facts(
    connection: Any, *, stream: str | None = None, unpublished: bool = False, limit: int = 10_000
) -> list[Parked]:
    """What lies on the shelf, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM parked WHERE ($1::text IS NULL OR stream = $1)
           AND NOT ($2 AND published) ORDER BY seq LIMIT $3""",
        stream,
        unpublished,
        limit,
    )
    return [Parked(row["seq"], row["partition"], _record(row), row["reason"]) for row in rows]


async def release(tx: asyncpg.Connection, parked: Sequence[Parked]) -> None:
    """Take facts from the shelf."""
    await tx.execute("DELETE FROM parked WHERE seq = ANY($1)", [one.seq for one in parked])


async def note_published(connection: Any, parked: Sequence[Parked]) -> None:
    """They stand on their dead-letter topic now."""
    await connection.execute(
        "UPDATE parked SET published = true WHERE seq = ANY($1)", [one.seq for one in parked]
    )


async def count_suspect(connection: Any, record: Record) -> int:
    """Count a fact before it is tried, durably: how often it has been tried, this time included."""
    tries: int = await connection.fetchval(
        """INSERT INTO suspects (topic, stream, version) VALUES ($1, $2, $3)
           ON CONFLICT (topic, stream, version) DO UPDATE SET tries = suspects.tries + 1
           RETURNING tries""",
        record.topic,
        record.stream,
        record.version,
    )
    return tries


async def clear_suspect(tx: asyncpg.Connection, record: Record) -> None:
    """It did no harm."""
    await tx.execute(
        "DELETE FROM suspects WHERE topic = $1 AND stream = $2 AND version = $3",
        record.topic,
        record.stream,
        record.version,
    )


def _record(row: Any) -> Record:
    return Record(
        topic=row["topic"],
        stream=row["stream"],
        version=row["version"],
        source=row["source"],
        event_id=row["event_id"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        fact=row["fact"],
        traceparent=row["traceparent"],
    )
