"""The envelope around every fact: who said it, when, about what (CloudEvents 1.0)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from shared.kernel.canonical import fact_sha256
from shared.kernel.clock import utc_text

PLATFORM = "urn:jicai:platform"
"""The source of facts that nobody sent: voids, moved dues, marks."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as a reader of the bus sees it.

    `fact` is the JSON of our enriched fact (see the other files of this room), complete for its
    readers: the sender's own bytes travel beside it and are nobody's input. `version` is the fact's
    place in its stream, `place` the one in its log (see `place_of`), `mark` the closing instant when
    the record is a mark and not a fact.
    """

    topic: str
    stream: str
    version: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    fact: bytes
    mark: datetime | None = None
    traceparent: str | None = None
    place: str = ""


Place = tuple[int, int, int]
"""Epoch, transaction and position: facts of one log stand in this order."""

NOWHERE: Final = (0, 0, 0)
"""Before every fact."""


def place_of(text: str) -> Place:
    """The place behind its text, `epoch:xid:position`; empty = before every fact."""
    if not text:
        return NOWHERE
    epoch, xid, position = text.split(":")
    return int(epoch), int(xid), int(position)


class Cause(msgspec.Struct, frozen=True, array_like=True):
    """The identity of an event: what evidence points to (证据)."""

    source: str
    id: str


def cause_of(record: Record) -> Cause:
    """The identity under which a record stands in evidence."""
    return Cause(record.source, record.event_id)


def written(*, source: str, id: str, type: str, time: datetime, data: Any) -> tuple[bytes, bytes]:
    """An event that we write for somebody: its hash and its bytes, in the form others send theirs."""
    sha256 = fact_sha256(source=source, id=id, type=type, time=time, subject=None, data=data)
    payload = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": type,
            "time": utc_text(time),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    return sha256, payload
