"""A year is loaded while deadlines run: over a real PostgreSQL, whoever is awake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from services.feedback.api.bodies import TicketBody
from services.feedback.api.loading import load_year
from services.feedback.api.opening import open_ticket
from services.feedback.app import service
from services.feedback.commands import Act, Reply, Solve
from services.feedback.projections.registers import fold_registers
from shared.events.feedback import DEADLINE_MOVED, REPLIED, SOLVED
from shared.kernel.calendar_years import SpecialDay
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Sent
from shared.runtime.actors import Actor
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.calendar_files import shipped_calendar
from shared.testing.postgres import desk_of, fresh_database, open_room
from tests.feedback.test_opening import REGISTERS

HOSPITAL, DISTRIBUTOR = "H36010200001", "91360000MA00000D1N"
PROVINCE = Actor("bureau", "360000")
NEW_YEAR = SpecialDay(date(2027, 1, 1), "holiday", "元旦", "试验通知")
BRIDGE = SpecialDay(date(2027, 1, 4), "holiday", "元旦", "试验通知")


def at(text: str) -> datetime:
    """An instant of Beijing."""
    return parse_instant(f"{text}+08:00")


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Feedback at the end of a year whose next is not announced."""
    async with _at_year_end(database) as running:
        yield running


def _at_year_end(dsn: str) -> Any:
    return open_room(dsn, service, time=ManualTime(at("2026-12-30T10:00:00")))


async def _opened(room: Room, number: int = 1) -> str:
    await fold_registers(room.pool, REGISTERS)
    words = {
        "ticket_id": f"{HOSPITAL}-T{number}", "hospital_id": HOSPITAL, "product_id": "P1",
        "addressees": [DISTRIBUTOR], "category": "other", "description": "断供",
    }  # fmt: skip
    said = TicketBody.model_construct(order_ids=None, prominent=False, **words)
    await open_ticket(room, Actor("hospital", HOSPITAL), said, words)
    return str(words["ticket_id"])


async def _does(room: Room, ticket_id: str, type_: str, command: Act) -> None:
    now = await room.now()
    sent = Sent(
        f"ticket-{ticket_id}", f"urn:jicai:{DISTRIBUTOR}", f"{ticket_id}-{type_}", type_, now,
        b"", b"{}", command, "distributor", DISTRIBUTOR,
    )  # fmt: skip
    [verdict] = await desk_of(room).submit([sent])
    assert verdict.status == "accepted"


async def _move(room: Room, text: str, *, awake: bool = True) -> None:
    assert isinstance(room.time, ManualTime)
    room.time.set(at(text))
    if awake:
        await append_marks(room.pool, desk_of(room).kit)


async def _facts(room: Room, ticket_id: str) -> list[tuple[str, str, Any]]:
    rows = await room.pool.fetch(
        "SELECT type, recorded_at, fact FROM events WHERE stream = $1 ORDER BY version",
        f"ticket-{ticket_id}",
    )
    return [
        (row["type"].split(".")[2], row["recorded_at"], msgspec.json.decode(row["fact"]))
        for row in rows
    ]


async def _next_due(room: Room, ticket_id: str) -> datetime:
    due: datetime = await room.pool.fetchval(
        "SELECT next_due FROM streams WHERE stream = $1", f"ticket-{ticket_id}"
    )
    return due


async def test_a_running_deadline_moves_by_an_event_that_keeps_the_old_due(room: Room) -> None:
    ticket = await _opened(room)
    assert await _next_due(room, ticket) == at("2027-01-05T00:00:00")  # Friday is New Year
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, BRIDGE])
    assert await _next_due(room, ticket) == at("2027-01-06T00:00:00")
    [_, (type_, recorded, fact)] = await _facts(room, ticket)
    assert type_ == DEADLINE_MOVED.split(".")[2]
    assert recorded == at("2026-12-30T10:00:00")
    assert (fact["name"], fact["before"]) == ("reply_due", "2027-01-04T16:00:00Z")
    [moved] = fact["deadlines"]
    assert "provisional" not in moved
    assert {"date": "2027-01-04", "counted": False, "reason": "元旦"} in moved["days"]


async def test_the_same_due_is_told_when_it_is_no_longer_provisional(room: Room) -> None:
    ticket = await _opened(room)
    await load_year(room, PROVINCE, 2027, [NEW_YEAR])
    [(_, _, opened), (_, _, moved)] = await _facts(room, ticket)
    assert opened["provisional"]
    assert moved["deadlines"][0]["due_at"] == moved["before"] == "2027-01-04T16:00:00Z"
    assert "provisional" not in moved["deadlines"][0]
    await load_year(room, PROVINCE, 2027, [NEW_YEAR])
    assert len(await _facts(room, ticket)) == 2  # said again it says nothing


