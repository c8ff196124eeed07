"""Plays an oracle's history through the rooms themselves, without HTTP: what a log then holds."""

from __future__ import annotations

import msgspec

from services.orders.api.reading import BadItem, read_event
from services.orders.api.recording import entry_of, put_entries
from shared.events.envelope import Record
from shared.kernel.decider import Sent
from shared.kernel.errors import Refusal
from shared.runtime.actors import parse_actor
from shared.runtime.clockwork import fire_due
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.horizon import Cursor, epoch_of, read
from shared.testing.postgres import desk_of
from tests.oracle.histories import REFERENCE_ACTOR, History

KINDS = {
    "organisations": "organisation", "products": "product", "batches": "batch",
    "agreements": "agreement", "listings": "listing", "demand-reports": "demand-report",
}  # fmt: skip


async def play(room: Room, history: History, *, awake: bool) -> None:
    """Every step of a history; `awake` says whether a clockwork runs after each move of the clock."""
    time = room.time
    assert isinstance(time, ManualTime)
    time.set(history.start)
    await append_marks(room.pool, desk_of(room).kit)
    await put(room, history.puts)
    for step in history.steps:
        if step[0] == "clock":
            time.set(step[1])
            if awake:
                await append_marks(room.pool, desk_of(room).kit)
                await fire_due(room.pool, desk_of(room).kit)
        elif step[0] == "put":
            await put(room, [step[1:]])
        else:
            await desk_of(room).submit(read_events(step[1], step[2]))
    await append_marks(room.pool, desk_of(room).kit)
    await fire_due(room.pool, desk_of(room).kit)


async def put(room: Room, puts: list) -> None:  # type: ignore[type-arg]
    """Register these entries as the province."""
    entries = []
    for path, body in puts:
        _, _, word, id_ = path.strip("/").split("/")
        entries.append(entry_of(KINDS[word], id_, body))
    refusals = await put_entries(room, parse_actor(REFERENCE_ACTOR), entries)
    assert refusals == [None] * len(entries), refusals


def read_events(actor: str, events: list) -> list[Sent]:  # type: ignore[type-arg]
    """What the door makes of these events; malformed ones are left out."""
    sent = []
    for event in events:
        try:
            sent.append(read_event(msgspec.json.encode(event), parse_actor(actor)))
        except (BadItem, Refusal):
            continue
    return sent


async def records_of(room: Room, topics: tuple[str, ...]) -> list[Record]:
    """A room's log as a relay would read it."""
    async with room.pool.acquire() as connection:
        place, records = Cursor(await epoch_of(connection), 0, 0), []
        while True:
            some, place = await read(connection, place, 1000, topics)
            if not some:
                return records
            records += some
