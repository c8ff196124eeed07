"""What a consumer may ask of a bus: the same words for the log bus and for Kafka.

A *partition* is the unit of order and of ownership, a *cursor* an opaque text that names a place in
it. A bus delivers at least once, each stream's facts of one topic in order. Cursors are stored by
the consumer with its effects; the bus keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.events.envelope import Record

START = ""
"""The cursor before the oldest record."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Records of one partition in order, and the cursor behind the last of them.

    A mark, if there is one, is the last record: a batch is cut behind it (barrier before a close).
    """

    partition: str
    records: Sequence[Record]
    cursor: str


class Subscription(Protocol):
    """One consumer's view of the topics it reads."""

    async def partitions(self) -> Sequence[str]:
        """The partitions this process should work on now, e.g. `orders` or `jicai.orders.v1/3`."""
        ...

    async def closing_partitions(self) -> Sequence[str]:
        """Every partition that bears marks, owned by us or not: what a close waits for."""
        ...

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        """Up to `limit` records behind `cursor`; an empty delivery still may move the cursor."""
        ...

    async def is_behind(self, partition: str, cursor: str) -> bool:
        """Whether anything stands behind the cursor, even what may not be read yet."""
        ...

    async def is_quiet(self, cursors: Mapping[str, str]) -> bool:
        """Nothing stands behind any of these cursors, one by partition: one question for all."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when there may be something new, or after `seconds`."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


class Bus(Protocol):
    """A transport of facts."""

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Read `topics` as `group`."""
        ...