async def test_a_due_that_would_move_before_now_stays(room: Room) -> None:
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, BRIDGE])
    ticket = await _opened(room)
    await _move(room, "2027-01-05T09:00:00")
    await load_year(room, PROVINCE, 2027, [NEW_YEAR])  # the 4th is worked after all
    assert await _next_due(room, ticket) == at("2027-01-06T00:00:00")
    assert len(await _facts(room, ticket)) == 1


async def test_a_due_that_moves_to_this_very_instant_passes_at_once(room: Room) -> None:
    """It does not move before now: a notice loaded at 24:00 may name the day that ends."""
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, BRIDGE])
    ticket = await _opened(room)
    await _move(room, "2027-01-05T00:00:00")
    await load_year(room, PROVINCE, 2027, [NEW_YEAR])  # the 4th was worked after all
    told = [(type_, recorded) for type_, recorded, _ in await _facts(room, ticket)]
    now = at("2027-01-05T00:00:00")
    assert told[1:] == [
        (name, now) for name in ("deadline_moved", "reply_overdue", "supervision_began")
    ]


async def test_what_has_passed_is_not_undone_by_a_later_due(room: Room) -> None:
    ticket = await _opened(room)
    await _move(room, "2027-01-05T00:00:00")
    before = await _facts(room, ticket)
    assert [type_ for type_, _, _ in before] == ["opened", "reply_overdue", "supervision_began"]
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, SpecialDay(date(2027, 1, 6), "holiday", "x")])
    after = await _facts(room, ticket)
    assert after[:3] == before
    [(_, _, moved)] = after[3:]
    assert moved["name"] == "level_due"


async def test_a_year_that_a_release_brought_moves_what_was_counted_without_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticket was opened under the shipped calendar; a newer program ships the year itself."""
    ticket = await _opened(room)
    newer = shipped_calendar().with_year(2027, [NEW_YEAR, BRIDGE])
    monkeypatch.setattr("shared.runtime.calendars.shipped_calendar", lambda: newer)
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, BRIDGE])
    assert await _next_due(room, ticket) == at("2027-01-06T00:00:00")


async def test_solved_tickets_move_their_confirmation_alone(room: Room) -> None:
    ticket = await _opened(room)
    await _does(room, ticket, SOLVED, Solve(by="distributor"))
    await load_year(room, PROVINCE, 2027, [NEW_YEAR, BRIDGE])
    moved = [fact["name"] for type_, _, fact in await _facts(room, ticket) if "moved" in type_]
    assert moved == ["confirm_due"]


async def test_what_passed_before_a_loading_counts_by_the_calendar_of_then(postgres: str) -> None:
    """A promise breaks at 11:00; the loading at 12:00 finds it recorded, or records it first."""
    awake, asleep = [await _loaded_at_noon(postgres, awake=awake) for awake in (True, False)]
    assert awake == asleep
    began = next(
        row for row in awake if row[:2] == ("supervision_began", at("2027-01-06T11:00:00"))
    )
    assert began[2] == [("2027-01-11T16:00:00Z", shipped_calendar().version)]
    [moved] = [row for row in awake if row[0] == "deadline_moved"]
    assert moved[1:] == (at("2027-01-06T12:00:00"), [("2027-01-12T16:00:00Z", moved[2][0][1])])


Told = list[tuple[str, datetime, list[tuple[str, str]]]]


async def _loaded_at_noon(postgres: str, *, awake: bool) -> Told:
    """Type, instant and deadlines of each fact of a ticket whose promise broke an hour before."""
    async with fresh_database(postgres) as dsn, _at_year_end(dsn) as room:
        ticket = await _opened(room)
        promise = Reply(promised_at=at("2027-01-06T11:00:00"), by="distributor")
        await _does(room, ticket, REPLIED, promise)
        await _move(room, "2027-01-06T09:00:00")
        await _move(room, "2027-01-06T12:00:00", awake=awake)
        days = [NEW_YEAR, SpecialDay(date(2027, 1, 8), "holiday", "试验")]
        await load_year(room, PROVINCE, 2027, days)
        await _move(room, "2027-03-01T00:00:00")
        return [
            (type_, recorded, [(d["due_at"], d.get("calendar_version")) for d in _begun(fact)])
            for type_, recorded, fact in await _facts(room, ticket)
        ]


def _begun(fact: Any) -> list[Any]:
    return [d for d in fact.get("deadlines", []) if d["name"] == "level_due"]
