"""What stands on the topics, read from the beginning by a plain client that knows none of our code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

MARK = "jicai.mark.v1"


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as it stands on its partition."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: dict[str, str]

    @property
    def identity(self) -> tuple[str, str]:
        """Who said it, and under which id."""
        return self.headers["ce_source"], self.headers["ce_id"]

    @property
    def is_mark(self) -> bool:
        """Whether it only says where a day ends."""
        return self.headers.get("ce_type") == MARK

    @property
    def version(self) -> int:
        """Its place in its stream."""
        return int(self.headers["ce_streamversion"])


async def everything_on(
    bootstrap: str, topics: Sequence[str], *, partitions: int = 12
) -> list[Seen]:
    """All records of these topics as they stand now, each partition in its order."""
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await client.start()
    try:
        places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        client.assign(places)
        ends = await client.end_offsets(places)
        await client.seek_to_beginning(*places)
        seen = []
        while any([await client.position(place) < ends[place] for place in places]):
            for place, records in (await client.getmany(timeout_ms=500)).items():
                seen += [
                    Seen(
                        place.topic, place.partition, r.offset, r.key, r.value,
                        {name: value.decode() for name, value in r.headers},
                    )
                    for r in records
                    if r.offset < ends[place]
                ]  # fmt: skip
        return sorted(seen, key=lambda one: (one.topic, one.partition, one.offset))
    finally:
        await client.stop()


def first_sightings(seen: Sequence[Seen]) -> list[Seen]:
    """Without marks, and each fact where it appears first."""
    known: set[tuple[str, ...]] = set()
    first = []
    for one in seen:
        if not one.is_mark and (one.topic, *one.identity) not in known:
            known.add((one.topic, *one.identity))
            first.append(one)
    return first


def assert_in_key_order(seen: Sequence[Seen]) -> None:
    """The version of a key's facts rises at their first sightings, in one partition."""
    versions: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    places: dict[tuple[str, bytes], set[int]] = defaultdict(set)
    for one in first_sightings(seen):
        versions[one.topic, one.key].append(one.version)
        places[one.topic, one.key].add(one.partition)
    assert all(found == sorted(set(found)) for found in versions.values()), "out of order for a key"
    assert all(len(found) == 1 for found in places.values()), "a key in two partitions"
