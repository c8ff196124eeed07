"""The relay (转发): one service's log to Kafka, in log order (mechanism 4).

It is a reader of the log bus whose effect is a batch of acknowledged records. One relay a log works
at a time: a session's lock says who, the checkpoint's epoch fences who has lost it unknowingly. It
moves its checkpoint only behind the acknowledgement, so a fact may appear again, none is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import structlog

from shared.bus.port import Subscription
from shared.bus.wire import PARTITIONS, Headers, Message, headers_of, partition_of
from shared.events.envelope import Record
from shared.events.topics import PUBLISHED_BY, dead_letters
from shared.runtime.metrics import RELAY_PROGRESS, RELAYED
from shared.runtime.room import Room
from shared.runtime.service import Kept
from shared.store.checkpoints import Claim, Fenced, advance, claim
from shared.store.parking import Parked, note_published, parked_facts

GROUP: Final = "relay"
CHUNK: Final = 2000
STUCK_SECONDS: Final = 30.0

log = structlog.get_logger()


class Publisher(Protocol):
    """Writes records in order; returns when all are acknowledged."""

    async def publish(self, messages: Sequence[Message]) -> None: ...

    async def close(self) -> None: ...


class Relay:
    """Publishes one room's log. `step` does one round; `run` does rounds for ever."""

    def __init__(
        self,
        room: Room,
        source: Subscription,
        publisher: Publisher,
        *,
        partitions: int = PARTITIONS,
        chunk: int = CHUNK,
    ) -> None:
        self._room = room
        self._source = source
        self._publisher = publisher
        self._partitions = partitions
        self._chunk = chunk
        self._place: Claim | None = None
        self._stepping = asyncio.Lock()

    async def step(self) -> bool:
        """Publish what stands behind the checkpoint; True when anything did."""
        async with self._stepping:
            if not await self._is_ours():
                return False
            try:
                moved = await self._publish_next()
            except Fenced:
                log.warning("relay.fenced", service=self._log)
                self._place = None
                return False
            if moved:
                RELAY_PROGRESS.labels(self._log).set_to_current_time()
            else:
                moved = await self._publish_parked()
            return moved

    async def is_caught_up(self) -> bool:
        """Everything of this log is published, by us or by the relay that owns it."""
        cursor = await self._room.pool.fetchval(
            "SELECT cursor FROM checkpoints WHERE group_name = $1 AND partition = $2",
            GROUP,
            self._log,
        )
        return await self._source.is_quiet({self._log: cursor or ""})

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until told to stop. The client hides outages: what does not move is said aloud."""
        while not stop.is_set():
            round_ = asyncio.create_task(self._round())
            done, _ = await asyncio.wait({round_}, timeout=STUCK_SECONDS)
            if not done:
                what = f"{STUCK_SECONDS:.0f} 秒没有进展, 消息代理可能不可用 / no progress, is the broker away?"
                self._room.health["relay"] = what
                log.warning("relay.stuck", service=self._log)
                await self._until_done_or_stopped(round_, stop)

    async def close(self) -> None:
        """Give the log back."""
        await self._publisher.close()
        await self._source.close()

    @property
    def _log(self) -> str:
        return self._room.service.name

    async def _round(self) -> None:
        try:
            moved = await self.step()
            self._room.health.pop("relay", None)
            if not moved:
                await self._source.wait(1.0)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            if self._room.health.get("relay") != what:
                log.warning("relay.failed", service=self._log, error=what)
            self._room.health["relay"] = what
            await asyncio.sleep(0.5)

    async def _until_done_or_stopped(self, round_: asyncio.Task[None], stop: asyncio.Event) -> None:
        """A send is never given up while we live: it would be sent twice."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({round_, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            round_.cancel()

    async def _is_ours(self) -> bool:
        if not await self._source.partitions():
            self._place = None
            return False
        if self._place is None:
            self._place = await claim(self._room.pool, GROUP, self._log)
        return True

    async def _publish_next(self) -> bool:
        place = self._place
        assert place is not None
        delivery = await self._source.read(self._log, place.cursor, self._chunk)
        if delivery.cursor == place.cursor:
            return False
        await self._publisher.publish(
            list(messages(self._log, delivery.records, self._room.service.kept, self._partitions))
        )
        await advance(
            self._room.pool,
            GROUP,
            self._log,
            epoch=place.epoch,
            old=place.cursor,
            new=delivery.cursor,
        )
        self._place = place._replace(cursor=delivery.cursor)
        RELAYED.labels(self._log).inc(len(delivery.records))
        return True

    async def _publish_parked(self) -> bool:
        """Parked facts stand on their dead-letter topic too, with the reason."""
        parked = await parked_facts(self._room.pool, unpublished=True, limit=500)
        if parked:
            await self._publisher.publish(
                [_dead_letter(self._log, one, self._partitions) for one in parked]
            )
            await note_published(self._room.pool, parked)
        return bool(parked)


def messages(
    log_name: str,
    records: Sequence[Record],
    kept: Kept | None = None,
    partitions: int = PARTITIONS,
) -> Iterator[Message]:
    """The Kafka records of these facts: a mark goes to every partition of the log's topics."""
    for record in records:
        headers = headers_of(record, log_name)
        if record.mark is not None:
            # A key of its own: compaction must not take the marks of earlier days away.
            key = f"{record.event_id}-{log_name}".encode()
            for topic in PUBLISHED_BY[log_name]:
                for number in range(partitions):
                    yield Message(topic, number, key, record.fact, headers)
            continue
        key = record.stream.encode()
        number = partition_of(key, partitions)
        yield Message(record.topic, number, key, record.fact, headers)
        if kept is not None:
            for topic, value in kept(record):
                yield Message(topic, number, key, value, headers)


def _dead_letter(group: str, parked: Parked, partitions: int) -> Message:
    record = parked.record
    key = record.stream.encode()
    headers: Headers = [
        *headers_of(record, ""),
        ("jicai_reason", parked.reason.encode()),
        ("jicai_partition", parked.partition.encode()),
    ]
    topic = dead_letters(record.topic, group)
    return Message(topic, partition_of(key, partitions), key, record.fact, headers)
