"""What the conformance suite needs of a bus under test, and a consumer as bare as can be."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from shared.bus.port import START, Bus, Subscription
from shared.events.envelope import Record

T = TypeVar("T")

GROUP = "hearers"
"""A group that is no service, so that it hears every log."""

PATIENCE = 20.0
"""Seconds until a suite gives a bus up; nothing waits so long when all is well."""


@dataclass(frozen=True, slots=True)
class Told:
    """One fact to publish; its id tells it from all others."""

    topic: str
    stream: str
    id: str


class BusCase(Protocol):
    """A bus under test: how facts and marks get into it, and processes that read from it.

    `topics` are at least two of one log, then one of another; `never_repeats` says that a reader is
    never handed the same fact twice.
    """

    topics: Sequence[str]
    never_repeats: bool

    async def publish(self, facts: Sequence[Told]) -> None:
        """Publish facts in this order; returns when no later publication can overtake them."""
        ...

    async def mark(self) -> datetime:
        """Append the next closing instant to every log, behind all that was published."""
        ...

    async def process(self) -> Bus:
        """The bus as another process of the same installation has it."""
        ...

    async def kill(self, bus: Bus) -> None:
        """End such a process without a word: it gives nothing back by itself."""
        ...

    def held_horizon(self) -> AbstractAsyncContextManager[None]:
        """While inside, what is published may not be read yet; a bus without a horizon does nothing."""
        ...


@dataclass
class Listener:
    """Keeps its cursors in memory and everything it was handed, by partition, in order."""

    subscription: Subscription
    limit: int = 7
    cursors: dict[str, str] = field(default_factory=dict)
    heard: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    async def round(self) -> bool:
        """Read once from every partition in hand; True when a cursor moved."""
        moved = False
        for partition in await self.subscription.partitions():
            cursor = self.cursors.get(partition, START)
            delivery = await self.subscription.read(partition, cursor, self.limit)
            assert delivery.partition == partition
            assert len(delivery.records) <= self.limit
            if delivery.cursor == cursor:
                assert not delivery.records, "records came without a cursor behind them"
                continue
            self.cursors[partition] = delivery.cursor
            self.heard[partition] += delivery.records
            moved = True
        return moved

    async def is_behind(self) -> bool:
        """Whether anything stands behind any cursor."""
        partitions = await self.subscription.partitions()
        behind = [
            await self.subscription.is_behind(p, self.cursors.get(p, START)) for p in partitions
        ]
        return any(behind)

    async def hear_all(self) -> None:
        """Read until nothing stands behind."""
        await self.hear_until(lambda: False)

    async def hear_until(self, enough: Callable[[], bool]) -> None:
        """Read until it is enough, or nothing stands behind; patience is finite."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not enough():
            if not await self.round():
                if not await self.is_behind():
                    return
                await self.subscription.wait(0.01)
            assert asyncio.get_running_loop().time() < deadline, "the bus never caught up"

    def records(self) -> list[Record]:
        """Everything handed out."""
        return [record for heard in self.heard.values() for record in heard]

    def ids(self) -> list[str]:
        """The ids of all facts handed out."""
        return [record.event_id for record in self.records() if record.mark is None]


def first_sightings(records: Sequence[Record]) -> list[Record]:
    """Without repeats: the facts above their stream's mark of versions, the marks above the last."""
    highest: dict[tuple[str, str], int] = {}
    last_mark: datetime | None = None
    fresh = []
    for record in records:
        if record.mark is not None:
            if last_mark is None or record.mark > last_mark:
                fresh.append(record)
                last_mark = record.mark
            continue
        key = (record.topic, record.stream)
        if record.version > highest.get(key, 0):
            fresh.append(record)
            highest[key] = record.version
    return fresh


async def eventually(true: Callable[[], Awaitable[T]]) -> T:
    """Ask until the answer is true, and return it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        answer = await true()
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


def some_facts(
    case: BusCase, count: int, *, name: str = "f", streams: int = 6, seed: int = 1
) -> list[Told]:
    """Facts over all topics; a stream of the first log feeds two topics, as an order does."""
    rng = random.Random(seed)  # noqa: S311
    facts = []
    for number in range(count):
        topic = rng.choice(case.topics)
        kind = "b" if topic == case.topics[-1] else "a"
        facts.append(Told(topic, f"{name}{kind}{rng.randrange(streams)}", f"{name}-{number}"))
    return facts


async def a_listener(case: BusCase, *, limit: int = 7) -> Listener:
    """A listener in a process of its own."""
    bus = await case.process()
    return Listener(bus.subscribe(GROUP, case.topics), limit)


def assert_complete(listener: Listener, facts: Sequence[Told]) -> None:
    """Every fact once in its first sighting, each stream and topic in the order published."""
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fact in facts:
        told[fact.topic, fact.stream].append(fact.id)
    heard: dict[tuple[str, str], list[str]] = defaultdict(list)
    for records in listener.heard.values():
        for record in first_sightings(records):
            if record.mark is None:
                heard[record.topic, record.stream].append(record.event_id)
    assert heard == told
