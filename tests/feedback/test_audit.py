"""The auditor finds what is due and has no step, and nothing else: over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from jicai.status import not_well
from services.feedback.api.loading import load_year
from services.feedback.app import service
from services.feedback.clockwork.auditing import audit
from services.feedback.domain.ticket import decode, encode
from services.feedback.projections import audit as auditing
from services.feedback.projections.audit import GRACE, WINDOW, find_unstepped
from services.feedback.projections.registers import fold_registers
from shared.kernel.calendar_years import SpecialDay
from shared.runtime.actors import Actor
from shared.runtime.house import House
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import MONDAY, desk_of, open_room
from tests.feedback.test_opening import put
from tests.journeys.goods import D as DISTRIBUTOR
from tests.journeys.goods import H as HOSPITAL

DAY = timedelta(days=1)
REPLY_DUE = datetime(2026, 1, 7, 16, tzinfo=UTC)
"""24:00 of Wednesday: two working days after the Monday on which tickets are opened here."""
PROVINCE = "bureau:360000"
REGISTERS = [
    put("organisation", HOSPITAL, kinds=["hospital"]),
    put("organisation", DISTRIBUTOR, kinds=["distributor"]),
    put("product", "P1"),
]


class Town:
    """Feedback behind its doors, with a clock that is moved by hand."""

    def __init__(self, room: Room, time: ManualTime) -> None:
        self.room, self.time = room, time
        app = create_app({"feedback": room}, trust_actor_header=True, readiness=nothing_wrong)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://jicai")

    async def ask(self, method: str, path: str, actor: str, **options: Any) -> Any:
        """An answer; whatever it is."""
        headers = {"X-Jicai-Actor": actor}
        return await self.http.request(method, f"/feedback/v1/{path}", headers=headers, **options)

    async def open(self, name: str = "T1", **more: Any) -> str:
        """A ticket of the hospital's."""
        ticket_id = f"{HOSPITAL}-{name}"
        body = {
            "ticket_id": ticket_id, "hospital_id": HOSPITAL, "product_id": "P1",
            "addressees": [DISTRIBUTOR], "category": "other", "description": "断供", **more,
        }  # fmt: skip
        answer = await self.ask("POST", "tickets", f"hospital:{HOSPITAL}", json=body)
        assert answer.status_code == 201, answer.text
        return ticket_id

    async def act(self, ticket_id: str, what: str, actor: str, **body: Any) -> int:
        """An act and the status it was answered with."""
        answer = await self.ask("POST", f"tickets/{ticket_id}/{what}", actor, json=body or None)
        status: int = answer.status_code
        assert status < 500, answer.text
        return status

    async def solve(self, ticket_id: str) -> None:
        assert await self.act(ticket_id, "solved", f"distributor:{DISTRIBUTOR}") == 200

    async def reopen(self, ticket_id: str) -> None:
        assert await self.act(ticket_id, "reopen", f"hospital:{HOSPITAL}") == 200

    async def supervise(self, ticket_id: str) -> None:
        measure = {"measure": "约谈", "note": "已约谈"}
        assert await self.act(ticket_id, "supervise", PROVINCE, **measure) == 200

    async def pass_until(self, at: datetime) -> None:
        """Time goes on and the clockwork runs."""
        self.time.set(at)
        await append_marks(self.room.pool, desk_of(self.room).kit)

    async def forget(self, ticket_id: str) -> None:
        """The fault that is planted: the row does not say any more when to wake the ticket."""
        done = await self.room.pool.execute(
            "UPDATE streams SET next_due = NULL WHERE stream = $1", f"ticket-{ticket_id}"
        )
        assert done == "UPDATE 1"

    async def found(self) -> list[tuple[str, str, datetime]]:
        """What the auditor finds now."""
        return [
            tuple(one) for one in await find_unstepped(self.room.pool, self.time.now, limit=1000)
        ]


async def nothing_wrong() -> dict[str, str]:
    return {}


@asynccontextmanager
async def opened_town(dsn: str) -> AsyncIterator[Town]:
    time = ManualTime(MONDAY)
    async with open_room(dsn, service, time=time) as room:
        await fold_registers(room.pool, REGISTERS)
        await append_marks(room.pool, desk_of(room).kit)
        yield Town(room, time)


@pytest_asyncio.fixture
async def town(database: str) -> AsyncIterator[Town]:
    """A Monday morning; the hospital, the distributor and the product are known."""
    async with opened_town(database) as found:
        yield found


