"""The draft of a month over a real PostgreSQL: cut, killed, raced and late, it settles each line once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.clockwork import drafting
from services.settlement.domain.month import end_of
from shared.events.envelope import Record
from shared.kernel.entries import MOST_FEN
from shared.kernel.quantity import amount_fen
from shared.runtime.room import Room
from shared.testing.faults import Crash, FaultyPool
from shared.testing.postgres import MONDAY, fresh_database
from tests.settlement.booking import tamper
from tests.settlement.months import (
    FAR,
    FEBRUARY,
    FEN,
    HOSPITALS,
    JANUARY,
    MARCH,
    OTHER,
    PAYEES,
    SECOND,
    DeathAt,
    Sums,
    a_town,
    approve,
    bank,
    begin_again,
    check_books,
    confirm,
    dispute,
    draft,
    goes_back,
    goods,
    hear,
    id_of,
    instant_of,
    lift,
    lines,
    one_step,
    pay,
    resolve,
    state,
    statements,
    suspend,
    until,
)
from tests.settlement.papers import SELECTED, UNIT

LATER = timedelta(days=1)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database, in January."""
    async with a_town(database) as running:
        yield running


@pytest.fixture(autouse=True)
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes one hospital, so that every draft has many."""
    monkeypatch.setattr(drafting, "LINES", 1)


def a_month() -> list[list[Record]]:
    """Three hospitals, two payees, returns, and one pair with more returns than receipts."""
    return [
        goods(1), goods(2, payee=SECOND), goods(3, hospital=OTHER), goods(4, hospital=FAR),
        goods(5, hospital=FAR), goods(6, hospital=FAR, payee=SECOND), goes_back(1, 3),
        goes_back(5, 1, hospital=FAR), goes_back(5, 2, "T2", hospital=FAR),
    ]  # fmt: skip


A_MONTH = {
    id_of(): Sums(4 * FEN, -3 * FEN, 0),
    id_of(payee=SECOND): Sums(4 * FEN, 0, 0),
    id_of(hospital=OTHER): Sums(4 * FEN, 0, 0),
    id_of(hospital=FAR): Sums(8 * FEN, -3 * FEN, 0),
    id_of(hospital=FAR, payee=SECOND): Sums(4 * FEN, 0, 0),
}


async def facts(room: Room) -> list[tuple[str, str]]:
    """Every fact of a statement: stream and type."""
    rows = await room.pool.fetch(
        "SELECT stream, type FROM events WHERE stream LIKE 'statement-%' ORDER BY stream, version"
    )
    return [(row["stream"], row["type"].split(".")[2]) for row in rows]


async def everything(room: Room) -> tuple[Any, ...]:
    """Statements, lines and facts: what a draft leaves behind."""
    await check_books(room)
    left = await room.pool.fetchval("SELECT count(*) FROM draft_hospitals")
    return await statements(room), await lines(room), await facts(room), left


# ── once ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_draft_in_many_steps_makes_one_statement_of_each_pair(room: Room) -> None:
    await hear(room, *a_month())
    assert await draft(room) >= 5
    assert await statements(room) == A_MONTH
    rows = await room.pool.fetch("SELECT DISTINCT recorded_at, occurred_at FROM events")
    assert [tuple(row) for row in rows] == [(instant_of(JANUARY), instant_of(JANUARY))]
    await check_books(room)


async def test_a_draft_that_is_run_again_changes_nothing(room: Room) -> None:
    await hear(room, *a_month())
    await draft(room)
    before = await everything(room)
    assert await draft(room) == 1
    assert await everything(room) == before


async def test_nobody_who_has_no_line_has_a_statement(room: Room) -> None:
    await hear(room, goes_back(9), goods(1, at=end_of(JANUARY)))
    await draft(room)
    assert await statements(room) == {}


@pytest.mark.parametrize("seed", range(4))
async def test_the_hospitals_may_be_cut_and_taken_in_any_order(
    room: Room, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = Random(seed)

    async def some(connection: Any, _lines: int) -> list[str]:
        rows = [row[0] for row in await connection.fetch("SELECT hospital_id FROM draft_hospitals")]
        return chance.sample(rows, min(len(rows), chance.randint(1, 2)))

    monkeypatch.setattr(drafting, "next_hospitals", some)
    await hear(room, *a_month())
    await draft(room)
    assert await statements(room) == A_MONTH
    assert len(await lines(room)) == 9


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


async def closes_at(room: Room, at: datetime) -> list[str]:
    """The close of an instant as the frame runs it; which statements there are then."""
    until(room, at)
    done = False
    while not done:
        async with room.pool.acquire() as tx, tx.transaction():
            done = await drafting.close(tx, at, room)
    await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", at)
    return list(await statements(room))


async def test_of_all_closes_only_that_of_the_instant_drafts(room: Room) -> None:
    await hear(room, goods(1))
    at = instant_of(JANUARY)
    assert await closes_at(room, at - LATER) == []
    assert await closes_at(room, at - timedelta(hours=15)) == []  # 09:00
    assert await closes_at(room, at) == [id_of()]
    await hear(room, goods(2, payee=SECOND))
    assert await closes_at(room, at + timedelta(hours=9)) == [id_of()]
    assert await closes_at(room, at + LATER) == [id_of()]


async def test_a_draft_that_a_new_calendar_moves_into_the_past_is_made_up_for(room: Room) -> None:
    """The instant has gone by without a draft, though the service was at work then."""
    await hear(room, goods(1))
    late = instant_of(JANUARY) + 3 * LATER
    await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", instant_of(JANUARY))
    assert await closes_at(room, late) == [id_of()]
    assert await room.pool.fetchval("SELECT drafted_at FROM statements") == late


async def test_what_lies_before_the_first_close_is_history_and_enters_the_first_draft(
    room: Room,
) -> None:
    await hear(room, goods(1))
    assert await closes_at(room, instant_of(JANUARY) + 3 * LATER) == []
    assert await closes_at(room, instant_of(FEBRUARY)) == [id_of(FEBRUARY)]


# ── killed ────────────────────────────────────────────────────────────────────────────────────────


async def killed_everywhere(room: Room, month: str) -> int:
    """Each step of a draft dies at its every moment in turn, until it survives; how many deaths."""
    until(room, instant_of(month))
    deaths, done = 0, False
    while not done:
        moment = 0
        while True:
            moment += 1
            faults = DeathAt(moment)
            mortal = replace(room, pool=cast(asyncpg.Pool, FaultyPool(room.pool, faults)))
            try:
                done = await one_step(mortal, month)
            except Crash:
                deaths += 1
            if not faults.crashes:
                break
    return deaths


async def play_two_months(room: Room, *, is_killed: bool) -> int:
    """January, its statements settled or carried, then February with what was carried."""
    deaths = 0
    await hear(room, *a_month(), goods(7, 1, hospital=OTHER, payee=SECOND))
    await hear(room, goes_back(7, 1, hospital=OTHER, payee=SECOND))
    for month in (JANUARY, FEBRUARY):
        if is_killed:
            deaths += await killed_everywhere(room, month)
        else:
            await draft(room, month)
        if month == JANUARY:
            back = {"hospital": OTHER, "at": end_of(JANUARY)}
            more = goods(8, 2, hospital=OTHER, payee=SECOND, at=end_of(JANUARY))
            # What January settled goes back in February, and is more than February's receipts.
            await hear(room, goods(9, 2, at=end_of(JANUARY)), more, goes_back(3, 4, **back))
    return deaths


async def test_a_draft_that_dies_at_any_statement_is_continued_to_the_same_end(
    postgres: str, room: Room
) -> None:
    async with fresh_database(postgres) as dsn, a_town(dsn) as quiet:
        await play_two_months(quiet, is_killed=False)
        expected = await everything(quiet)
    deaths = await play_two_months(room, is_killed=True)
    assert deaths > 100
    assert await everything(room) == expected


# ── late ──────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_heard_after_the_draft_comes_in_the_next_month_and_only_there(
    room: Room,
) -> None:
    """The receipt occurred in January, its invoice came after January was drafted."""
    receipt, invoice = goods(2)
    await hear(room, goods(1), [receipt])
    await draft(room)
    until(room, instant_of(JANUARY) + LATER)
    await hear(room, [invoice], goes_back(2, 1))
    await draft(room, FEBRUARY)
    await draft(room, MARCH)
    assert await statements(room) == {
        id_of(): Sums(4 * FEN, 0, 0),
        id_of(FEBRUARY): Sums(4 * FEN, -FEN, 0),
    }


async def test_the_end_of_the_month_divides_by_what_was_said_and_not_by_when_it_was_heard(
    room: Room,
) -> None:
    end = end_of(JANUARY)
    last = end - timedelta(microseconds=1)
    until(room, end - timedelta(minutes=4))  # so far ahead a sender's clock may be
    await hear(room, goods(1, at=last), goods(2, at=end), goes_back(1, 1, at=last))
    await hear(room, goes_back(1, 2, "T2", at=end))
    await draft(room)
    assert await statements(room) == {id_of(): Sums(4 * FEN, -FEN, 0)}
    await draft(room, FEBRUARY)
    assert (await statements(room))[id_of(FEBRUARY)] == Sums(4 * FEN, -2 * FEN, 0)


async def test_a_return_is_deducted_at_the_price_at_which_its_line_was_settled(room: Room) -> None:
    """A later invoice changes what the line would be worth, not what was paid for it."""
    await hear(room, goods(1, price=SELECTED - 5_000))
    await draft(room)
    until(room, instant_of(JANUARY) + LATER)
    await hear(room, [under_number(goods(1)[1], "I2")], goes_back(1, 3))
    await draft(room, FEBRUARY)
    assert await statements(room) == {
        id_of(): Sums(800, 0, 0),
        id_of(FEBRUARY): Sums(0, -600, 0),
    }


def under_number(record: Record, invoice: str) -> Record:
    """The same invoice under another number."""
    said = msgspec.json.decode(record.fact) | {"invoice_id": invoice}
    return msgspec.structs.replace(record, fact=msgspec.json.encode(said))


async def test_a_return_waits_until_its_receipt_line_is_settled(room: Room) -> None:
    receipt, invoice = goods(1)
    await hear(room, [receipt], goes_back(1, 1))
    await draft(room)
    assert await statements(room) == {}
    await hear(room, [invoice])
    await draft(room, FEBRUARY)
    assert await statements(room) == {id_of(FEBRUARY): Sums(4 * FEN, -FEN, 0)}


async def test_a_carried_total_enters_one_statement_and_waits_until_there_is_one(
    room: Room,
) -> None:
    await hear(room, goods(1), goods(2, 1))
    await draft(room)
    await hear(room, goes_back(1, 4), goes_back(2, 1))
    await draft(room, FEBRUARY)
    assert (await statements(room))[id_of(FEBRUARY)] == Sums(0, -5 * FEN, 0)
    until(room, end_of(MARCH))
    assert await state(room, id_of(FEBRUARY)) == "draft"
    await draft(room, MARCH)
    assert await state(room, id_of(FEBRUARY)) == "carried_forward"
    assert id_of(MARCH) not in await statements(room)
    await hear(room, goods(3, 6, at=end_of(MARCH)))
    for month in ("2026-04", "2026-05"):
        await draft(room, month)
    assert list(await statements(room)) == [id_of(), id_of(FEBRUARY), id_of("2026-04")]
    assert (await statements(room))[id_of("2026-04")] == Sums(6 * FEN, 0, -5 * FEN)
    await check_books(room)


async def test_what_was_carried_can_be_carried_on(room: Room) -> None:
    await hear(room, goods(1))
    await draft(room)
    await hear(room, goes_back(1, 4))
    await draft(room, FEBRUARY)
    await hear(room, goods(2, 1, at=end_of(FEBRUARY)))
    await draft(room, MARCH)
    assert (await statements(room))[id_of(MARCH)] == Sums(FEN, 0, -4 * FEN)
    await hear(room, goods(3, 5, at=end_of(MARCH)))
    await draft(room, "2026-04")
    assert (await statements(room))[id_of("2026-04")] == Sums(5 * FEN, 0, -3 * FEN)
    await check_books(room)


async def test_a_disputed_line_comes_again_with_its_return_and_a_withdrawn_one_never(
    room: Room,
) -> None:
    await hear(room, goods(1), goods(2), goes_back(1, 1), goods(3))
    await draft(room)
    by_order = {
        (row["order_id"][-1], bool(row["return_id"])): row["line"]
        for row in await room.pool.fetch("SELECT * FROM statement_lines")
    }
    comes = await dispute(room, id_of(), by_order["1", False])
    never = await dispute(room, id_of(), by_order["2", False])
    assert await statements(room) == {id_of(): Sums(4 * FEN, 0, 0)}
    await resolve(room, never, "withdraw")
    await resolve(room, comes, "settle")
    await draft(room, FEBRUARY)
    await draft(room, MARCH)
    assert await statements(room) == {
        id_of(): Sums(4 * FEN, 0, 0),
        id_of(FEBRUARY): Sums(4 * FEN, -FEN, 0),
    }
    await check_books(room)


# ── two at once ───────────────────────────────────────────────────────────────────────────────────


async def drafts(room: Room, month: str) -> None:
    """A drafter who begins again where another was faster."""
    for _ in range(200):
        try:
            if await one_step(room, month):
                return
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(0)
    raise AssertionError("never done")


async def test_drafters_at_once_settle_each_line_once(database: str, room: Room) -> None:
    await hear(room, *a_month())
    async with a_town(database) as other:
        until(room, instant_of(JANUARY))
        until(other, instant_of(JANUARY))
        await asyncio.gather(*(drafts(one, JANUARY) for one in (room, other, room)))
        assert await statements(room) == A_MONTH
        assert len(await lines(room)) == 9
        await hear(room, goods(8, 9, at=end_of(JANUARY)), goes_back(1, 1, "T9"))
        await asyncio.gather(*(drafts(one, FEBRUARY) for one in (other, room, other)))
    assert (await statements(room))[id_of(FEBRUARY)] == Sums(9 * FEN, -FEN, 0)
    types = [type_ for _, type_ in await facts(room)]
    assert types == ["statement_drafted"] * 6
    await check_books(room)


# ── absurd ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_line_that_no_ledger_holds_stops_nobody(room: Room) -> None:
    price = 10**15
    absurd = goods(1, 10**8, price=price, selected_price=price)
    await hear(room, absurd, goods(2), goods(3, hospital=OTHER))
    assert await room.pool.fetchval("SELECT max(amount_fen) FROM receipt_lines") > MOST_FEN
    await draft(room)
    four = Sums(4 * FEN, 0, 0)
    assert await statements(room) == {id_of(): four, id_of(hospital=OTHER): four}


async def test_a_pair_that_no_ledger_holds_stops_no_other(room: Room) -> None:
    """Each line would do; together they are more than any entry."""
    most = {"price": 10**12, "selected_price": 10**12}
    units = MOST_FEN // 10**10
    await hear(room, goods(1, units, **most), goods(2, units, **most), goods(3, payee=SECOND))
    await hear(room, goes_back(1, 1), goods(4, hospital=OTHER))
    await draft(room)
    four = Sums(4 * FEN, 0, 0)
    assert await statements(room) == {id_of(payee=SECOND): four, id_of(hospital=OTHER): four}
    assert await room.pool.fetchval("SELECT bool_and(is_free) FROM return_lines")
    await draft(room, FEBRUARY)
    assert len(await statements(room)) == 2


# ── apart ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pool_whose_hospitals_pay_by_themselves_is_left_out(room: Room) -> None:
    await hear(room, *a_month())
    policy, rule = room.policy, room.policy.rules["B1.3.1"]
    chosen = replace(rule, values={**rule.values, "hospital_pays_pools": ["360100"]})
    rules = {**policy.rules, rule.id: chosen}
    await draft(replace(room, policy=replace(policy, rules=rules)))
    assert {id_[8:20] for id_ in await statements(room)} == {FAR}


async def test_lines_that_a_suspension_covers_become_a_second_statement(room: Room) -> None:
    await hear(
        room, goods(1), goods(2, 3, batch_id="B9"), goes_back(2, 1), goods(3, 1, payee=SECOND)
    )
    await hear(room, goods(4, 2, hospital=OTHER, batch_id="B9"))
    await suspend(room, scope="batch:B9")
    await draft(room)
    assert await statements(room) == {
        id_of(): Sums(4 * FEN, 0, 0),
        id_of(held=True): Sums(3 * FEN, -FEN, 0),
        id_of(payee=SECOND): Sums(FEN, 0, 0),
        id_of(hospital=OTHER): Sums(2 * FEN, 0, 0),  # all of it is covered: there is no second
    }
    rows = await room.pool.fetch("SELECT statement_id FROM statements WHERE is_apart")
    assert [row[0] for row in rows] == [id_of(held=True)]


async def test_of_two_statements_the_one_that_is_not_held_takes_what_was_carried(
    room: Room,
) -> None:
    await hear(room, goods(1))
    await draft(room)
    await hear(room, goes_back(1, 2))
    await draft(room, FEBRUARY)
    both = [goods(2, 9, at=end_of(FEBRUARY)), goods(3, 9, at=end_of(FEBRUARY), batch_id="B9")]
    await hear(room, *both)
    await suspend(room, scope="batch:B9")
    await draft(room, MARCH)
    found = await statements(room)
    assert found[id_of(MARCH)] == Sums(9 * FEN, 0, -2 * FEN)
    assert found[id_of(MARCH, held=True)] == Sums(9 * FEN, 0, 0)


async def test_a_lifted_suspension_divides_nothing_and_one_to_come_neither(room: Room) -> None:
    await hear(room, goods(1), goods(2, 3, batch_id="B9"))
    await suspend(room, scope="batch:B9")
    await lift(room)
    await suspend(room, "S2", "batch:B9", begins=instant_of(JANUARY) + LATER)
    await draft(room)
    assert await statements(room) == {id_of(): Sums(7 * FEN, 0, 0)}


# ── sets and the plain reading ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Said:
    """A receipt line, with the return of some of it perhaps. Months are 0 to 2."""

    hospital: str
    payee: str
    units: int
    price: int
    occurred: int
    heard: int
    back: tuple[int, int, int] | None

    @classmethod
    def of(cls, *told: Any, later: int, back: tuple[int, int, int] | None) -> Said:
        """Nothing is heard before it happens; of a return its units, month, and when it was heard."""
        if back is not None:
            units, answered, waits = back
            back = (min(units, told[2]), answered, min(2, answered + waits))
        return cls(*told, min(2, told[4] + later), back)


def when(month: int) -> datetime:
    """Some instant of the n-th month, behind the draft of the month before."""
    return MONDAY if month == 0 else instant_of((JANUARY, FEBRUARY)[month - 1]) + timedelta(days=3)


SAID = st.builds(
    Said.of,
    st.sampled_from(HOSPITALS[:2]),
    st.sampled_from(PAYEES),
    st.integers(1, 5),
    st.sampled_from([SELECTED, 3_333, 5_050, 50]),
    st.integers(0, 2),
    later=st.integers(0, 2),
    back=st.none() | st.tuples(st.integers(1, 5), st.integers(0, 2), st.integers(0, 2)),
)


def plainly(told: list[Said]) -> dict[str, Sums]:
    """The contract read line by line: what each month's statements are."""
    found: dict[str, Sums] = {}
    settled: set[int] = set()
    returned: set[int] = set()
    carried: set[str] = set()
    waiting: dict[tuple[str, str], int] = defaultdict(int)
    for number, month in enumerate((JANUARY, FEBRUARY, MARCH)):
        for id_, sums_before in found.items():
            if sum(sums_before) <= 0 and id_ not in carried:
                carried.add(id_)
                waiting[id_[8:20], id_[21:39]] += sum(sums_before)
        sums: dict[tuple[str, str], list[int]] = {}
        for place, one in enumerate(told):
            if place not in settled and one.heard <= number:
                settled.add(place)
                sums.setdefault((one.hospital, one.payee), [0, 0])[0] += amount_fen(
                    one.units * UNIT, one.price
                )
        for place, one in enumerate(told):
            if one.back is None or place in returned or place not in settled:
                continue
            if one.back[2] <= number:
                returned.add(place)
                sums.setdefault((one.hospital, one.payee), [0, 0])[1] -= amount_fen(
                    one.back[0] * UNIT, one.price
                )
        for pair, (receipts, returns) in sums.items():
            found[id_of(month, *pair)] = Sums(receipts, returns, waiting.pop(pair, 0))
    return found


