"""Whatever clerks, banks, disputes, suspensions and drafts do, and wherever a process dies between them,
the books stay right after every single step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.api.ledger.verifying import verify
from services.settlement.clockwork import drafting
from services.settlement.clockwork.rounds import behind_the_writers
from services.settlement.clockwork.routing import route
from services.settlement.domain.drafting import month_before
from services.settlement.domain.month import end_of
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.statement import StatementStream
from services.settlement.projections.ledger import close_month
from services.settlement.projections.payments import prepaid_left
from services.settlement.sets.suspending import misplaced
from shared.kernel.clock import local_day
from shared.kernel.errors import Problem
from shared.runtime.clockwork import fire_due
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.testing.faults import Crash, Faults, FaultyPool
from shared.testing.postgres import MONDAY, desk_of
from tests.settlement.months import (
    APPROVER,
    CASHIER,
    FEN,
    HOSPITALS,
    JANUARY,
    PAYEES,
    DeathAt,
    a_town,
    bank,
    begin_again,
    check_books,
    dispute,
    does,
    draft,
    goes_back,
    goods,
    hear,
    instant_of,
    lift,
    one_step,
    prepay,
    resolve,
    reverse,
    statements,
    suspend,
    until,
)

MONTHS = (JANUARY, "2026-02", "2026-03", "2026-04", "2026-05", "2026-06")
BATCHES = ("B1", "B9")


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database, in January."""
    async with a_town(database) as running:
        yield running


