"""Advisory locks: the gate of a log, then the streams of a batch, before anything assigns an xid.

Why so: a writer that waits on a row already holds an older xid, and the horizon reader would then
deliver version 2 before version 1. Nothing may stand between BEGIN and these locks. Keys are 64-bit
hashes over (service, name), for advisory keys are per database; singletons use the two-int form, a
separate key space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import asyncpg

STREAMS_MAX: Final = 1000
"""A transaction names at most so many streams: the shared lock table is finite."""

RELAY_CLASS: Final = 0x4A43
CLOSE_CLASS: Final = 0x4A44
OWNER_CLASS: Final = 0x4A45
MIGRATE_CLASS: Final = 0x4A46
PARK_CLASS: Final = 0x4A47
ANSWER_CLASS: Final = 0x4A48
PUBLISH_CLASS: Final = 0x4A49
MONTH_CLASS: Final = 0x4A4A
"""Months of a ledger, taken by its triggers: writers shared, a close alone."""
REBUILD_CLASS: Final = 0x4A4B
"""Held by a session, so that a rebuild that dies gives it back."""

# The array's own order is kept: the gate first, then the sorted streams (`OFFSET 0` pins the plan).
_TAKE: Final = """
SELECT count(*) FROM (
  SELECT CASE WHEN n = 1 THEN pg_advisory_xact_lock_shared(h) ELSE pg_advisory_xact_lock(h) END
  FROM unnest($1::bigint[]) WITH ORDINALITY u(h, n) ORDER BY n OFFSET 0) l"""


@lru_cache(maxsize=200_000)
def stream_key(service: str, stream: str) -> int:
    """The key of one stream; a collision only makes one writer wait for another."""
    digest = hashlib.blake2b(f"{service}\0{stream}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def gate_key(service: str) -> int:
    """The key of a log's gate: writers hold it shared, a mark exclusively."""
    return stream_key(service, "\0gate")


def singleton(service: str, name: str) -> int:
    """The second int of a singleton's key."""
    digest = hashlib.blake2b(f"{service}\0{name}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)


async def lock_streams(tx: asyncpg.Connection, service: str, streams: Iterable[str]) -> None:
    """Gate shared, then every stream in key order: the first statement of every writer."""
    keys = sorted({stream_key(service, stream) for stream in streams})
    if len(keys) > STREAMS_MAX:
        raise ValueError(f"{len(keys)} streams in one transaction, at most {STREAMS_MAX}")
    await tx.fetchval(_TAKE, [gate_key(service), *keys])


async def lock_gate(tx: asyncpg.Connection, service: str) -> None:
    """The gate alone, exclusively: every earlier writer has committed, later ones wait."""
    await tx.fetchval("SELECT pg_advisory_xact_lock($1)", gate_key(service))


async def try_lock_streams(tx: asyncpg.Connection, service: str, streams: list[str]) -> list[str]:
    """The gate shared, then those streams nobody holds right now; waits for no stream."""
    await tx.fetchval("SELECT pg_advisory_xact_lock_shared($1)", gate_key(service))
    rows = await tx.fetch(
        """SELECT s FROM (SELECT s, pg_try_advisory_xact_lock(h) AS ok
             FROM unnest($1::bigint[], $2::text[]) u(h, s) OFFSET 0) x WHERE ok""",
        [stream_key(service, stream) for stream in streams],
        streams,
    )
    return [row["s"] for row in rows]