async def test_a_ticket_whose_row_forgot_its_deadline_is_found(town: Town) -> None:
    ticket_id = await town.open()
    awake = await town.open("T2")
    await town.forget(ticket_id)
    await town.pass_until(REPLY_DUE + GRACE)
    assert await town.found() == [(ticket_id, "reply_due", REPLY_DUE)]
    # Who asks the rows that drive the clockwork sees no fault: nothing there is due any more.
    assert not await town.room.pool.fetchval(
        "SELECT count(*) FROM streams WHERE next_due <= $1", town.time.now
    )
    history = (await town.ask("GET", f"tickets/{awake}", PROVINCE)).json()["history"]
    assert [step["type"] for step in history] == ["opened", "reply_overdue", "supervision_began"]


async def test_what_fires_within_the_grace_is_not_found(town: Town) -> None:
    await town.forget(await town.open())
    town.time.set(REPLY_DUE + GRACE - timedelta(microseconds=1))
    assert await town.found() == []
    town.time.set(REPLY_DUE + GRACE)
    assert len(await town.found()) == 1


async def test_any_act_on_a_forgotten_ticket_fires_what_is_due_and_ends_the_finding(
    town: Town,
) -> None:
    ticket_id = await town.open()
    await town.forget(ticket_id)
    await town.pass_until(REPLY_DUE + DAY)
    assert len(await town.found()) == 1
    await town.supervise(ticket_id)
    assert await town.found() == []
    history = (await town.ask("GET", f"tickets/{ticket_id}", PROVINCE)).json()["history"]
    assert history[1] | {"at": "2026-01-08T00:00:00+08:00"} == history[1]


async def test_a_ticket_whose_state_is_stale_is_found_also_after_somebody_acted(
    town: Town,
) -> None:
    """The state has lost its deadline, so no rule will ever miss it; the facts have not."""
    ticket_id = await town.open()
    stream = f"ticket-{ticket_id}"
    stale = decode(await town.room.pool.fetchval("SELECT state FROM streams"))
    stale.running.clear()
    await town.room.pool.execute(
        "UPDATE streams SET state = $2, next_due = NULL WHERE stream = $1", stream, encode(stale)
    )
    await town.pass_until(REPLY_DUE + DAY)
    expected = [(ticket_id, "reply_due", REPLY_DUE)]
    assert await town.found() == expected
    await town.solve(ticket_id)
    assert await town.found() == expected
    await town.reopen(ticket_id)
    assert await town.found() == expected


async def test_supervising_stops_no_clock_and_hides_no_missing_step(town: Town) -> None:
    ticket_id = await town.open()
    await town.pass_until(REPLY_DUE + DAY)
    await town.supervise(ticket_id)
    await town.forget(ticket_id)
    level_due = datetime(2026, 1, 12, 16, tzinfo=UTC)  # three working days after the 7th
    await town.pass_until(level_due + GRACE)
    assert await town.found() == [(ticket_id, "level_due", level_due)]


async def test_a_promise_and_a_silence_that_nothing_recorded_are_found(town: Town) -> None:
    broken, silent = await town.open("T1"), await town.open("T2")
    promised_at = datetime(2026, 1, 8, 2, tzinfo=UTC)
    reply = {"promised_at": promised_at.isoformat()}
    assert await town.act(broken, "reply", f"distributor:{DISTRIBUTOR}", **reply) == 200
    await town.solve(silent)
    await town.forget(broken)
    await town.forget(silent)
    await town.pass_until(MONDAY + 20 * DAY)
    confirm_due = datetime(2026, 1, 8, 16, tzinfo=UTC)
    assert await town.found() == [
        (broken, "promised", promised_at),
        (silent, "confirm_due", confirm_due),
    ]


async def to_the_province_and_back(town: Town) -> str:
    """A ticket that the province let pass, that was solved and opened again."""
    ticket_id = await town.open(prominent=True)
    await town.pass_until(MONDAY + 10 * DAY)
    await town.solve(ticket_id)
    await town.reopen(ticket_id)
    await town.pass_until(MONDAY + 30 * DAY)
    return ticket_id


