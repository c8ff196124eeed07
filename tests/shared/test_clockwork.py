"""Mechanism 7: the clockwork wakes what is due, whatever has fired before and whatever is broken."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from shared.events.topics import MARK_TYPE
from shared.runtime import clockwork
from shared.runtime.clockwork import BEGINNING, fire_due
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.testing.postgres import MONDAY, desk_of, open_room, whole_log
from shared.testing.toys import FIRED, a_note, noting

HOUR = timedelta(hours=1)
MIDNIGHT = MONDAY + 15 * HOUR
FIRED_BEFORE = 10_000


async def fired(room: Room) -> list[str]:
    return [row["stream"] for row in await whole_log(room.pool) if row["type"] == FIRED]


def the_time(room: Room) -> ManualTime:
    assert isinstance(room.time, ManualTime)
    return room.time


async def break_rows(room: Room, *names: str) -> None:
    """Their column says that they are due; their state knows of nothing."""
    await room.pool.execute(
        "UPDATE streams SET next_due = $2 WHERE stream = ANY($1)", names, MONDAY + HOUR
    )


async def test_a_row_that_cannot_fire_stops_no_other_and_no_mark(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than a chunk holds, and all before the one that is well."""
    monkeypatch.setattr(clockwork, "CHUNK", 2)
    monkeypatch.setattr("shared.runtime.marks._CHUNK", 2)
    async with open_room(database, noting()) as room:
        kit = desk_of(room).kit
        await append_marks(room.pool, kit)
        broken = ["a", "b", "c"]
        well = a_note("z", "z", due=MONDAY + 2 * HOUR, every=14 * HOUR, times=1)
        await desk_of(room).submit([*(a_note(name, name) for name in broken), well])
        await break_rows(room, *broken)
        the_time(room).set(MONDAY + 2 * HOUR)
        assert await fire_due(room.pool, kit) == 1
        the_time(room).set(MIDNIGHT)
        await desk_of(room).submit([a_note("y", "y")])  # behind its mark
        assert MARK_TYPE in [row["type"] for row in await whole_log(room.pool)]
        the_time(room).set(MIDNIGHT + 2 * HOUR)
        assert await fire_due(room.pool, kit) == 1
        assert await fired(room) == ["z", "z"]


async def test_behind_a_mark_everything_that_comes_due_fires(database: str) -> None:
    async with open_room(database, noting()) as room:
        kit = desk_of(room).kit
        await append_marks(room.pool, kit)
        notes = [a_note(f"{n}", f"{n}", due=MONDAY + n * HOUR) for n in range(1, 30)]
        await desk_of(room).submit(notes)
        for hour in range(1, 30):
            the_time(room).set(MONDAY + hour * HOUR)
            await append_marks(room.pool, kit, since_mark=True)
            assert await fired(room) == [f"{n}" for n in range(1, hour + 1)]


async def test_nothing_fires_an_instant_before_it_is_due(database: str) -> None:
    """Neither by the clockwork nor by whoever writes to the stream."""
    async with open_room(database, noting()) as room:
        kit = desk_of(room).kit
        await append_marks(room.pool, kit)
        notes = [a_note(name, name, due=MONDAY + HOUR) for name in ("s", "z")]
        await desk_of(room).submit(notes)
        the_time(room).set(MONDAY + HOUR - timedelta(microseconds=1))
        assert await fire_due(room.pool, kit) == 0
        await desk_of(room).submit([a_note("s", "s-early")])
        assert await fired(room) == []
        the_time(room).set(MONDAY + HOUR)
        await desk_of(room).submit([a_note("s", "s-due")])
        assert await fired(room) == ["s"]
        assert await fire_due(room.pool, kit) == 1
        assert await fired(room) == ["s", "z"]


async def test_what_is_due_before_the_last_mark_fires_when_somebody_looks_from_the_beginning(
    database: str,
) -> None:
    async with open_room(database, noting()) as room:
        kit = desk_of(room).kit
        await append_marks(room.pool, kit)
        the_time(room).set(MIDNIGHT)
        await append_marks(room.pool, kit)
        await desk_of(room).submit([a_note("s", "s", due=MIDNIGHT)])  # at once, at the mark itself
        assert await fire_due(room.pool, kit, since_mark=True) == 0
        assert await fire_due(room.pool, kit) == 1


async def test_what_has_fired_costs_a_later_look_nothing(database: str) -> None:
    """Its dead entries stand in the index as long as anybody may still see them: this test may."""
    async with open_room(database, noting()) as room:
        kit = desk_of(room).kit
        await append_marks(room.pool, kit)
        await room.pool.execute(
            """INSERT INTO streams (stream, version, state, next_due, first_position)
               SELECT 's' || n, 1, '', $1, n FROM generate_series(1, $2) n""",
            MIDNIGHT,
            FIRED_BEFORE,
        )
        async with room.pool.acquire() as reader, reader.transaction(isolation="repeatable_read"):
            await reader.fetchval("SELECT count(*) FROM streams")
            await room.pool.execute("UPDATE streams SET next_due = $1", MIDNIGHT + 90 * HOUR)
            the_time(room).set(MIDNIGHT)
            assert await append_marks(room.pool, kit) == 1
            mark = MIDNIGHT + timedelta(microseconds=1), ""
            assert await pages_met(room.pool, mark) < 6
            # From the beginning it meets every one of them, and the row that it once led to.
            assert await pages_met(room.pool, BEGINNING) > 60


async def pages_met(pool: asyncpg.Pool, behind: Any) -> int:
    """How many pages a look with nothing due asks for."""
    [(text,)] = await pool.fetch(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + clockwork._CANDIDATES,
        MIDNIGHT + HOUR, *behind, 500,
    )  # fmt: skip
    plan = json.loads(text)[0]["Plan"]
    assert plan["Actual Rows"] == 0
    pages: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages
