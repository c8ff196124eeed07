"""A program that knows only the contract and a Kafka client: it reads topics and keeps a table.

Nothing here knows the product's code, and it computes partitions by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

TOPICS = (
    "jicai.orders.v1", "jicai.deliveries.v1", "jicai.feedback.v1", "jicai.alerts.v1",
    "jicai.alerts.open.v1", "jicai.settlement.v1", "jicai.reference.v1",
)  # fmt: skip
PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Heard:
    """One record: CloudEvents in binary mode."""

    topic: str
    partition: int
    key: str
    headers: dict[str, str]
    data: Any
    """The JSON value; None is a tombstone."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.headers["ce_source"], self.headers["ce_id"]


def murmur2(data: bytes) -> int:
    """As Kafka's own clients hash a key, byte by byte from the description of MurmurHash2."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = (data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24) * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        for place, byte in enumerate(rest):
            h ^= byte << 8 * place
        h = h * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def partition_of(key: str) -> int:
    """Where every record of this key must stand."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


class Reader:
    """Reads all seven topics from where they ended when it was told to begin."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._from: dict[TopicPartition, int] = {}

    async def begin_here(self) -> None:
        """What stands on the topics now is others'; a topic that is not there yet is read whole."""
        async with _client(self._bootstrap) as client:
            there = await client.topics()
            places = [place for place in _places() if place.topic in there]
            if places:
                client.assign(places)
                self._from = await client.end_offsets(places)

    async def hear_all(self) -> list[Heard]:
        """Everything since then, in the order of each partition."""
        async with _client(self._bootstrap) as client:
            places = _places()
            client.assign(places)
            ends = await client.end_offsets(places)
            for place in places:
                client.seek(place, self._from.get(place, 0))
            heard = []
            while any([await client.position(place) < ends[place] for place in places]):
                for place, records in (await client.getmany(timeout_ms=300)).items():
                    heard += [_heard(place, record) for record in records]
            return heard


def table_of(heard: list[Heard]) -> dict[str, Any]:
    """A compacted topic as it is meant: the last value of each key, without those that ended."""
    table = {}
    for one in heard:
        table[one.key] = one.data
    return {key: data for key, data in table.items() if data is not None}


class _client(AIOKafkaConsumer):  # type: ignore[misc]  # untyped library
    """A plain client without a group, started and stopped."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap_servers=bootstrap, auto_offset_reset="earliest")


def _places() -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]


def _heard(place: TopicPartition, record: Any) -> Heard:
    return Heard(
        place.topic,
        place.partition,
        record.key.decode(),
        {name: value.decode() for name, value in record.headers},
        None if record.value is None else json.loads(record.value),
    )