async def test_what_the_province_lets_pass_a_second_time_is_no_finding(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_id = await to_the_province_and_back(town)
    assert await town.found() == []
    # Without that rule it would be found for ever.
    naive, rule, rest = auditing._FIND.partition("  AND (name <> 'level_due'")
    monkeypatch.setattr(auditing, "_FIND", naive + rest[rest.index("ORDER BY") :])
    assert rule
    assert [(one, name) for one, name, _ in await town.found()] == [(ticket_id, "level_due")]


async def test_a_final_ticket_wants_no_step(town: Town) -> None:
    ticket_id = await town.open()
    await town.room.pool.execute("UPDATE streams SET next_due = NULL, state = $1", b"stale")
    await town.pass_until(REPLY_DUE + DAY)
    assert len(await town.found()) == 1
    # Closed by facts alone: the row has nothing to say.
    await town.room.pool.execute(
        """INSERT INTO events (position, topic, stream, version, source, event_id, type, occurred_at,
                               recorded_at, sha256, payload, fact)
           SELECT position + 9, topic, stream, 2, source, 'closed', 'jicai.ticket.closed.v1', $2, $2,
                  sha256, payload, '{}' FROM events WHERE stream = $1""",
        f"ticket-{ticket_id}",
        town.time.now,
    )
    assert await town.found() == []


async def test_a_deadline_that_a_calendar_moved_is_missed_at_its_new_due(town: Town) -> None:
    first, second = await town.open("T1"), await town.open("T2")
    storm = SpecialDay(date(2026, 1, 7), "holiday", "停工")
    await load_year(town.room, Actor("bureau", "360000"), 2026, [storm])
    await town.forget(first)
    moved = REPLY_DUE + DAY
    await town.pass_until(REPLY_DUE + 2 * GRACE)
    assert await town.found() == []
    await town.pass_until(moved + GRACE)
    assert await town.found() == [(first, "reply_due", moved)]
    state = (await town.ask("GET", f"tickets/{second}", PROVINCE)).json()
    assert state["level"] == "county"


async def test_a_move_of_one_deadline_excuses_no_other(town: Town) -> None:
    """The Thursday falls out: the level's due moves, the reply's, on Wednesday, does not."""
    ticket_id = await town.open(prominent=True)
    storm = SpecialDay(date(2026, 1, 8), "holiday", "停工")
    await load_year(town.room, Actor("bureau", "360000"), 2026, [storm])
    await town.forget(ticket_id)
    await town.pass_until(REPLY_DUE + DAY + 2 * GRACE)
    assert await town.found() == [(ticket_id, "reply_due", REPLY_DUE)]
    await town.pass_until(REPLY_DUE + 2 * DAY + GRACE)
    assert [name for _, name, _ in await town.found()] == ["level_due", "reply_due"]


ACTS = ("reply", "solved", "confirm", "reopen", "supervise", "close")
BY = {"reply": f"distributor:{DISTRIBUTOR}", "solved": f"distributor:{DISTRIBUTOR}",
      "confirm": f"hospital:{HOSPITAL}", "reopen": f"hospital:{HOSPITAL}"}  # fmt: skip


async def one_act(town: Town, random: Random, ticket_id: str) -> None:
    """Whatever it is, it may be refused."""
    what = random.choices(ACTS, (3, 4, 1, 5, 2, 0.3))[0]
    body: dict[str, Any] = {}
    if what == "reply":
        body["promised_at"] = (town.time.now + timedelta(hours=random.randint(1, 90))).isoformat()
    elif what == "supervise":
        body |= {"measure": "督导", "note": "督导"}
    elif what == "close":
        body["reason"] = "其他"
    await town.act(ticket_id, what, BY.get(what, PROVINCE), **body)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_healthy_history_has_no_finding(town: Town, seed: int) -> None:
    random = Random(seed)
    tickets = [await town.open(f"T{n}", prominent=random.random() < 0.2) for n in range(12)]
    for step in range(60):
        jump = timedelta(minutes=random.choice([1, 30, 300, 1440, 3000]))
        town.time.set(town.time.now + jump)
        # Sometimes an act finds the clockwork asleep, and the deadlines before it still unfired.
        if random.random() < 0.5:
            await append_marks(town.room.pool, desk_of(town.room).kit)
        for ticket_id in random.sample(tickets, 3):
            await one_act(town, random, ticket_id)
        if step % 20 == 10:
            days = [SpecialDay(town.time.now.date() + 2 * DAY, "holiday", "停工")]
            days = [day for day in days if day.date.weekday() < 5 and day.date.year == 2026]
            await load_year(town.room, Actor("bureau", "360000"), 2026, days)
        await append_marks(town.room.pool, desk_of(town.room).kit)
        assert await town.found() == [], f"after step {step}"
    told = await town.room.pool.fetch("SELECT DISTINCT type FROM events")
    assert len(told) >= 12, "the histories were too tame"


async def test_only_the_window_of_the_log_is_read(town: Town, database: str) -> None:
    """Forty thousand facts of earlier years lie behind it, and the plan does not touch them."""
    owner = await asyncpg.connect(database)
    await town.open()
    await town.room.pool.execute(
        """INSERT INTO events (position, topic, stream, version, source, event_id, type, occurred_at,
                               recorded_at, sha256, payload, fact)
           SELECT -n, topic, 'ticket-old-' || n, version, source, 'old-' || n, type, at, at, sha256,
                  payload, fact
           FROM events, generate_series(1, 40000) n,
                LATERAL (SELECT $1::timestamptz - n * interval '1 minute' AS at) t
           WHERE stream LIKE 'ticket-%' ORDER BY n DESC""",
        MONDAY - WINDOW,
    )
    await town.forget(await town.open("T2"))
    await town.pass_until(REPLY_DUE + GRACE)
    await owner.execute("VACUUM ANALYZE feedback.events")  # as it does by itself now and then
    await owner.close()
    now = town.time.now
    [(text,)] = await town.room.pool.fetch(
        "EXPLAIN (ANALYZE, FORMAT JSON) " + auditing._FIND,
        now - WINDOW, now - GRACE, auditing._BEGIN, auditing._FINAL, None, None, None, 9,
    )  # fmt: skip
    nodes = list(nodes_of(json.loads(text)[0]["Plan"]))
    begun = next(node for node in nodes if node.get("Index Name") == "events_recorded")
    assert begun["Node Type"] == "Bitmap Index Scan"
    touched = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
         + node.get("Rows Removed by Index Recheck", 0)) * node["Actual Loops"]
        for node in nodes if node.get("Relation Name") == "events"
    )  # fmt: skip
    assert touched < 4_000, f"{touched} rows of 40,000"
    assert len(await town.found()) == 1


