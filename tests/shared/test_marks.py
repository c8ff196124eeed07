"""Mechanisms 7, 8 and 13: marks come by themselves, and nobody needs to be awake for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.events.topics import MARKS
from shared.kernel.decider import Sent
from shared.runtime.clockwork import fire_due, next_due
from shared.runtime.marks import append_marks, next_closing_instant
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.testing.postgres import MONDAY, desk_of, fresh_database, open_room, whole_log
from shared.testing.toys import FIRED, a_note, noting

HOUR = timedelta(hours=1)


class Stubborn(ManualTime):
    """A clock that may be set back."""

    def set(self, now: datetime) -> None:
        self._now = now


async def _opened(room: Room) -> ManualTime:
    time = room.time
    assert isinstance(time, ManualTime)
    assert await append_marks(room.pool, desk_of(room).kit) == 0
    return time


async def _told(room: Room) -> list[tuple[str, Any, Any]]:
    """The log in short: marks as `mark`, else the type's middle word, with the two instants."""
    rows = await whole_log(room.pool)
    return [(row["type"].split(".")[1], row["stream"], row["recorded_at"]) for row in rows]


def test_closing_instants_are_nine_and_midnight_of_every_day_in_beijing() -> None:
    """Also of days that are no working days; an instant itself is not after itself."""
    at, found = MONDAY - HOUR, []
    for _ in range(5):
        at = next_closing_instant(at)
        found.append(at)
    nine = MONDAY
    midnight = MONDAY + 15 * HOUR
    day = timedelta(days=1)
    assert found == [nine, midnight, nine + day, midnight + day, nine + 2 * day]
    assert next_closing_instant(nine - timedelta(microseconds=1)) == nine


async def test_a_writer_that_finds_an_instant_passed_appends_its_mark_first(database: str) -> None:
    async with open_room(database, noting()) as room:
        time = await _opened(room)
        await desk_of(room).submit([a_note("s", "before")])
        midnight = MONDAY + 15 * HOUR
        time.set(midnight)  # the instant itself is passed
        await desk_of(room).submit([a_note("s", "after")])
        assert await _told(room) == [
            ("noted", "s", MONDAY), ("mark", "mark", midnight), ("noted", "s", midnight),
        ]  # fmt: skip


async def test_after_a_standstill_each_instant_has_one_mark_with_its_timers_before_it(
    database: str,
) -> None:
    """Nobody awake for a day and a half: what is due at a mark's instant still stands before it."""
    async with open_room(database, noting()) as room:
        time = await _opened(room)
        marks = [MONDAY + hours * HOUR for hours in (15, 24, 39)]
        due = {
            "early": marks[0] - HOUR,
            "at": marks[0],
            "between": marks[1] - HOUR,
            "last": marks[2],
        }
        notes = [a_note(name, name, due=at) for name, at in due.items()]
        notes.append(a_note("again", "again", due=marks[0] - HOUR, every=9 * HOUR, times=9))
        await desk_of(room).submit(notes)
        time.set(marks[2] + HOUR)
        await desk_of(room).submit([a_note("s", "after")])
        rows = (await _told(room))[5:]
        at = [when for what, _, when in rows if what == "mark"]
        assert at == marks
        segments = "".join("|" if what == "mark" else what[0] for what, _, _ in rows)
        assert segments == "fff|ff|ff|n"
        expected = sorted([*due.values(), *(marks[0] + n * 9 * HOUR - HOUR for n in range(3))])
        assert sorted(when for what, _, when in rows if what == "fired") == expected


async def test_a_clock_that_steps_back_dates_nothing_before_a_mark_that_stands(
    database: str,
) -> None:
    """A machine's clock may be set back; facts behind a mark are dated at it or later."""
    time = Stubborn(MONDAY)
    async with open_room(database, noting(), time=time) as room:
        await append_marks(room.pool, desk_of(room).kit)
        midnight = MONDAY + 15 * HOUR
        time.set(midnight + HOUR)
        await append_marks(room.pool, desk_of(room).kit)
        time.set(MONDAY)
        await desk_of(room).submit([a_note("s", "late")])
        assert await _told(room) == [("mark", "mark", midnight), ("noted", "s", midnight)]


