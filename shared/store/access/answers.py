"""Answers kept under an Idempotency-Key (幂等键): claimed by one request, then kept for repetition.

A claim names its holder, a number under which the claiming process holds an advisory lock for as
long as it lives. So a claim whose process was killed is free at once, and that of a slow one is not.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from shared.store.locks import ANSWER_CLASS

KEPT: Final = timedelta(hours=72)
CLAIM_SECONDS: Final = 600
"""Even a living holder loses its claim then: no statement of ours runs that long."""

_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """One request under its key: whose, where, and the hash of what it says."""

    actor: str
    path: str
    key: str
    request: bytes
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer: status, headers as they were encoded, body."""

    status: int
    headers: bytes
    body: bytes


Refused = Literal["in_flight", "reused"]


async def claim_answer(
    pool: Any, claim: Claim, holder: int, now: datetime
) -> KeptAnswer | Refused | None:
    """None: the caller may go on, and owes an answer. Else the first answer, or why there is none."""
    while True:
        if await _take(pool, claim, holder, now):
            return None
        row = await pool.fetchrow(
            """SELECT request, status, headers, body FROM access.answers
               WHERE actor = $1 AND path = $2 AND key = $3""",
            claim.actor,
            claim.path,
            claim.key,
        )
        if row is None:
            continue  # released in between: take it
        if row["request"] != claim.request:
            return "reused"
        if row["status"] is None:
            return "in_flight"
        return KeptAnswer(row["status"], row["headers"], row["body"])


async def _take(pool: Any, claim: Claim, holder: int, now: datetime) -> bool:
    """Claim what is free, has outlived its 72 hours, or was claimed by a process that has died."""
    # The lock is only tried, shared, and let go with the statement: two that ask do not meet.
    taken = await pool.fetchval(
        f"""INSERT INTO access.answers AS a
              (actor, path, key, request, claim, holder, claimed_at, kept_until)
            VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7)
            ON CONFLICT (actor, path, key) DO UPDATE SET
              request = excluded.request, claim = excluded.claim, holder = excluded.holder,
              claimed_at = excluded.claimed_at, kept_until = excluded.kept_until,
              status = NULL, headers = NULL, body = NULL
              WHERE a.kept_until <= $8 OR (a.status IS NULL AND a.request = excluded.request
                AND (a.claimed_at < clock_timestamp() - interval '{CLAIM_SECONDS} seconds'
                     OR pg_try_advisory_xact_lock_shared({ANSWER_CLASS}, a.holder)))
            RETURNING true""",
        claim.actor,
        claim.path,
        claim.key,
        claim.request,
        claim.id,
        holder,
        now + KEPT,
        now,
    )
    return taken is not None


async def keep_answer(pool: Any, claim: Claim, answer: KeptAnswer) -> None:
    """Keep what this claim was answered; a claim that was lost meanwhile keeps nothing."""
    await pool.execute(
        """UPDATE access.answers SET status = $5, headers = $6, body = $7
           WHERE actor = $1 AND path = $2 AND key = $3 AND claim = $4""",
        claim.actor,
        claim.path,
        claim.key,
        claim.id,
        answer.status,
        answer.headers,
        answer.body,
    )


async def release_answer(pool: Any, claim: Claim) -> None:
    """Give the key back: this request came to no answer that is worth keeping."""
    await pool.execute(
        """DELETE FROM access.answers
           WHERE actor = $1 AND path = $2 AND key = $3 AND claim = $4 AND status IS NULL""",
        claim.actor,
        claim.path,
        claim.key,
        claim.id,
    )


async def hold(connection: Any, holder: int) -> None:
    """Show that the process of this number lives, for as long as this connection does."""
    await connection.fetchval("SELECT pg_advisory_lock($1, $2)", ANSWER_CLASS, holder)


async def prune_answers(pool: Any, now: datetime) -> None:
    """Delete what has outlived its time, in small statements."""
    while True:
        deleted = await pool.execute(
            f"""DELETE FROM access.answers WHERE (actor, path, key) IN (
                  SELECT actor, path, key FROM access.answers WHERE kept_until <= $1
                  ORDER BY kept_until LIMIT {_CHUNK})""",
            now,
        )
        if deleted != f"DELETE {_CHUNK}":
            return
