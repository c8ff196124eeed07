"""Access while a process serves (访问控制): its pool, its ring of keys, its claims, its sweeping."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import datetime
from typing import Any, Final

import asyncpg
import structlog

from shared.runtime.authenticator import Authenticator
from shared.runtime.key_ring import KeyRing
from shared.runtime.time import Time
from shared.store.access import answers, nonces
from shared.store.access.keys import sealed_keys
from shared.store.access.sealing import Sealing
from shared.store.database import is_lost, open_pool
from shared.store.migrations import migrate, schema_state

log = structlog.get_logger()

SCHEMA: Final = "access"
PACKAGE: Final = "shared.store.access"
SWEEP_SECONDS: Final = 30.0


async def migrate_access(dsn: str) -> list[str]:
    """Bring the schema up to date, as owner; what was applied."""
    connection = await asyncpg.connect(dsn)
    try:
        return await migrate(connection, SCHEMA, PACKAGE)
    finally:
        await connection.close()


async def check_access(dsn: str) -> dict[str, str]:
    """What stands in the way of serving, by name; empty when all is well."""
    connection = await asyncpg.connect(dsn)
    try:
        state = await schema_state(connection, SCHEMA, PACKAGE)
        return {} if state.is_current else {f"schema {SCHEMA}": str(state)}
    finally:
        await connection.close()


class Access:
    """Everything the door asks of the schema `access`, under a role of its own."""

    def __init__(self, pool: asyncpg.Pool, sealing: Sealing, time: Time, *, explains: bool) -> None:
        self._pool = pool
        self._sealing = sealing
        self._time = time
        self._holding: Any = None
        self._holder = 0
        self._one_holder = asyncio.Lock()
        self._sweeping = asyncio.create_task(self._sweep())
        self.authenticate = Authenticator(pool, KeyRing(pool, sealing), explains=explains)

    async def claim(self, claim: answers.Claim) -> answers.KeptAnswer | answers.Refused | None:
        """Claim an Idempotency-Key for a request of this process."""
        holder = await self._living_holder()
        return await answers.claim_answer(self._pool, claim, holder, await self._now())

    async def keep(self, claim: answers.Claim, answer: answers.KeptAnswer) -> None:
        """Keep what a claimed request was answered."""
        await answers.keep_answer(self._pool, claim, answer)

    async def release(self, claim: answers.Claim) -> None:
        """Give a claim back that came to no answer."""
        await answers.release_answer(self._pool, claim)

    async def readiness(self) -> dict[str, str]:
        """What is wrong now, by name: secrets that this process cannot open."""
        if not self._sealing.is_on and (count := await sealed_keys(self._pool)):
            return {"secrets key": f"{count} keys are sealed and JICAI_SECRETS_KEY is not set"}
        return {}

    async def close(self) -> None:
        """Let go of everything; claims in hand become free with the connection."""
        self._sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeping
        self._pool.terminate()

    async def _living_holder(self) -> int:
        """The number under which this process is seen to live; a new one when the database was away."""
        async with self._one_holder:
            if self._holding is None or is_lost(self._holding):
                if self._holding is not None:
                    await self._pool.release(self._holding)
                self._holding = None
                holder = secrets.randbelow(2**31)
                connection = await self._pool.acquire()
                try:
                    await answers.hold(connection, holder)
                except BaseException:
                    await self._pool.release(connection)
                    raise
                self._holding, self._holder = connection, holder
            return self._holder

    async def _now(self) -> datetime:
        return self._time.at(await self._pool.fetchval("SELECT clock_timestamp()"))

    async def _sweep(self) -> None:
        """Delete what has expired, now and then; a fault waits for the next round."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await nonces.prune_nonces(self._pool)
                await answers.prune_answers(self._pool, await self._now())
            except Exception as error:
                log.warning("access.sweep_failed", error=f"{type(error).__name__}: {error}")


async def open_access(
    dsn: str, time: Time, *, secrets_key: str | None = None, explains: bool = False
) -> Access:
    """Open it under its role; `explains` in the sandbox, where a refusal shows the string to sign."""
    pool = await open_pool(dsn, SCHEMA, size=8)
    return Access(pool, Sealing(secrets_key), time, explains=explains)
