"""The bus door: what is read of many partitions is taken together, barriers are met, closes run.

A partition that has met a mark is *held* until that close is done, so a close stands on exactly the
facts before its instant, however far anybody lags. A partition belongs to whoever claimed it last:
the checkpoint moves by compare-and-set under an epoch, and who is fenced changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog

from shared.bus.port import Subscription
from shared.runtime.closing import run_close
from shared.runtime.metrics import CONSUMER_PROGRESS
from shared.runtime.room import Room
from shared.runtime.taking import Owned, Taken, park_untried, take
from shared.store.checkpoints import Fenced, claim, give_back, held_among
from shared.store.parking import count_suspect

BATCH_MAX: Final = 2000
CLAIMS_MAX: Final = 3
"""A partition claimed so often without a step may hold what kills its readers."""
DEATHS_MAX: Final = 2
"""A fact in whose hand so many processes died is shelved untried."""

log = structlog.get_logger()


class Consumer:
    """Feeds one service from the bus. `step` does one round; `run` does rounds for ever."""

    def __init__(
        self,
        room: Room,
        subscription: Subscription,
        *,
        batch_max: int = BATCH_MAX,
        deaths_max: int = DEATHS_MAX,
    ) -> None:
        self._room = room
        self._subscription = subscription
        self._batch_max = batch_max
        self._deaths_max = deaths_max
        self._counted: tuple[str, str] | None = None
        self._owned: dict[str, Owned] = {}
        self._stepping = asyncio.Lock()
        self._failures = 0
        self._turn = 0

    @property
    def group(self) -> str:
        """The consumer group is the service."""
        return self._room.service.name

    @property
    def held(self) -> list[str]:
        """The partitions that wait for a close."""
        return [partition for partition, owned in self._owned.items() if owned.held]

    async def step(self) -> bool:
        """One round over the owned partitions and the closes; True when anything moved."""
        async with self._stepping:
            await self._take_ownership()
            moved = await self._take_batch()
            while await self._run_close():
                moved = True
            if moved:
                CONSUMER_PROGRESS.labels(self.group).set_to_current_time()
            return moved

    async def is_caught_up(self) -> bool:
        """Nothing stands behind any cursor of ours, and nothing is held."""
        if set(await self._subscription.partitions()) != set(self._owned) or self.held:
            return False
        return await self._subscription.is_quiet(
            {partition: owned.cursor for partition, owned in self._owned.items()}
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until told to stop; a fault backs off and is shown, never swallowed."""
        backoff = 0.1
        while not stop.is_set():
            try:
                moved = await self.step()
                self._room.health.pop("consumer", None)
                backoff = 0.1
                if not moved:
                    # A held partition waits for what another process may finish without a word.
                    await self._subscription.wait(0.05 if self.held else 1.0)
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
            with contextlib.suppress(Exception):  # without the database it counts as a death
                async with asyncio.timeout(2):
                    await give_back(self._room.pool, self.group, list(self._owned))
            self._owned.clear()
            await self._subscription.close()

    async def _take_ownership(self) -> None:
        partitions = await self._subscription.partitions()
        if lost := set(self._owned) - set(partitions):
            await self._let_go(lost)
        for partition in partitions:
            if partition not in self._owned:
                pool = self._room.pool
                claimed = await claim(pool, self.group, partition)
                suspected = claimed.claims > 1 and await pool.fetchval(
                    "SELECT EXISTS (SELECT FROM suspects)"
                )
                careful = self._batch_max if suspected or claimed.claims > CLAIMS_MAX else 0
                held = await held_among(pool, [partition])
                self._owned[partition] = Owned(
                    claimed.cursor, claimed.epoch, bool(held), careful, claimed.place
                )

    async def _let_go(self, partitions: set[str]) -> None:
        await give_back(self._room.pool, self.group, sorted(partitions))
        for partition in partitions:
            del self._owned[partition]

    async def _take_batch(self) -> bool:
        """Read what fits of every partition that is not held, and take it in one transaction."""
        batch: list[Taken] = []
        room_left = self._batch_max
        await self._look_at_held()
        for partition, owned in self._in_turn():
            if owned.held or room_left <= 0:
                continue
            limit = 1 if owned.careful else room_left
            delivery = await self._subscription.read(partition, owned.cursor, limit)
            if delivery.cursor == owned.cursor:
                continue
            taken = Taken(partition, owned, delivery.records, delivery.cursor)
            if owned.careful:
                await self._take_carefully(taken)
                return True
            batch.append(taken)
            room_left -= len(delivery.records)
        if batch:
            await self._take(batch)
        return bool(batch)

    def _in_turn(self) -> list[tuple[str, Owned]]:
        """The partitions, beginning with another one each time: a busy one starves nobody."""
        everything = list(self._owned.items())
        self._turn = (self._turn + 1) % max(1, len(everything))
        return everything[self._turn :] + everything[: self._turn]

    async def _take(self, batch: list[Taken]) -> None:
        # While the database works, what has come meanwhile is unpacked for the next round.
        reading = asyncio.create_task(self._read_ahead())
        try:
            await take(self._room, self.group, batch, failures=self._failures)
            self._failures = 0
        except Fenced as error:
            log.warning("consumer.fenced", group=self.group, partition=error.partition)
            # Who was overtaken in one was away for long: it asks anew for all that it had in hand.
            await self._let_go({taken.partition for taken in batch})
        except Exception:
            self._failures += 1
            raise
        finally:
            await reading

    async def _read_ahead(self) -> None:
        """A fault here is met again, and shown, by the next step: it asks the same."""
        with contextlib.suppress(Exception):
            await self._subscription.partitions()

    async def _take_carefully(self, taken: Taken) -> None:
        """Processes have died here: count each fact before it is tried, shelve it after two deaths."""
        taken.owned.careful -= 1
        for fact in taken.facts:
            taken.suspect = fact
            identity = (fact.source, fact.event_id)
            if identity == self._counted:
                continue  # this process has tried it and lives: an error is no death
            deaths = await count_suspect(self._room.pool, fact) - 1
            self._counted = identity
            if deaths >= self._deaths_max:
                reason = f"进程在处理时终止 {deaths} 次 / the process died of it {deaths} times"
                await park_untried(self._room, self.group, taken, reason)
                return
        await self._take([taken])

    async def _run_close(self) -> bool:
        if self._room.service.close is None or not self.held:
            return False
        partitions = await self._subscription.closing_partitions()
        if not await run_close(self._room, self.group, partitions):
            return False
        await self._look_at_held()
        return True

    async def _look_at_held(self) -> None:
        """Whether somebody has done the close that our partitions wait for."""
        if held := self.held:
            still = await held_among(self._room.pool, held)
            for partition in held:
                self._owned[partition].held = partition in still
