"""Keys of callers (访问密钥): made, listed and revoked by an operator, looked up by the door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.store.access.sealing import Sealing


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with its secret: shown once, and never again."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is listed, without its secret."""

    key: str
    actor: str
    algorithm: str
    sealed: bool
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A live key with its secret as stored."""

    key: str
    actor: str
    algorithm: str
    stored: bytes
    sealed: bool


async def add_key(connection: Any, actor: str, algorithm: str, sealing: Sealing) -> NewKey:
    """A key for this actor; both halves are hexadecimal, so that no shell stumbles over them."""
    made = NewKey(f"jk{secrets.token_hex(10)}", secrets.token_hex(32))
    await connection.execute(
        """INSERT INTO access.keys (key, secret, sealed, actor, algorithm)
           VALUES ($1, $2, $3, $4, $5)""",
        made.key,
        sealing.close(made.key, made.secret),
        sealing.is_on,
        actor,
        algorithm,
    )
    return made


async def list_keys(connection: Any) -> list[KeyRow]:
    """Every key ever made, the actor's together, the oldest first."""
    rows = await connection.fetch(
        """SELECT key, actor, algorithm, sealed, created_at, revoked_at
           FROM access.keys ORDER BY actor, created_at, key"""
    )
    return [KeyRow(**row) for row in rows]


async def revoke_key(connection: Any, key: str) -> KeyRow | None:
    """Revoke; the first instant stands. None where no such key is."""
    row = await connection.fetchrow(
        """UPDATE access.keys SET revoked_at = coalesce(revoked_at, now()) WHERE key = $1
           RETURNING key, actor, algorithm, sealed, created_at, revoked_at""",
        key,
    )
    return None if row is None else KeyRow(**row)


async def find_live_key(pool: Any, key: str) -> tuple[datetime, FoundKey | None]:
    """The database's clock, and the key unless it is unknown or revoked: one statement."""
    row = await pool.fetchrow(
        """SELECT clock_timestamp() AS now, k.* FROM (VALUES (1)) one
           LEFT JOIN (SELECT key, actor, algorithm, secret, sealed FROM access.keys
                      WHERE key = $1 AND revoked_at IS NULL) k ON true""",
        key,
    )
    if row["key"] is None:
        return row["now"], None
    found = FoundKey(row["key"], row["actor"], row["algorithm"], row["secret"], row["sealed"])
    return row["now"], found


async def sealed_keys(pool: Any) -> int:
    """How many live keys need JICAI_SECRETS_KEY."""
    count: int = await pool.fetchval(
        "SELECT count(*) FROM access.keys WHERE sealed AND revoked_at IS NULL"
    )
    return count
