"""A member of a consumer group behind the port: partitions of topics, handed out as channels.

The group only shares out the partitions; offsets are the consumer's cursors and are stored with its
effects. What is fetched is dealt out to channels (see `channels`), a batch in hand when a partition
is revoked is fenced by its checkpoint's epoch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from shared.bus.channels import Channel, Stream
from shared.bus.port import Delivery
from shared.bus.wire import Headers, log_of, record_of
from shared.events.topics import BEARS_MARKS, PUBLISHED_BY

log = structlog.get_logger()


GIVEN_WITHIN: Final = 20.0
"""Seconds in which a group has shared out, or this member is not in it any more without knowing."""


class PartitionId(NamedTuple):
    """One partition of a topic, by the topic's own name."""

    topic: str
    number: int

    @classmethod
    def parse(cls, text: str) -> PartitionId:
        """The one that is written so: `topic/number`."""
        topic, _, number = text.rpartition("/")
        return cls(topic, int(number))

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Fetched(NamedTuple):
    """One record as a broker has it."""

    offset: int
    headers: Headers
    value: bytes | None


class Member(Protocol):
    """What a client library must do for us."""

    async def start(self, streams: Assignments) -> None:
        """Join the group; tell `streams` what is given and taken away."""

    async def fetch(
        self, places: Sequence[PartitionId], seconds: float
    ) -> Mapping[PartitionId, Sequence[Fetched]]:
        """What has been fetched of these places, or is within so many seconds."""
        ...

    def go_to(self, place: PartitionId, offset: int) -> bool:
        """Fetch from here on; False for a place that is revoked at this moment."""
        ...

    async def ends(self, places: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        """The offsets behind the last records."""
        ...

    async def beginning(self, place: PartitionId) -> int:
        """The offset of the oldest record."""
        ...

    async def close(self) -> None:
        """Leave the group."""


class Assignments:
    """What the group has given this member, and how far it has fetched there."""

    def __init__(self) -> None:
        self.streams: dict[PartitionId, Stream] = {}
        self.is_complete = False
        self.waiting_since: float | None = None

    def revoked(self, places: Iterable[PartitionId]) -> None:
        """Taken away: what was fetched is forgotten."""
        self.is_complete = False
        self.waiting_since = None
        for place in places:
            self.streams.pop(place, None)

    def waits_too_long(self, now: float) -> bool:
        """Whether nothing has been given for so long that the client must have lost its way."""
        if self.is_complete:
            return False
        if self.waiting_since is None:
            self.waiting_since = now
        return now - self.waiting_since > GIVEN_WITHIN

    def assigned(self, places: Iterable[PartitionId]) -> None:
        """Given: nothing is fetched before the consumer says where it stands."""
        for place in places:
            self.streams[place] = Stream()
        self.is_complete = True


class GroupSubscription:
    """One service's view of its topics over a broker."""

    def __init__(
        self, member: Member, group: str, topics: Sequence[str], *, partitions: int
    ) -> None:
        self.member = member
        self._group = group
        self._topics = list(topics)
        self._numbers = range(partitions)
        self._given = Assignments()
        self._is_started = False

    async def partitions(self) -> Sequence[str]:
        """The channels of the partitions that the group has given us; what came is dealt out."""
        await self._deal_out(0)
        places = list(self._given.streams)
        return sorted(name for place in places for name in self._names(place.topic, [place.number]))

    async def closing_partitions(self) -> Sequence[str]:
        """Every channel that bears marks, whoever has it."""
        return [name for name in self._all_names() if _parse(name)[1] in BEARS_MARKS]

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        """Up to `limit` records behind the cursor; from anywhere but where it stands, it seeks."""
        place, channel_log = _parse(partition)
        stream = self._given.streams.get(place)
        if stream is None:  # revoked meanwhile
            return Delivery(partition, [], cursor)
        offset = await self._offset(place, cursor)
        channel = stream.channels.get(channel_log)
        if channel is None or channel.cursor != offset:
            channel = stream.channels[channel_log] = Channel(channel_log, offset)
        # Not where this channel stands: another of the same place may stand further back.
        wanted = stream.wanted
        if stream.position != wanted and self.member.go_to(place, wanted):
            stream.position = wanted
        records = channel.take(limit)
        return Delivery(partition, records, str(channel.cursor))

    async def is_behind(self, partition: str, cursor: str) -> bool:
        """Whether anything stands behind the cursor."""
        return not await self.is_quiet({partition: cursor})

    async def is_quiet(self, cursors: Mapping[str, str]) -> bool:
        """Nothing stands behind any of these cursors: one question to the broker for all."""
        await self._started()
        if not cursors:
            return self._given.is_complete  # before the group has shared out, nobody knows
        places = {name: _parse(name)[0] for name in cursors}
        ends = await self.member.ends(set(places.values()))
        for name, cursor in cursors.items():
            if await self._offset(places[name], cursor) < ends[places[name]]:
                return False
        return True

    async def wait(self, seconds: float) -> None:
        """Until something is fetched; it is dealt out at once and read next."""
        await self._deal_out(seconds)

    async def ends(self) -> dict[str, str]:
        """The cursors behind everything now, over all partitions, ours or not."""
        places = {name: _parse(name)[0] for name in self._all_names()}
        found = await self.member.ends(set(places.values()))
        return {name: str(found[place]) for name, place in places.items()}

    async def close(self) -> None:
        """Leave the group."""
        self._given.revoked(list(self._given.streams))
        self._is_started = False
        await self.member.close()

    async def _started(self) -> None:
        if not self._is_started:
            self._is_started = True
            await self.member.start(self._given)

    async def _deal_out(self, seconds: float) -> None:
        await self._started()
        wanting = {p: stream for p, stream in self._given.streams.items() if stream.wants_more}
        if self._given.waits_too_long(asyncio.get_running_loop().time()):
            # The client hides it when its joining is stuck: liveness is judged by progress.
            log.warning("group.joins_anew", group=self._group)
            self._given.revoked(list(self._given.streams))
            await self.member.close()
            await self.member.start(self._given)
            return
        if not wanting:  # no assignment yet, or every channel is full
            await asyncio.sleep(min(seconds, 0.02))
            return
        for place, records in (await self.member.fetch(list(wanting), seconds)).items():
            stream = self._given.streams.get(place)
            # Taken away and given again meanwhile it is another stream, which nobody has begun yet:
            # what was fetched for the old one would make it look as if it stood where it never was.
            if stream is not None and stream is wanting.get(place):
                for fetched in records:
                    _deal(stream, place.topic, fetched)

    async def _offset(self, place: PartitionId, cursor: str) -> int:
        return int(cursor) if cursor else await self.member.beginning(place)

    def _all_names(self) -> list[str]:
        return [name for topic in self._topics for name in self._names(topic, self._numbers)]

    def _names(self, topic: str, numbers: Iterable[int]) -> list[str]:
        """The channels of these partitions: one a log that publishes the topic, but our own."""
        logs = [s for s, topics in PUBLISHED_BY.items() if topic in topics and s != self._group]
        return [f"{topic}/{number}:{one}" for number in numbers for one in logs]


def _parse(partition: str) -> tuple[PartitionId, str]:
    place, _, channel_log = partition.rpartition(":")
    return PartitionId.parse(place), channel_log


def _deal(stream: Stream, topic: str, fetched: Fetched) -> None:
    """A fetched record to its channels; what is no fact of ours is passed over, and said."""
    said = log_of(fetched.headers)
    record = None
    if said:
        try:
            record = record_of(topic, fetched.headers, fetched.value)
        except ValueError as error:
            log.error("kafka.not_a_fact", topic=topic, offset=fetched.offset, error=str(error))
    stream.deal(fetched.offset, said, record)
