"""The bus in memory, with the manners of the adversarial one, every rudeness a step of the story (内存总线).

The synchronous sibling of `shared.testing.adversarial`: that one draws as it goes, here a step says what
happens, so that a list of steps without some of them is a story too.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS, REFERENCE
from tests.simulation.journal import Journal

NUMBERS: Final = 2
"""Partitions of a topic."""
TOPICS_OF: Final = {"orders": (ORDERS, DELIVERIES), "feedback": (FEEDBACK, REFERENCE)}

SENT, LOST, UNACKNOWLEDGED = "sent", "lost", "unacknowledged"
"""What becomes of a relay's stretch: taken, never arrived, or taken by some without the relay knowing."""


@dataclass(slots=True)
class Partition:
    """One partition; while it is held back, readers see as much of it as they saw when that began."""

    log: str
    topic: str
    records: list[Record] = field(default_factory=list)
    shown: int | None = None

    @property
    def end(self) -> int:
        """How much of it is to be seen."""
        return len(self.records) if self.shown is None else self.shown


class Bus:
    """The partitions, and for each log its relay's checkpoint."""

    def __init__(self, journals: dict[str, Journal], *, checkpoint_first: bool = False) -> None:
        self._journals, self._checkpoint_first = journals, checkpoint_first
        self.relayed = dict.fromkeys(TOPICS_OF, 0)
        self.partitions = {
            f"{topic}/{number}": Partition(log, topic)
            for log, topics in TOPICS_OF.items()
            for topic in topics
            for number in range(NUMBERS)
        }
        self._of = {
            log: [(name, one) for name, one in self.partitions.items() if one.log == log]
            for log in TOPICS_OF
        }

    def relay(self, log: str, count: int, fate: str, arrived: int) -> None:
        """Send the next stretch of a log; of an unacknowledged one some partitions have got it."""
        begins = self.relayed[log]
        stretch = self._journals[log].log[begins : begins + count]
        if fate == SENT or self._checkpoint_first:
            self.relayed[log] = begins + len(stretch)
        if fate == LOST:
            return
        for record in stretch:
            for place, (name, partition) in enumerate(self._of[log]):
                reached = fate == SENT or arrived >> place & 1
                if reached and _belongs(record, name, partition):
                    partition.records.append(record)

    def hold(self, number: int, *, back: bool) -> None:
        """Hold a partition back, or let it go."""
        partition = list(self.partitions.values())[number % len(self.partitions)]
        partition.shown = partition.end if back else None


def _belongs(record: Record, name: str, partition: Partition) -> bool:
    if record.mark is not None:
        return True
    number = zlib.crc32(record.stream.encode()) % NUMBERS
    return partition.topic == record.topic and name.endswith(f"/{number}")
