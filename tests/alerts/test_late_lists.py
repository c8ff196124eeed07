"""Lists of 09:00 over real rows: on which day a line is listed, how often, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.clockwork import morning
from services.alerts.domain.line import from_bytes
from services.alerts.domain.waiting import waits
from shared.events import orders as o
from shared.events.alerts import LATE_LIST_ISSUED, LateResponseList
from shared.events.envelope import Record
from shared.events.reference import CALENDAR_YEAR, CalendarDay, CalendarYearLoaded
from shared.events.topics import REFERENCE
from shared.kernel.clock import BEIJING, day_start
from shared.runtime.calendars import fold_calendar
from shared.runtime.room import Room
from tests.alerts import facts as f
from tests.alerts import province
from tests.alerts.closing import close_at, facts_of, issue
from tests.alerts.province import take


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def an_order(n: int, sent: datetime, *more: o.OrderFact, **given: Any) -> list[Record]:
    """An order of one line sent at this instant, and what became of it."""
    named = {"order_id": f"{given.get('hospital_id', f.HOSPITAL)}-{n}"} | {
        k: v for k, v in given.items() if k in ("hospital_id", "distributor_id", "division")
    }
    order = f.placed(at=sent, answer_due=sent + timedelta(hours=48), **given | named)
    for fact in more:
        for name, value in named.items():
            setattr(fact, name, value)
    return [f.record(fact, version) for version, fact in enumerate([order, *more], 1)]


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


async def listed_on(room: Room, first: date, last: date) -> list[date]:
    """Play the mornings of these days; the days with a list."""
    return [day for day in days_between(first, last) if await issue(room, day)]


def shown(lists: Sequence[LateResponseList]) -> list[tuple[str, str]]:
    return [(line.order_id, line.occurrence) for late in lists for line in late.lines]


async def test_a_line_is_listed_on_the_first_working_morning_after_its_expiry(
    closing_room: Room,
) -> None:
    await take(closing_room, an_order(1, local("2026-01-05T09:00:01")))  # Monday
    assert await listed_on(closing_room, date(2026, 1, 6), date(2026, 1, 8)) == [date(2026, 1, 8)]


async def test_an_expiry_at_nine_lies_not_before_nine(closing_room: Room) -> None:
    """Expired at 09:00 of Wednesday sharp: on the list of Thursday; a microsecond earlier: today."""
    await take(closing_room, an_order(1, local("2026-01-05T09:00")))
    await take(closing_room, an_order(2, local("2026-01-05T09:00") - f.MICROSECOND))
    assert shown(await issue(closing_room, date(2026, 1, 7))) == [(f"{f.HOSPITAL}-2", "first")]
    assert shown(await issue(closing_room, date(2026, 1, 8))) == [
        (f"{f.HOSPITAL}-2", "again"),
        (f"{f.HOSPITAL}-1", "first"),
    ]


async def test_nothing_is_issued_over_the_spring_festival_of_2026(closing_room: Room) -> None:
    """From the 15th to the 23rd of February nobody works; the 14th and the 28th are made up."""
    await take(closing_room, an_order(1, local("2026-02-13T15:00")))
    found = await listed_on(closing_room, date(2026, 2, 14), date(2026, 3, 1))
    assert found == [date(2026, 2, n) for n in (24, 25, 26, 27, 28)]


async def test_a_make_up_saturday_is_a_working_morning(closing_room: Room) -> None:
    await take(closing_room, an_order(1, local("2026-02-11T20:00")))  # expires Friday evening
    assert await listed_on(closing_room, date(2026, 2, 13), date(2026, 2, 15)) == [
        date(2026, 2, 14)
    ]


async def test_an_ordinary_weekend_waits_for_monday(closing_room: Room) -> None:
    await take(closing_room, an_order(1, local("2026-01-07T20:00")))  # expires Friday evening
    assert await listed_on(closing_room, date(2026, 1, 9), date(2026, 1, 12)) == [date(2026, 1, 12)]


async def test_the_calendar_is_the_one_that_the_bus_has_brought(closing_room: Room) -> None:
    """A year loaded before the mark decides; a Monday made a holiday lists nothing."""
    await take(closing_room, an_order(1, local("2026-01-07T20:00")))
    year = CalendarYearLoaded(
        year=2026, version="x", days=[CalendarDay(date="2026-01-12", kind="holiday", name="节日")]
    )
    record = Record(
        topic=REFERENCE, stream="calendar-2026", version=1, source="s", event_id="e",
        type=CALENDAR_YEAR, occurred_at=f.SENT, recorded_at=f.SENT,
        fact=f.msgspec.json.encode(year),
    )  # fmt: skip
    async with closing_room.pool.acquire() as tx, tx.transaction():
        await fold_calendar(tx, [record])
    assert await listed_on(closing_room, date(2026, 1, 12), date(2026, 1, 13)) == [
        date(2026, 1, 13)
    ]


async def test_whatever_is_said_before_nine_takes_a_line_off(closing_room: Room) -> None:
    sent = local("2026-01-05T08:00")
    said = [f.accepted(sent), f.refused(sent), f.cancelled(sent), f.dispatched()]
    for n, fact in enumerate(said):
        await take(closing_room, an_order(n, sent, fact))
    await take(closing_room, an_order(7, sent, back_entered=True))
    assert await issue(closing_room, date(2026, 1, 8)) == []
    await take(closing_room, an_order(8, sent))
    assert shown(await issue(closing_room, date(2026, 1, 9))) == [(f"{f.HOSPITAL}-8", "first")]


async def test_a_void_over_the_holidays_is_listed_once_and_never_again(closing_room: Room) -> None:
    sent = local("2026-02-14T10:00")
    void = f.voided(sent + timedelta(days=7))  # nobody works before the 24th
    await take(closing_room, an_order(1, sent, void))
    found = [shown(await issue(closing_room, date(2026, 2, n))) for n in (24, 25, 26)]
    assert found == [[(f"{f.HOSPITAL}-1", "first")], [], []]
    assert await closing_room.pool.fetchval("SELECT count(*) FROM waiting") == 0


async def test_a_void_after_a_first_listing_takes_the_line_off(closing_room: Room) -> None:
    sent = local("2026-01-05T08:00")
    records = an_order(1, sent, f.voided(sent + timedelta(days=7)))
    await take(closing_room, records[:1])
    assert len(await listed_on(closing_room, date(2026, 1, 8), date(2026, 1, 12))) == 3
    await take(closing_room, records[1:])
    assert await listed_on(closing_room, date(2026, 1, 13), date(2026, 1, 14)) == []


async def test_one_list_for_each_distributor_and_bureau_that_says_everything(
    closing_room: Room,
) -> None:
    sent, day = local("2026-01-05T08:00"), date(2026, 1, 7)
    far = {"hospital_id": "H36073500003", "division": "360735"}
    await take(closing_room, an_order(1, sent))
    await take(closing_room, an_order(2, sent, hospital_id="H36010200002"))
    await take(closing_room, an_order(3, sent, **far))
    await take(closing_room, an_order(4, sent, distributor_id=province.DISTRIBUTORS[2]))
    lists = await issue(closing_room, day)
    assert [late.list_id for late in lists] == [
        f"late-20260107-360102-{f.DISTRIBUTOR}",
        f"late-20260107-360735-{f.DISTRIBUTOR}",
        f"late-20260107-360102-{province.DISTRIBUTORS[2]}",
    ]
    one = lists[0]
    assert (one.day, one.issued_at) == (day, day_start(day) + timedelta(hours=9))
    assert (one.distributor_id, one.bureau, one.received_at) == (f.DISTRIBUTOR, "360102", None)
    assert (one.rule, one.policy_version) == ("A16.2", closing_room.policy.version)
    assert [line.hospital_id for line in one.lines] == ["H36010200001", "H36010200002"]
    assert one.lines[0].expired_at == sent + timedelta(hours=48)
    row = await closing_room.pool.fetchrow(
        "SELECT * FROM events WHERE event_id = $1", f"{one.list_id}-issued"
    )
    assert (row["hospital_id"], row["distributor_id"], row["divisions"]) == (
        "H36010200001 H36010200002",
        f.DISTRIBUTOR,
        "360102",
    )
    assert row["recorded_at"] == one.issued_at


async def test_many_lists_go_in_steps_and_come_out_the_same(
    closing_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = local("2026-01-05T08:00")
    for n in range(7):
        await take(closing_room, an_order(n, sent, division=f"36010{n}"))
    monkeypatch.setattr(morning, "STREAMS_MAX", 3)
    at = day_start(date(2026, 1, 7)) + timedelta(hours=9)
    assert await close_at(closing_room, at) == 3
    lists = await facts_of(closing_room, LATE_LIST_ISSUED)
    assert sorted(late.bureau for late in lists) == [f"36010{n}" for n in range(7)]
    assert {line.occurrence for late in lists for line in late.lines} == {"first"}
    monkeypatch.setattr(morning, "LINES_MAX", 2)
    assert await close_at(closing_room, at + timedelta(days=1)) == 4
    lists = (await facts_of(closing_room, LATE_LIST_ISSUED))[7:]
    assert {line.occurrence for late in lists for line in late.lines} == {"again"}


async def test_mornings_that_come_again_list_nothing_anew(closing_room: Room) -> None:
    sent = local("2026-01-05T08:00")
    records = [
        *an_order(1, sent),
        *an_order(2, sent, f.voided(sent + timedelta(days=7))),
        *an_order(3, sent + timedelta(days=1)),
    ]
    await take(closing_room, records)
    days = days_between(date(2026, 1, 7), date(2026, 1, 16))
    await listed_on(closing_room, days[0], days[-1])
    before = await facts_of(closing_room)
    await closing_room.pool.execute("DELETE FROM lines")
    await take(closing_room, records)
    await listed_on(closing_room, days[0], days[-1])
    assert await facts_of(closing_room) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_order_any_repetition_any_batching_leaves_the_same_lines_waiting(
    closing_room: Room, seed: int
) -> None:
    random = Random(seed)
    records = province.some_records(random, 60)
    expected = {
        (row.order_id, row.line_id): row.facts.terms.answer_due
        for row in province.rows_of(records)
        if waits(row.facts) and row.facts.terms is not None
    }
    assert expected
    for _ in range(3):
        await closing_room.pool.execute("DELETE FROM lines")
        await closing_room.pool.execute("DELETE FROM waiting")
        shuffled = [*records, *random.sample(records, 50)]
        random.shuffle(shuffled)
        await take(closing_room, shuffled, random.randint(1, 120))
        assert await _waiting(closing_room) == expected


async def test_two_owners_of_one_order_leave_nothing_waiting(closing_room: Room) -> None:
    """The dispatch is heard by another replica between our look at the line and our write."""
    order, dispatch = an_order(1, f.SENT, f.dispatched())
    pool = closing_room.pool
    async with pool.acquire() as one, pool.acquire() as other:

        class Interrupted:
            """The slow owner's connection: the fast one commits before its first write of lines."""

            done = False

            async def copy_records_to_table(self, *args: Any, **more: Any) -> Any:
                if not self.done:
                    self.done = True
                    async with other.transaction():
                        await province.fold(other, [dispatch], closing_room)
                return await one.copy_records_to_table(*args, **more)

            def __getattr__(self, name: str) -> Any:
                return getattr(one, name)

        async with one.transaction():
            slow = Interrupted()
            await province.fold(slow, [order], closing_room)
    row = await pool.fetchrow("SELECT revision, facts FROM lines")
    assert row["revision"] == 2
    assert not waits(from_bytes(row["facts"]))
    assert await _waiting(closing_room) == {}


async def _waiting(room: Room) -> dict[tuple[str, str], datetime]:
    rows = await room.pool.fetch("SELECT order_id, line_id, expires_at FROM waiting")
    return {(row["order_id"], row["line_id"]): row["expires_at"] for row in rows}
