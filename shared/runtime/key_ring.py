"""Keys as the door sees them (密钥缓存): remembered for a moment, so that a revocation soon counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.runtime.actors import Actor, parse_actor
from shared.runtime.signing import Algorithm
from shared.store.access.keys import FoundKey, find_live_key
from shared.store.access.sealing import Sealing

REMEMBERED_SECONDS: Final = 2.0
"""A revoked key is refused by every process within this time."""


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that may sign, and for whom."""

    key: str
    secret: str
    actor: Actor
    algorithm: Algorithm


class KeyRing:
    """Looks keys up, and tells the database's time, which every lookup brings along."""

    def __init__(self, pool: Any, sealing: Sealing) -> None:
        self._pool = pool
        self._sealing = sealing
        self._known: dict[str, tuple[float, LiveKey]] = {}
        self._told: tuple[float, datetime] | None = None

    async def find(self, key: str) -> LiveKey | None:
        """The key if it lives; Sealed where its secret cannot be opened here.

        Unknown keys are not remembered: one that was just made works at once.
        """
        asked = time.monotonic()
        if key in self._known and asked - self._known[key][0] < REMEMBERED_SECONDS:
            return self._known[key][1]
        now, found = await find_live_key(self._pool, key)
        self._told = (time.monotonic(), now)
        if found is None:
            self._known.pop(key, None)
            return None
        live = self._opened(found)
        self._known[key] = (asked, live)
        return live

    def now(self) -> datetime:
        """The database's clock, carried on from the last lookup by this machine's steady one."""
        assert self._told is not None, "asked for the time before any key"
        at, told = self._told
        return told + timedelta(seconds=time.monotonic() - at)

    def _opened(self, found: FoundKey) -> LiveKey:
        return LiveKey(
            key=found.key,
            secret=self._sealing.open(found.key, found.stored, sealed=found.sealed),
            actor=parse_actor(found.actor),
            algorithm="sha256" if found.algorithm == "sha256" else "sm3",
        )
