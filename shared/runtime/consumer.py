"""The bus door: batches of records folded with their checkpoint, barriers met, closes run.

A batch is one transaction: effects, the mark it met, the checkpoint moved by compare-and-set under
this owner's epoch. A partition that has met a mark is *held* until that close is done, so a close
stands on exactly the facts before its instant, however far anybody lags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from shared.bus.port import Subscription
from shared.events.envelope import Record
from shared.runtime.calendars import fold_calendar
from shared.runtime.room import Room
from shared.store.checkpoints import Fenced, advance, claim, is_held, lowest_complete, meet
from shared.store.locks import CLOSE_CLASS, singleton

BATCH_MAX = 2000

log = structlog.get_logger()


@dataclass(slots=True)
class Owned:
    """One partition in this process's hands."""

    cursor: str
    epoch: int
    held: bool = False


class Consumer:
    """Feeds one service from the bus. `step` does one round; `run` does rounds for ever."""

    def __init__(
        self, room: Room, subscription: Subscription, *, batch_max: int = BATCH_MAX
    ) -> None:
        self._room = room
        self._subscription = subscription
        self._batch_max = batch_max
        self._owned: dict[str, Owned] = {}
        self._stepping = asyncio.Lock()

    @property
    def group(self) -> str:
        """The consumer group is the service."""
        return self._room.service.name

    async def step(self) -> bool:
        """One round over the owned partitions and the closes; True when anything moved."""
        async with self._stepping:
            moved = False
            await self._take_ownership()
            for partition, owned in list(self._owned.items()):
                try:
                    moved = await self._step_partition(partition, owned) or moved
                except Fenced:
                    log.warning("consumer.fenced", group=self.group, partition=partition)
                    del self._owned[partition]
            while await self._run_close():
                moved = True
            return moved

    async def is_caught_up(self) -> bool:
        """Nothing stands behind any cursor, and nothing is held."""
        for partition, owned in list(self._owned.items()):
            if owned.held or await self._subscription.is_behind(partition, owned.cursor):
                return False
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until told to stop; a fault backs off and is shown, never swallowed."""
        backoff = 0.1
        while not stop.is_set():
            try:
                moved = await self.step()
                self._room.health.pop("consumer", None)
                backoff = 0.1
                if not moved:
                    await self._subscription.wait(await self._patience())
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                if self._room.health.get("consumer") != what:
                    log.exception("consumer.failed", group=self.group)  # once, not each round
                self._room.health["consumer"] = what
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, 5.0)

    async def close(self) -> None:
        """Give the partitions back to whoever wants them next."""
        async with self._stepping:
            self._owned.clear()
            await self._subscription.close()

    async def _patience(self) -> float:
        """A poll each second is the truth; rows that may not be read yet call for a look soon."""
        return 1.0 if await self.is_caught_up() else 0.01

    async def _take_ownership(self) -> None:
        partitions = await self._subscription.partitions()
        for partition in set(self._owned) - set(partitions):
            del self._owned[partition]
        for partition in partitions:
            if partition not in self._owned:
                cursor, epoch = await claim(self._room.pool, self.group, partition)
                held = await is_held(self._room.pool, partition)
                self._owned[partition] = Owned(cursor, epoch, held)

    async def _step_partition(self, partition: str, owned: Owned) -> bool:
        if owned.held:
            owned.held = await is_held(self._room.pool, partition)
            if owned.held:
                return False
        delivery = await self._subscription.read(partition, owned.cursor, self._batch_max)
        if delivery.cursor == owned.cursor:
            return False
        await self._take(partition, owned, delivery.records, delivery.cursor)
        return True

    async def _take(
        self, partition: str, owned: Owned, records: Sequence[Record], cursor: str
    ) -> None:
        service = self._room.service
        facts = [record for record in records if record.mark is None]
        marks = [record.mark for record in records if record.mark is not None]
        held = False
        async with self._room.pool.acquire() as connection, connection.transaction():
            if facts and service.fold is not None:
                await service.fold(connection, facts, self._room)
                await fold_calendar(connection, facts)
            if marks and service.close is not None:
                held = await meet(connection, self.group, partition, marks[-1])
            await advance(
                connection, self.group, partition, epoch=owned.epoch, old=owned.cursor, new=cursor
            )
        owned.cursor, owned.held = cursor, held

    async def _run_close(self) -> bool:
        """Run the lowest close that every partition has met; nobody is elected, anybody may."""
        service = self._room.service
        if service.close is None or not any(owned.held for owned in self._owned.values()):
            return False
        partitions = list(await self._subscription.closing_partitions())
        async with self._room.pool.acquire() as connection, connection.transaction():
            await lock_closes(connection, self.group)
            at = await lowest_complete(connection, self.group, partitions)
            if at is None:
                return False
            await service.close(connection, at, self._room)
            await connection.execute("INSERT INTO closes (close_at) VALUES ($1)", at)
        await self._release(at)
        return True

    async def _release(self, at: datetime) -> None:
        for partition, owned in list(self._owned.items()):
            if owned.held:
                owned.held = await is_held(self._room.pool, partition)
        log.debug("close.done", group=self.group, at=at.isoformat())


async def lock_closes(tx: asyncpg.Connection, group: str) -> None:
    """One close at a time, in a statement of its own: what it waits for, the next one sees."""
    await tx.fetchval(
        "SELECT pg_advisory_xact_lock($1, $2)", CLOSE_CLASS, singleton(group, "close")
    )