def heard_in(told: list[Said], month: int) -> Iterable[list[Record]]:
    """What reaches settlement in a month, whenever it happened."""
    for number, one in enumerate(told):
        parties = {"hospital": one.hospital, "payee": one.payee}
        if one.heard == month:
            yield goods(number, one.units, at=when(one.occurred), price=one.price, **parties)
        if one.back is not None and one.back[2] == month:
            yield goes_back(number, one.back[0], at=when(one.back[1]), **parties)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(SAID, max_size=8))
async def test_three_months_of_sets_are_three_months_read_line_by_line(
    database: str, room: Room, told: list[Said]
) -> None:
    await begin_again(database, room)
    for number, month in enumerate((JANUARY, FEBRUARY, MARCH)):
        until(room, when(number))
        await hear(room, *heard_in(told, number))
        await draft(room, month)
        await check_books(room)
    assert await statements(room) == plainly(told)


async def test_a_line_that_looks_new_but_is_settled_is_passed_over_and_stops_nobody(
    database: str, room: Room
) -> None:
    """Its key refuses the chunk; claimed again, the chunk takes what is free."""
    await hear(room, goods(1))
    await draft(room, JANUARY)
    until(room, when(1))
    await hear(room, goods(2, at=when(1)))
    await tamper(
        database, f"UPDATE receipt_lines SET occurred_at = '{when(1)}', changed_at = '{when(1)}'"
    )
    await draft(room, FEBRUARY)
    found = await statements(room)
    assert found[id_of(month=FEBRUARY)] == found[id_of(month=JANUARY)]
    assert len(await lines(room)) == 2


async def test_a_month_ends_paid(room: Room) -> None:
    """The whole way once, through the functions that the doors call."""
    await hear(room, *a_month())
    await draft(room)
    ids = list(A_MONTH)
    await confirm(room, *ids)
    assert await approve(room, *ids) == [None] * 5
    assert await pay(room, *ids) == [None] * 5
    for one in ids:
        assert await bank(room, f"{one}-p1") is None
        assert await state(room, one) == "paid"
    await check_books(room)