@pytest.fixture(autouse=True)
def a_hospital_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a death may come in the midst of a draft."""
    monkeypatch.setattr(drafting, "LINES", 1)


@dataclass
class Desk:
    """What one story has done so far, and the hands that do it."""

    room: Room
    orders: list[tuple[str, str, int]] = field(default_factory=list)
    drafted: int = 0
    keys: int = 0
    deaths: int = 0
    done: set[str] = field(default_factory=set)

    async def take(self, step: tuple[Any, ...], faults: Faults) -> None:
        """Take a step with a process that may die on the way; what is refused changes nothing."""
        before = faults.crashes
        mortal = replace(self.room, pool=cast(asyncpg.Pool, FaultyPool(self.room.pool, faults)))
        hand: Callable[..., Awaitable[None]] = getattr(self, step[0])
        try:
            await hand(mortal, *step[1:])
        except Crash:
            pass
        except Problem as problem:
            if problem.status not in (409, 503):
                raise
        self.deaths += faults.crashes - before

    async def order(self, room: Room, hospital: int, payee: int, units: int, batch: int) -> None:
        parties = {"hospital": HOSPITALS[hospital], "payee": PAYEES[payee]}
        self.orders.append((HOSPITALS[hospital], PAYEES[payee], units or 1))
        number, at = len(self.orders), self._now()
        # The bus brings again what died on its way.
        told = goods(number, units or 1, at=at, batch_id=BATCHES[batch], **parties)
        await hear(self.room, told)

    async def back(self, room: Room, which: int, units: int) -> None:
        if self.orders:
            number = which % len(self.orders)
            hospital, payee, most = self.orders[number]
            # Together at most what was received, as the rules of orders have it.
            units = min(units or 1, most)
            self.orders[number] = (hospital, payee, most - units)
            parties = {"hospital": hospital, "payee": payee}
            if units:
                told = goes_back(number + 1, units, self._key("T"), at=self._now(), **parties)
                await hear(self.room, told)

    async def draft(self, room: Room) -> None:
        """The next month, or what is left of it."""
        month = MONTHS[min(self.drafted, len(MONTHS) - 1)]
        until(room, instant_of(month))
        while not await one_step(room, month):
            pass
        self.drafted = min(self.drafted + 1, len(MONTHS) - 1)

    async def some_drafting(self, room: Room) -> None:
        """A step of it, while everybody goes on."""
        until(room, instant_of(MONTHS[self.drafted]))
        await one_step(room, MONTHS[self.drafted])

    async def on(self, room: Room, *whiches: int) -> None:
        """What comes next of these statements, each by whose turn it is."""
        for which in whiches:
            row = await self._pick("TRUE", which)
            if row is not None:
                await self._on(room, row)

    async def _on(self, room: Room, row: Any) -> None:
        id_, kind = row["statement_id"], row["state"]
        steps = {
            "draft": ("confirm", f"hospital:{row['hospital_id']}"),
            "hospital_confirmed": ("confirm", f"distributor:{row['payee_id']}"),
            "confirmed": ("approve", APPROVER),
            "approved": ("pay", CASHIER),
        }
        if kind in steps:
            step, actor = steps[kind]
            [code] = await does(room, cast(Any, step), actor, id_)
            self.done |= {step} if code is None else set()
        elif kind == "paying":
            ordered = "SELECT payment_id FROM payments WHERE statement_id = $1 AND state = 'paying'"
            if await bank(room, await self.room.pool.fetchval(ordered, id_) or "none") is None:
                self.done.add("paid")

    async def many(self, room: Room, step: Any, actor: str) -> None:
        """The same step for everything there is."""
        ids = list(await statements(room))
        if ids:
            await does(room, step, actor, *ids)

    async def hears(self, room: Room, which: int, result: str) -> None:
        rows = await self.room.pool.fetch("SELECT payment_id FROM payments ORDER BY 1")
        if rows and await bank(room, rows[which % len(rows)][0], result) is None:
            self.done.add(result)

    async def disputes(self, room: Room, which: int, line: int) -> None:
        row = await self._pick("state IN ('draft', 'hospital_confirmed')", which)
        if row is not None:
            found = await self.room.pool.fetch(
                "SELECT line FROM statement_lines WHERE statement = $1 ORDER BY line", row["number"]
            )
            await dispute(room, row["statement_id"], found[line % len(found)][0])
            self.done.add("dispute")

    async def resolves(self, room: Room, which: int, outcome: str) -> None:
        rows = await self.room.pool.fetch("SELECT dispute_id FROM disputes ORDER BY 1")
        if rows:
            await resolve(room, rows[which % len(rows)][0], outcome)
            self.done.add(outcome)

    async def suspends(self, room: Room, scope: str, days: int) -> None:
        begins = self._now() + timedelta(days=days)
        await suspend(room, self._key("S"), scope, begins=begins)
        self.done.add("suspend")

    async def routes(self, room: Room) -> None:
        """What is done each second behind the writers."""
        await behind_the_writers(room)

    async def lifts(self, room: Room, which: int) -> None:
        rows = await self.room.pool.fetch("SELECT suspension_id FROM suspensions ORDER BY 1")
        if rows:
            await lift(room, rows[which % len(rows)][0])
            self.done.add("lift")

    async def prepays(self, room: Room, hospital: int, units: int) -> None:
        await prepay(room, (units or 1) * FEN, self._key("V"), HOSPITALS[hospital])

    async def reverses(self, room: Room, which: int) -> None:
        if await self.room.pool.fetchval("SELECT count(*) FROM entries WHERE key LIKE 'prepay%'"):
            await reverse(room, which)

    async def closes(self, room: Room) -> None:
        """Finance closes the month before: what is dated in it from now on would be refused."""
        month = month_before(local_day(await room.now()))
        async with room.pool.acquire() as tx, tx.transaction():
            if not await tx.fetchval(
                "SELECT EXISTS (SELECT FROM closed_months WHERE month = $1)", month
            ):
                await close_month(tx, month, await room.now(), "finance:360000")

    async def waits(self, room: Room, days: int) -> None:
        """Time passes, but not into the next draft."""
        at = min(self._now() + timedelta(days=days), end_of(MONTHS[self.drafted]))
        until(room, at)
        await fire_due(room.pool, desk_of(room).kit)

    def _key(self, kind: str) -> str:
        self.keys += 1
        return f"{kind}{self.keys}"

    def _now(self) -> datetime:
        assert isinstance(self.room.time, ManualTime)
        return self.room.time.now

    async def _pick(self, condition: str, which: int) -> Any:
        rows = await self.room.pool.fetch(
            f"SELECT * FROM statements WHERE {condition} ORDER BY statement_id"
        )
        return rows[which % len(rows)] if rows else None


few = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(
        st.just("order"), st.integers(0, 1), st.integers(0, 1), st.integers(1, 5), st.integers(0, 1)
    ),
    st.tuples(st.just("back"), few, st.integers(1, 6)),
    st.tuples(st.just("draft")),
    st.tuples(st.just("some_drafting")),
    st.tuples(st.just("on"), few, few, few),
    st.tuples(st.just("on"), few, few, few),
    st.tuples(st.just("many"), st.just("approve"), st.just(APPROVER)),
    st.tuples(
        st.just("many"),
        st.just("pay"),
        st.sampled_from([CASHIER, "finance:360000/zhang"]),
    ),
    st.tuples(st.just("hears"), few, st.sampled_from(["paid", "paid", "failed"])),
    st.tuples(st.just("disputes"), few, few),
    st.tuples(st.just("resolves"), few, st.sampled_from(["settle", "settle", "withdraw"])),
    st.tuples(
        st.just("suspends"), st.sampled_from(["all", "batch:B9"]), st.sampled_from([0, 0, 3])
    ),
    st.tuples(st.just("routes")),
    st.tuples(st.just("reverses"), few),
    st.tuples(st.just("closes")),
    st.tuples(st.just("lifts"), few),
    st.tuples(st.just("prepays"), st.integers(0, 1), st.integers(1, 6)),
    st.tuples(st.just("waits"), st.integers(1, 12)),
)
BEGINNING = [
    ("order", 0, 0, 4, 0), ("order", 0, 0, 3, 1), ("order", 0, 1, 2, 0), ("order", 1, 0, 5, 0),
    ("prepays", 0, 3), ("back", 0, 1), ("back", 2, 2), ("draft",), ("on", 0, 0, 0), ("on", 0, 1, 1),
]  # fmt: skip
"""Else most stories would end before anybody is paid."""


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(STEPS, st.just(0) | st.integers(0, 40)), min_size=4, max_size=18),
    begins=st.integers(0, len(BEGINNING)),
)
async def test_the_books_are_right_after_every_step_and_every_death(
    database: str, room: Room, steps: list[tuple[tuple[Any, ...], int]], begins: int
) -> None:
    await begin_again(database, room)
    # Settlement has closed a day: from now on a draft that is late makes others wait.
    await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", MONDAY)
    desk = Desk(room)
    for step, dies_at in [*((one, 0) for one in BEGINNING[:begins]), *steps]:
        await desk.take(step, DeathAt(dies_at))
        await right(room)
    await at_rest(desk)


async def right(room: Room) -> None:
    """The books, each statement's row beside its stream, and what is left of prepayments."""
    await check_books(room)
    rows = await room.pool.fetch(
        """SELECT s.*, t.state AS stored FROM statements s
           JOIN streams t ON t.stream = 'statement-' || s.statement_id"""
    )
    for row in rows:
        state = SETTLING.decode(row["stored"])
        assert isinstance(state, StatementStream)
        for name in ("state", "receipts_fen", "returns_fen", "total_fen", "in_held", "is_apart"):
            assert getattr(state, name) == row[name], (state.statement_id, name)
    assert len(rows) == await room.pool.fetchval("SELECT count(*) FROM statements")
    assert all(fen >= 0 for fen in (await prepaid_left(room.pool, HOSPITALS)).values())