def nodes_of(node: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan's nodes, the root first."""
    return [node, *(deep for one in node.get("Plans", ()) for deep in nodes_of(one))]


async def test_findings_come_in_pages(town: Town) -> None:
    ids = [await town.open(f"T{n}") for n in range(5)]
    for ticket_id in ids:
        await town.forget(ticket_id)
    await town.pass_until(REPLY_DUE + DAY)
    seen: list[Any] = []
    after: dict[str, str] = {}
    while True:
        document = (
            await town.ask("GET", "audit", "ops:360000", params={"limit": 2, **after})
        ).json()
        seen += document["items"]
        if document["next"] is None:
            break
        after = {"after": document["next"]}
    due_at = "2026-01-08T00:00:00+08:00"
    assert seen == [{"ticket_id": one, "deadline": "reply_due", "due_at": due_at} for one in ids]
    for cursor in ("x", "WyJhIiwiYiIsImMiXQ"):
        answer = await town.ask("GET", "audit", PROVINCE, params={"after": cursor})
        assert answer.status_code == 422


async def test_a_finding_is_on_the_gauge_and_goes_again(town: Town) -> None:
    ticket_id = await town.open()
    await town.forget(ticket_id)
    assert await audit(town.room) == {}
    await town.pass_until(REPLY_DUE + DAY)
    notice = (await audit(town.room))["audit"]
    assert ticket_id in notice
    assert REGISTRY.get_sample_value("jicai_tickets_without_step") == 1
    await town.supervise(ticket_id)
    assert await audit(town.room) == {}
    assert REGISTRY.get_sample_value("jicai_tickets_without_step") == 0


async def test_a_house_that_serves_looks_by_itself_and_goes_on_serving(database: str) -> None:
    async with opened_town(database) as town:
        ticket_id = await town.open()
        await town.forget(ticket_id)
        now = REPLY_DUE + DAY
        await town.pass_until(now)
    house = House(database, [alone()], ManualTime(now), shipped_policy())
    await house.start()
    try:
        app = create_app(house.rooms, trust_actor_header=True, readiness=house.readiness)
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://jicai")
        async with asyncio.timeout(30):
            await until(lambda: house.rooms["feedback"].notices)
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ticket_id in ready.json()["notices"]["feedback audit"]
        assert ticket_id in not_well(ready), "`jicai status` is silent"
        looked = REGISTRY.get_sample_value("jicai_watch_timestamp_seconds", {"service": "feedback"})
        assert looked
    finally:
        await house.stop()


async def test_a_watch_that_fails_says_so_and_looks_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened_town(database) as town:
        await town.open()
    looked = 0
    audit_ = service.watch
    assert audit_ is not None

    async def failing(room: Room) -> Any:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise RuntimeError("no")
        return await audit_(room)

    monkeypatch.setattr("shared.runtime.rounds.WATCH_SECONDS", 0.2)
    house = House(database, [alone(watch=failing)], ManualTime(MONDAY), shipped_policy())
    await house.start()
    try:
        async with asyncio.timeout(30):
            await until(lambda: "watch" in house.rooms["feedback"].notices)
            assert await house.readiness() == {}
            await until(lambda: not house.rooms["feedback"].notices)
        assert looked >= 2
    finally:
        await house.stop()


async def until(happens: Callable[[], Any]) -> None:
    """Wait for what another task does."""
    while not happens():  # noqa: ASYNC110 - it is a house that does it, not we
        await asyncio.sleep(0.01)


def alone(**changes: Any) -> Any:
    """Feedback that listens to nobody, for nobody else is here."""
    return replace(service, topics=(), **changes)
