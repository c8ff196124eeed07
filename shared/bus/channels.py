"""One Kafka partition seen as the facts of one log: a channel (通道).

`jicai.reference.v1` is fed by two logs, and each log closes its days by itself: a consumer that
holds one at its mark must be able to go on with the other. So each log's facts in a partition are a
channel with a cursor of its own. A channel is what the port calls a partition; it is named
`topic/number:log`. Records are fetched once and dealt out; who cannot take them fetches them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.events.envelope import Record

BUFFER_MAX: Final = 4000


@dataclass(slots=True)
class Channel:
    """One log's facts in one partition: fetched up to `next`, handed out up to `cursor`."""

    log: str
    next: int
    buffer: deque[tuple[int, Record]] = field(default_factory=deque)
    cursor: int = 0

    def __post_init__(self) -> None:
        self.cursor = self.next

    def offer(self, offset: int, log: str, record: Record | None) -> None:
        """A fetched record: kept if it is this log's, passed over if not; a full channel waits."""
        if offset < self.next or len(self.buffer) >= BUFFER_MAX:
            return
        if log == self.log and record is not None:
            self.buffer.append((offset, record))
        self.next = offset + 1

    def take(self, limit: int) -> Sequence[Record]:
        """Up to `limit` records, cut behind a mark; the cursor moves behind them."""
        taken: list[Record] = []
        while self.buffer and len(taken) < limit:
            offset, record = self.buffer.popleft()
            taken.append(record)
            self.cursor = offset + 1
            if record.mark is not None:
                break
        if not self.buffer:
            self.cursor = self.next
        return taken

    @property
    def is_full(self) -> bool:
        """It takes nothing more before something is handed out."""
        return len(self.buffer) >= BUFFER_MAX


@dataclass(slots=True)
class Stream:
    """One Kafka partition in this process's hands: where its fetching stands, and its channels."""

    position: int = -1
    channels: dict[str, Channel] = field(default_factory=dict)

    def deal(self, offset: int, log: str, record: Record | None) -> None:
        """Offer a fetched record to every channel that has missed nothing before it.

        A channel that stands behind the fetching has: offered what comes later, it would pass over
        all that lies between, and nobody would ever fetch that again.
        """
        for channel in self.channels.values():
            if channel.next >= self.position:
                channel.offer(offset, log, record)
        self.position = offset + 1

    @property
    def wanted(self) -> int:
        """Where fetching should stand: at the hindmost channel that can take something.

        One that was full counts again when it is empty: sooner, the same records would be fetched
        anew for each few that it hands out.
        """
        return min(
            (c.next for c in self.channels.values() if not c.buffer or self._can_take(c)),
            default=self.position,
        )

    @property
    def wants_more(self) -> bool:
        """Whether fetching on serves anybody."""
        return any(self._can_take(channel) for channel in self.channels.values())

    def _can_take(self, channel: Channel) -> bool:
        return 0 <= self.position <= channel.next and not channel.is_full