async def at_rest(desk: Desk) -> None:
    """In fine weather what was begun ends: the draft, the moves, the chain."""
    room = desk.room
    begun = await room.pool.fetchval("SELECT month FROM drafts WHERE NOT is_done")
    if begun is not None:
        await draft(room, begun)
    await route(room)
    assert await misplaced(room.pool, await room.now(), 1) == []
    await right(room)
    proof = await verify(room)
    assert (proof.bad, proof.balances) == (None, [])


HASTE = [
    *[("on", 5)] * 8, *[("lifts", 9)] * 4, *[("hears", 5, "paid")] * 2, *[("many", "pay", CASHIER)] * 2,
    ("many", "approve", APPROVER), ("hears", 5, "failed"), ("disputes", 5, 1),
    ("resolves", 3, "settle"), ("suspends", "all", 0), ("suspends", "batch:B9", 0), ("routes",),
    ("back", 5, 1), ("prepays", 1, 4), ("reverses", 4), ("order", 1, 1, 4, 1), ("some_drafting",),
    ("waits", 2),
]  # fmt: skip
"""Steps, each with the most that its numbers may be."""


@pytest.mark.parametrize("seed", range(3))
async def test_a_crowd_in_haste_leaves_the_books_right(room: Room, seed: int) -> None:
    """Six clerks at once, each of whom dies now and then, while months are drafted."""
    await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", MONDAY)
    desk, chance, weather = Desk(room), Random(seed), Faults(seed, 0.003)
    for step in BEGINNING[:8]:
        await desk.take(step, DeathAt(0))

    async def clerk() -> None:
        for _ in range(50):
            name, *most = chance.choice(HASTE)
            said = [chance.randint(0, one) if isinstance(one, int) else one for one in most]
            try:
                await desk.take((name, *said), weather)
            except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                continue  # two drafted, or heard, at once: the frame begins again

    async with asyncio.timeout(60):
        await asyncio.gather(*(clerk() for _ in range(6)))
    await at_rest(desk)
    assert desk.deaths > 0
    # When all is quiet and nothing is suspended, what is left is paid.
    for step in [*[("lifts", n) for n in range(desk.keys)], *[("on", *range(20))] * 5]:
        await desk.take(step, DeathAt(0))
    await at_rest(desk)
    unpaid = "SELECT count(*) FROM statements WHERE state <> 'paid' AND total_fen > 0"
    assert await room.pool.fetchval(unpaid) == 0
    assert await room.pool.fetchval("SELECT count(*) FROM payments WHERE state = 'paid'") > 0


async def test_a_story_gets_as_far_as_money(room: Room) -> None:
    """So that the model above cannot come to nothing unnoticed."""
    desk = Desk(room)
    story: list[tuple[Any, ...]] = [
        *BEGINNING, ("disputes", 1, 0), ("resolves", 0, "settle"), ("suspends", "all", 0),
        ("hears", 0, "failed"), ("on", 0), ("lifts", 0), ("on", 0), ("on", 0),
    ]  # fmt: skip
    for step in story:
        await desk.take(step, DeathAt(0))
        await right(room)
    await at_rest(desk)
    assert desk.done == {
        "confirm", "approve", "pay", "paid", "failed", "dispute", "settle", "suspend", "lift",
    }  # fmt: skip
    assert await room.pool.fetchval("SELECT count(*) FROM statements WHERE state = 'paid'") == 1
