"""The append-only log of one service: load under locks, probe for duplicates, append by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

HINT_CHANNEL: Final = "jicai_log"
BLOCK: Final = 1024

_LOAD: Final = """
SELECT h.epoch, h.next_mark, h.last_mark, h.world, clock_timestamp() AS now,
       pg_current_xact_id_if_assigned() IS NULL AS clean, s.names, s.versions, s.states,
       greatest(h.last_mark, s.touched_at) AS floor
FROM log_head h,
     (SELECT array_agg(stream) AS names, array_agg(version) AS versions, array_agg(state) AS states,
             max(touched_at) AS touched_at
      FROM streams WHERE stream = ANY($1)) s"""

_PROBE: Final = """
SELECT e.source, e.event_id, e.sha256, e.position
FROM unnest($1::text[], $2::text[]) AS u(source, event_id)
JOIN events e ON e.source = u.source AND e.event_id = u.event_id"""

_COLUMNS: Final = (
    "position", "topic", "stream", "version", "source", "event_id", "type", "occurred_at",
    "recorded_at", "sha256", "payload", "fact", "hospital_id", "distributor_id", "manufacturers",
    "divisions", "traceparent",
)  # fmt: skip


class XidBeforeLocks(AssertionError):
    """Something assigned a transaction id before the locks: the horizon reader would swap facts."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a writer finds behind the gate."""

    epoch: int
    now: datetime
    next_mark: datetime | None
    last_mark: datetime | None
    world: int
    floor: datetime | None = None
    """No fact of this transaction may be dated before: the last mark, and what its streams hold."""


class StreamRow(msgspec.Struct, frozen=True):
    """A stream as stored."""

    version: int
    state: bytes


class NewEvent(msgspec.Struct):
    """One row to append. `hospital_id` to `divisions` decide who may see it (see `visibility`)."""

    topic: str
    stream: str
    version: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    sha256: bytes
    payload: bytes
    fact: bytes
    hospital_id: str | None = None
    distributor_id: str | None = None
    manufacturers: str | None = None
    divisions: str | None = None
    traceparent: str | None = None


async def load(tx: asyncpg.Connection, streams: Sequence[str]) -> tuple[Head, dict[str, StreamRow]]:
    """The head of the log and the rows of these streams; call it right behind the locks."""
    row = await tx.fetchrow(_LOAD, list(streams))
    if not row["clean"]:
        raise XidBeforeLocks("an xid was assigned before the locks were taken")
    head = Head(
        epoch=row["epoch"],
        now=row["now"],
        next_mark=row["next_mark"],
        last_mark=row["last_mark"],
        world=row["world"],
        floor=row["floor"],
    )
    found = zip(row["names"] or (), row["versions"] or (), row["states"] or (), strict=True)
    return head, {name: StreamRow(version, state) for name, version, state in found}


async def probe(
    tx: asyncpg.Connection, identities: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, int]]:
    """Which of these (source, id) are recorded already: their hash and position.

    After the locks and the load, never before: a resend would meet its own effect.
    """
    if not identities:
        return {}
    rows = await tx.fetch(_PROBE, [s for s, _ in identities], [i for _, i in identities])
    return {(r["source"], r["event_id"]): (r["sha256"], r["position"]) for r in rows}


async def take_positions(tx: asyncpg.Connection, count: int) -> list[int]:
    """`count` rising positions, in blocks, so that one `nextval` serves a batch."""
    blocks = -(-count // BLOCK)
    rows = await tx.fetch("SELECT nextval('event_blocks') AS b FROM generate_series(1, $1)", blocks)
    return [row["b"] * BLOCK + i for row in rows for i in range(BLOCK)][:count]


async def append(
    tx: asyncpg.Connection, events: Sequence[NewEvent], positions: Sequence[int]
) -> None:
    """Append rows in this order; a clash of identities raises UniqueViolationError."""
    await tx.copy_records_to_table(
        "events",
        columns=_COLUMNS,
        records=[
            (
                position, e.topic, e.stream, e.version, e.source, e.event_id, e.type,
                e.occurred_at, e.recorded_at, e.sha256, e.payload, e.fact,
                e.hospital_id, e.distributor_id, e.manufacturers, e.divisions, e.traceparent,
            )
            for position, e in zip(positions, events, strict=True)
        ],
    )  # fmt: skip


async def hint(tx: asyncpg.Connection) -> None:
    """Tell listeners that there may be something new (a hint, never the truth)."""
    await tx.execute(f"SELECT pg_notify('{HINT_CHANNEL}', '')")


@dataclass(frozen=True, slots=True)
class StreamColumns:
    """The columns that a service adds to its stream rows, for its lists."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def upsert(self) -> str:
        """The statement that stores many stream rows at once."""
        names = (
            "stream", "version", "state", "next_due", "touched_at", "first_position", *self.names
        )  # fmt: skip
        types = ("text", "int", "bytea", "timestamptz", "timestamptz", "bigint", *self.types)
        arrays = ", ".join(f"${i}::{t}[]" for i, t in enumerate(types, 1))
        updates = ", ".join(
            f"{n} = excluded.{n}" for n in ("version", "state", "next_due", *self.names)
        )
        return (
            f"INSERT INTO streams ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
            f"ON CONFLICT (stream) DO UPDATE SET {updates}, "
            # A close dates its facts at its own instant, which may lie before an act on the stream.
            "touched_at = greatest(streams.touched_at, excluded.touched_at)"
        )


async def store_streams(
    tx: asyncpg.Connection, statement: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write the rows of the touched streams; `first_position` of an old row stays as it was."""
    await tx.execute(statement, *(list(column) for column in zip(*rows, strict=True)))
