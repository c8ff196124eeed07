"""A handler that cannot take certain facts, and a toy service around it that remembers the order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.testing.postgres import open_room
from shared.testing.toys import hear, hearing

TOPICS = (ORDERS, DELIVERIES, FEEDBACK)

_REMEMBER = """
CREATE TABLE IF NOT EXISTS alerts.said (
    place   bigint GENERATED ALWAYS AS IDENTITY,
    topic   text NOT NULL,
    stream  text NOT NULL,
    version integer NOT NULL
);
GRANT SELECT, INSERT ON alerts.said TO jicai_alerts;"""


@dataclass
class Handler:
    """Hears facts and writes down in which order, but for those it cannot take."""

    poison: set[str] = field(default_factory=set)
    deadly: set[str] = field(default_factory=set)
    quarrelling: set[str] = field(default_factory=set)
    failing: Callable[[], Exception | None] = lambda: None
    calls: int = 0

    async def __call__(self, tx: Any, records: Sequence[Record], room: Any) -> None:
        self.calls += 1
        if self.quarrelling and self.quarrelling <= {record.event_id for record in records}:
            raise ValueError("these cannot be taken together")
        await hear(tx, records, room)
        for record in records:
            if record.event_id in self.deadly:
                os._exit(9)
            if record.event_id in self.poison:
                raise ValueError(f"cannot take {record.event_id}")
            await tx.execute(
                "INSERT INTO said (topic, stream, version) VALUES ($1, $2, $3)",
                record.topic,
                record.stream,
                record.version,
            )
        if error := self.failing():
            raise error


def service_of(handler: Handler) -> Service:
    """The toy hearer with this handler."""
    return replace(hearing(TOPICS), fold=handler)


@asynccontextmanager
async def poisoned_room(dsn: str, handler: Handler) -> AsyncIterator[Room]:
    """Its room over an empty database."""
    async with open_room(dsn, service_of(handler)) as room:
        owner = await asyncpg.connect(dsn)
        try:
            await owner.execute(_REMEMBER)
        finally:
            await owner.close()
        yield room


async def said(room: Room) -> dict[tuple[str, str], list[int]]:
    """The versions of each key in the order they were taken."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in await room.pool.fetch("SELECT * FROM said ORDER BY place"):
        found.setdefault((row["topic"], row["stream"]), []).append(row["version"])
    return found


async def shelf(room: Room) -> list[tuple[str, str, int]]:
    """What is parked, in order."""
    rows = await room.pool.fetch("SELECT topic, stream, version FROM parked ORDER BY seq")
    return [(row["topic"], row["stream"], row["version"]) for row in rows]
