"""A fact as a Kafka record (CloudEvents binary mode) and back; and which partition its key belongs to.

Key = stream, value = the enriched fact, everything else in headers. Marks travel the same way, to
every partition of their log's topics; readers who do not know them pass them over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from shared.events.envelope import Record
from shared.events.topics import MARK_TYPE, MARKS
from shared.kernel.clock import utc_text

Headers = list[tuple[str, bytes]]

PARTITIONS: Final = 12
"""Of every topic, never changed within a topic's version: a key would move."""

_JSON: Final = b"application/json"


class Message(msgspec.Struct, frozen=True):
    """One Kafka record to write; without a value it is a tombstone."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers


def headers_of(record: Record, log: str) -> Headers:
    """The envelope as headers; `ce_log` names the log that says it, for a topic may have two."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", record.event_id.encode()),
        ("ce_source", record.source.encode()),
        ("ce_type", record.type.encode()),
        ("ce_time", utc_text(record.occurred_at).encode()),
        ("ce_subject", record.stream.encode()),
        ("ce_streamversion", b"%d" % record.version),
        ("ce_recordedtime", _recorded(record.recorded_at)),
        ("ce_log", log.encode()),
        ("content-type", _JSON),
    ]
    if record.place:
        headers.append(("ce_logposition", record.place.encode()))
    if record.traceparent is not None:
        headers.append(("traceparent", record.traceparent.encode()))
    return headers


@lru_cache(maxsize=64)
def _recorded(at: datetime) -> bytes:
    """Facts of one transaction share the instant at which they were recorded."""
    return utc_text(at).encode()


def record_of(topic: str, headers: Iterable[tuple[str, bytes]], value: bytes | None) -> Record:
    """The fact behind a Kafka record; ValueError where it is none of ours."""
    said = dict(headers)
    try:
        type_ = said["ce_type"].decode()
        occurred_at = datetime.fromisoformat(said["ce_time"].decode())
        is_mark = type_ == MARK_TYPE
        trace = said.get("traceparent")
        return Record(
            topic=MARKS if is_mark else topic,
            stream=said["ce_subject"].decode(),
            version=int(said["ce_streamversion"]),
            source=said["ce_source"].decode(),
            event_id=said["ce_id"].decode(),
            type=type_,
            occurred_at=occurred_at,
            recorded_at=datetime.fromisoformat(said["ce_recordedtime"].decode()),
            fact=value or b"",
            mark=occurred_at if is_mark else None,
            traceparent=None if trace is None else trace.decode(),
            place=said.get("ce_logposition", b"").decode(),
        )
    except KeyError as missing:
        raise ValueError(f"the header {missing} is missing") from None


def log_of(headers: Iterable[tuple[str, bytes]]) -> str:
    """Which log said it; empty for a record that is none of ours."""
    for name, value in headers:
        if name == "ce_log":
            return value.decode()
    return ""


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, count: int = PARTITIONS) -> int:
    """The partition of a key as the Java client computes it, so that every client agrees."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """MurmurHash2 with Kafka's seed, as an unsigned 32-bit integer."""
    mask, mix = 0xFFFFFFFF, 0x5BD1E995
    length = len(data)
    tail = length & ~3
    h = 0x9747B28C ^ length
    for start in range(0, tail, 4):
        k = int.from_bytes(data[start : start + 4], "little") * mix & mask
        h = (h * mix & mask) ^ ((k ^ k >> 24) * mix & mask)
    if length > tail:
        h = (h ^ int.from_bytes(data[tail:], "little")) * mix & mask
    h = (h ^ h >> 13) * mix & mask
    return h ^ h >> 15
