"""A relay as a process of its own that halts at its riskiest moment, so that a test may kill it there.

Run as a program it publishes the toy log `orders`. At each halt it says a word and waits for a line:
`acknowledged` between the broker's answer and the checkpoint, or, where it does it the wrong way
round, `moved` between the checkpoint and the send.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from shared.bus.kafka import KafkaAddress, KafkaBus
from shared.bus.log import LogBus
from shared.bus.wire import Message
from shared.runtime.relay import GROUP, Publisher, Relay, messages
from shared.runtime.room import Room
from shared.store.checkpoints import advance
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.postgres import open_room
from shared.testing.toys import noting
from tests.chaos.halting import Child, child, halt

LOG = "orders"
CHUNK = 20


class Halting:
    """A publisher that halts behind each acknowledgement."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._publisher.publish(messages)
        halt("acknowledged")

    async def close(self) -> None:
        await self._publisher.close()


class Hasty(Relay):
    """The wrong way round: the checkpoint first, then the send."""

    async def _publish_next(self) -> bool:
        place = self._place
        assert place is not None
        delivery = await self._source.read(self._log, place.cursor, self._chunk)
        if delivery.cursor == place.cursor:
            return False
        async with self._room.pool.acquire() as tx, tx.transaction():
            await advance(
                tx, GROUP, self._log, epoch=place.epoch, old=place.cursor, new=delivery.cursor
            )
        self._place = place._replace(cursor=delivery.cursor)
        halt("moved")
        await self._publisher.publish(
            list(messages(self._log, delivery.records, None, self._partitions))
        )
        return True


@asynccontextmanager
async def relay_of(
    room: Room, dsn: str, address: KafkaAddress, *, kind: type[Relay] = Relay, halts: bool = False
) -> AsyncIterator[Relay]:
    """A relay of this room's log with sessions of its own, as another process would have it."""
    pool = await open_pool(dsn, "public", size=4, role=BUS_ROLE)
    source = LogBus(LogReader(pool))
    publisher: Any = KafkaBus(address).publisher()
    relay = kind(
        room,
        source.tail(GROUP, LOG),
        Halting(publisher) if halts else publisher,
        partitions=address.partitions,
        chunk=CHUNK,
    )
    try:
        yield relay
    finally:
        await relay.close()
        await source.close()
        pool.terminate()


async def publish_all(relay: Relay) -> None:
    """Rounds until everything of the log is published."""
    while not await relay.is_caught_up():
        await relay.step()


def relay_process(
    dsn: str, address: KafkaAddress, *, kind: str = "halting"
) -> AbstractContextManager[Child]:
    """The program below; `hasty` does it the wrong way round."""
    place = (address.bootstrap, address.topic_prefix, str(address.partitions))
    return child("tests.chaos.relaying", dsn, *place, kind)


async def _main(dsn: str, bootstrap: str, prefix: str, partitions: str, kind: str) -> None:
    address = KafkaAddress(
        bootstrap=bootstrap, topic_prefix=prefix, group_prefix=prefix, partitions=int(partitions)
    )
    chosen = Hasty if kind == "hasty" else Relay
    async with (
        open_room(dsn, noting()) as room,
        relay_of(room, dsn, address, kind=chosen, halts=kind == "halting") as relay,
    ):
        while True:
            if not await relay.step():
                print("nothing moved", flush=True)
                await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
