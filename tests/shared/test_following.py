"""What follows from a fact at once, and what a reader sees between a deadline and its clockwork."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.events.topics import MARKS
from shared.kernel.decider import Decided, Sent
from shared.runtime.clockwork import fire_due
from shared.runtime.handling import Kit
from shared.runtime.time import ManualTime
from shared.testing.postgres import MONDAY, desk_of, open_room, whole_log
from shared.testing.toys import FIRED, TOY_RULES, Fired, Noted, Toy, a_note, noting

HOUR = timedelta(hours=1)


def _with_an_echo(toy: Toy | None, sent: Sent, now: Any, world: None) -> Decided:
    """Every note brings about one of the platform's own."""
    decided = TOY_RULES.decide(toy, sent, now, world)
    echo = Decided(
        topic=decided.topic, type=FIRED, fact=Fired(7), at=now,
        event_id=f"echo-{sent.event_id}", data={"count": 7},
    )  # fmt: skip
    return replace(decided, also=[echo])


async def test_a_fact_and_what_follows_from_it_are_recorded_in_one_breath(database: str) -> None:
    async with open_room(database, noting()) as room:
        desk = desk_of(room)
        desk.kit = Kit(
            desk.kit.service, replace(TOY_RULES, decide=_with_an_echo), desk.kit.columns,
            desk.kit.world, desk.kit.time,
        )  # fmt: skip
        verdicts = await desk.submit([a_note("a", "1"), a_note("b", "2"), a_note("a", "3")])
        rows = [row for row in await whole_log(room.pool) if row["topic"] != MARKS]
        told = [(row["stream"], row["version"], row["type"]) for row in rows]
        notes = [row for row in rows if row["type"] != FIRED]
        assert [version for stream, version, _ in told if stream == "a"] == [1, 2, 3, 4]
        assert [type_ == FIRED for _, _, type_ in told] == [False, True] * 3
        # A verdict names the sender's own fact, not what followed.
        assert [v.position for v in verdicts] == [row["position"] for row in notes]
        [again] = await desk.submit([a_note("a", "1")])
        assert again.status == "duplicate"


async def test_timers_fire_up_to_a_missing_mark_and_not_beyond_it(database: str) -> None:
    """What is due by the mark need not wait for it; what is due behind it must stand behind it."""
    async with open_room(database, noting()) as room:
        time = room.time
        assert isinstance(time, ManualTime)
        midnight = MONDAY + 15 * HOUR
        await room.pool.execute("UPDATE log_head SET next_mark = $1", midnight)
        notes = [
            a_note("early", "1", due=midnight - HOUR),
            a_note("sharp", "2", due=midnight),
            a_note("late", "3", due=midnight + HOUR),
        ]
        await desk_of(room).submit(notes)
        time.set(midnight + 2 * HOUR)
        assert await fire_due(room.pool, desk_of(room).kit) == 2
        fired = [row for row in await whole_log(room.pool) if row["type"] == FIRED]
        assert [(row["stream"], row["recorded_at"]) for row in fired] == [
            ("early", midnight - HOUR),
            ("sharp", midnight),
        ]


def test_a_reader_sees_what_a_clockwork_would_record() -> None:
    noted = Noted("s", "t", 1, 0, MONDAY, HOUR, 2)
    toy = TOY_RULES.evolve(None, "jicai.noted.v1", noted)
    toy, happened = TOY_RULES.until(toy, MONDAY + 90 * HOUR / 60, None)
    assert [(one.at, one.fact.count) for one in happened] == [(MONDAY, 1), (MONDAY + HOUR, 2)]
    assert toy.due == MONDAY + 2 * HOUR
