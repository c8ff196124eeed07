"""The third bus: in memory, and with the worst manners that the port allows.

Several partitions per topic, each as far behind as it likes, so that topics overtake one another;
stretches come again as a relay re-sends them after a crash, marks and all; partitions move between
the members of a group without warning. Everything by seed. What it never does is what no bus may:
lose a record, or turn two facts of one stream and topic round.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.bus.port import Delivery
from shared.events.envelope import Record
from shared.events.topics import BEARS_MARKS, PUBLISHED_BY


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How badly a bus behaves; chances are per record, per read and per look."""

    partitions: int = 3
    resend: float = 0.05
    stretch_max: int = 30
    hide: float = 0.5
    move: float = 0.05


RUDE: Final = Manners()
TAME: Final = Manners(partitions=1, resend=0, hide=0, move=0)
"""One partition per topic, everything once, at once: plain order."""


@dataclass(slots=True)
class _Partition:
    log: str
    topic: str
    records: list[Record] = field(default_factory=list)
    shown: int = 0
    laziness: float = 0.0


class AdversarialBus:
    """Holds the partitions of these logs; `publish` is what a relay would write."""

    def __init__(
        self,
        logs: Sequence[str] = ("orders", "feedback"),
        *,
        seed: int = 0,
        manners: Manners = RUDE,
    ) -> None:
        self.manners = manners
        self.random = random.Random(seed)  # noqa: S311
        self.partitions: dict[str, _Partition] = {
            f"{log}:{topic}/{number}": _Partition(
                log, topic, laziness=self.random.random() * manners.hide * 1.8
            )
            for log in logs
            for topic in PUBLISHED_BY[log]
            for number in range(manners.partitions)
        }
        self.members: dict[str, list[AdversarialSubscription]] = {}
        self.owners: dict[tuple[str, str], AdversarialSubscription] = {}

    def publish(self, log: str, records: Sequence[Record]) -> None:
        """Append records in the log's order; a mark goes to every partition of the log."""
        for record in records:
            for name, partition in self.partitions.items():
                if partition.log == log and self._belongs(record, name, partition):
                    partition.records.append(record)
                    self._send_again(partition)
        for members in self.members.values():
            for member in members:
                member.wake()

    def subscribe(self, group: str, topics: Sequence[str]) -> AdversarialSubscription:
        """Join a group; it takes partitions over from the others."""
        joined = AdversarialSubscription(self, group, topics)
        self.members.setdefault(group, []).append(joined)
        for name in joined.names:
            if (group, name) not in self.owners or self.random.random() < 0.5:
                self.owners[group, name] = joined
        return joined

    def leave(self, member: AdversarialSubscription) -> None:
        """Give a member's partitions to the others, or to nobody."""
        others = self.members[member.group]
        others.remove(member)
        for key in [key for key, owner in self.owners.items() if owner is member]:
            if others:
                self.owners[key] = self.random.choice(others)
            else:
                del self.owners[key]

    def rebalance(self, group: str) -> None:
        """Perhaps move one partition to somebody else."""
        keys = sorted(key for key in self.owners if key[0] == group)
        if keys and self.random.random() < self.manners.move:
            self.owners[self.random.choice(keys)] = self.random.choice(self.members[group])

    def reveal(self, partition: _Partition) -> None:
        """Show some more of a partition, or nothing this time."""
        hidden = len(partition.records) - partition.shown
        if hidden and self.random.random() >= partition.laziness:
            few = self.manners.hide > 0 and self.random.random() < 0.7
            partition.shown += self.random.randint(1, min(hidden, 10)) if few else hidden

    def ends(self, topics: Sequence[str]) -> dict[str, str]:
        """The cursor behind everything, for each partition of these topics that holds anything."""
        return {
            name: str(len(partition.records))
            for name, partition in self.partitions.items()
            if partition.topic in topics and partition.records
        }

    async def close(self) -> None:
        """Nothing to give back."""

    def _belongs(self, record: Record, name: str, partition: _Partition) -> bool:
        if record.mark is not None:
            return True
        number = zlib.crc32(record.stream.encode()) % self.manners.partitions
        return partition.topic == record.topic and name.endswith(f"/{number}")

    def _send_again(self, partition: _Partition) -> None:
        """A relay that died before its checkpoint writes its last stretch once more."""
        if self.random.random() < self.manners.resend:
            count = self.random.randint(1, self.manners.stretch_max)
            partition.records += partition.records[-count:]


class AdversarialSubscription:
    """One process's view: whatever it owns just now, shown bit by bit."""

    def __init__(self, bus: AdversarialBus, group: str, topics: Sequence[str]) -> None:
        self._bus = bus
        self.group = group
        self.names = [name for name, p in bus.partitions.items() if p.topic in topics]
        self._waker = asyncio.Event()

    def wake(self) -> None:
        """Something was published."""
        self._waker.set()

    async def partitions(self) -> Sequence[str]:
        """What this process owns, in any order; it may be something else next time."""
        self._bus.rebalance(self.group)
        mine = [name for name in self.names if self._bus.owners.get((self.group, name)) is self]
        self._bus.random.shuffle(mine)
        return mine

    async def closing_partitions(self) -> Sequence[str]:
        """Every partition of a log that bears marks."""
        return [name for name in self.names if self._bus.partitions[name].log in BEARS_MARKS]

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        """Records behind the cursor, as far as shown; cut behind a mark."""
        place, held = int(cursor or 0), self._bus.partitions[partition]
        self._bus.reveal(held)
        records = held.records[place : min(place + limit, held.shown)]
        marks = [n for n, record in enumerate(records, 1) if record.mark is not None]
        records = records[: marks[0]] if marks else records
        return Delivery(partition, records, str(place + len(records)) if records else cursor)

    async def is_behind(self, partition: str, cursor: str) -> bool:
        """Whether anything stands behind the cursor, shown or not."""
        return int(cursor or 0) < len(self._bus.partitions[partition].records)

    async def is_quiet(self, cursors: Mapping[str, str]) -> bool:
        """Nothing stands behind any of these cursors."""
        return not any([await self.is_behind(p, cursor) for p, cursor in cursors.items()])

    async def wait(self, seconds: float) -> None:
        """Until something is published, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` of 3.11 may swallow a cancellation
                await self._waker.wait()
        self._waker.clear()

    async def close(self) -> None:
        """Leave the group."""
        if self in self._bus.members[self.group]:
            self._bus.leave(self)