async def test_a_clock_that_steps_back_dates_no_fact_before_those_of_its_stream(
    database: str,
) -> None:
    """Not by us who recorded them, nor by a process that has never seen the clock ahead."""
    time = Stubborn(MONDAY)
    async with open_room(database, noting(), time=time) as room:
        await append_marks(room.pool, desk_of(room).kit)
        ahead = MONDAY + 2 * HOUR
        time.set(ahead)
        await desk_of(room).submit([a_note("s", "ahead", due=ahead)])
        assert await fire_due(room.pool, desk_of(room).kit) == 1
    async with open_room(database, noting(), time=Stubborn(MONDAY)) as room:
        await desk_of(room).submit([a_note("s", "back")])
        await desk_of(room).submit([a_note("other", "alone")])
        assert await _told(room) == [
            ("noted", "s", ahead), ("fired", "s", ahead), ("noted", "s", ahead),
            ("noted", "other", MONDAY),
        ]  # fmt: skip


Step = tuple[datetime, list[Sent]]


def _story(seed: int, steps: int = 40) -> list[Step]:
    """Notes at odd moments, with timers that love the instants at which something else happens."""
    rng = random.Random(seed)
    now, story = MONDAY, []
    for number in range(steps):
        now += rng.choice([HOUR, 3 * HOUR, 7 * HOUR, 40 * HOUR, timedelta(minutes=1)])
        if rng.random() < 0.2:
            now = next_closing_instant(now)
        notes = []
        for stream in rng.sample(range(25), rng.randint(1, 6)):
            due = rng.choice([None, now + HOUR, now + 7 * HOUR, next_closing_instant(now), now])
            every = rng.choice([HOUR, 3 * HOUR, 7 * HOUR])
            notes.append(
                a_note(
                    f"s{stream}", f"{number}-{stream}", due=due, every=every, times=rng.randrange(9)
                )
            )
        story.append((now, notes))
    return story


_BUSY: set[asyncio.Task[int]] = set()
Worker = Callable[[Room, ManualTime, datetime], Awaitable[None]]


async def _punctual(room: Room, time: ManualTime, until: datetime) -> None:
    """Awake at every instant at which anything is due."""
    while True:
        mark = await room.pool.fetchval("SELECT next_mark FROM log_head")
        due = await next_due(room.pool)
        at = min(mark, due or mark)
        if at > until:
            return
        time.set(max(at, time.now))
        await append_marks(room.pool, desk_of(room).kit)
        await fire_due(room.pool, desk_of(room).kit)


async def _sleeping(_room: Room, _time: ManualTime, _until: datetime) -> None:
    """Never awake; only writers append marks."""


async def _eager(room: Room, time: ManualTime, until: datetime) -> None:
    """Four clockworks and two that append marks, all at once, beside the writer that follows."""
    time.set(until)
    kit = desk_of(room).kit
    works = [*(fire_due(room.pool, kit) for _ in range(4))]
    works += [append_marks(room.pool, kit) for _ in range(2)]
    for work in works:
        task = asyncio.create_task(work)
        _BUSY.add(task)
        task.add_done_callback(_BUSY.discard)
    await asyncio.sleep(0)


def _napping(seed: int) -> Worker:
    rng = random.Random(seed)

    async def nap(room: Room, time: ManualTime, until: datetime) -> None:
        await rng.choice([_punctual, _sleeping, _eager])(room, time, until)

    return nap


async def _lived(postgres: str, story: list[Step], worker: Worker) -> list[Any]:
    """The whole log of a story: each fact with the mark it stands before, by stream and version."""
    async with fresh_database(postgres) as dsn, open_room(dsn, noting(), size=12) as room:
        time = await _opened(room)
        for now, notes in story:
            await worker(room, time, now)
            time.set(max(now, time.now))
            verdicts = await desk_of(room).submit(notes)
            assert {verdict.status for verdict in verdicts} == {"accepted"}
            # An instant has one clock: what still works on it ends before the hand moves on.
            await asyncio.gather(*_BUSY)
        time.set(story[-1][0] + 100 * HOUR)
        await append_marks(room.pool, desk_of(room).kit)
        await fire_due(room.pool, desk_of(room).kit)
        rows = await whole_log(room.pool)
        return sorted(_placed(rows))


def _placed(rows: list[Any]) -> Iterator[tuple[Any, ...]]:
    passed = 0
    for row in rows:
        passed += row["topic"] == MARKS
        yield (
            row["stream"], row["version"], passed, row["type"], row["event_id"],
            row["occurred_at"], row["recorded_at"], row["fact"], row["sha256"],
        )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_log_does_not_tell_whether_anybody_was_awake(postgres: str, seed: int) -> None:
    """Punctual, sleeping, four eager ones, and naps: versions, instants, contents, marks are equal."""
    story = _story(seed)
    punctual = await _lived(postgres, story, _punctual)
    assert sum(row[3] == FIRED for row in punctual) > 60
    assert sum(row[3] == "jicai.mark.v1" for row in punctual) > 20
    for worker in (_sleeping, _eager, _napping(seed)):
        assert await _lived(postgres, story, worker) == punctual, worker.__name__
