"""The ledger takes what balances, once, in open months, and never changes: over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from services.settlement.api.judged import as_sent
from services.settlement.app import service
from services.settlement.commands import CloseMonth, PostOffset
from services.settlement.domain.posting import POSTING
from services.settlement.projections.ledger import (
    UNBALANCED,
    KeyTaken,
    MonthClosed,
    close_month,
    post,
)
from shared.events.settlement import FACTS, MONTH_CLOSED, OFFSET_POSTED
from shared.kernel.entries import Unsound, credit, debit, entry_of, mirrored
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.store.locks import MONTH_CLASS
from shared.testing.postgres import MONDAY, desk_of, open_room
from tests.settlement.booking import BANK, HOSPITAL, PAYABLE, RECEIVABLE, an_entry, book, rows


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


SIDES = "SELECT account, debit_fen, credit_fen FROM postings ORDER BY entry_id, line"


async def test_the_same_entry_again_changes_nothing(room: Room) -> None:
    await book(room, an_entry("a"), an_entry("a"))
    await book(room, an_entry("a", at=MONDAY + timedelta(days=3)), an_entry("b", 7))
    assert len(await rows(room, SIDES)) == 4
    [(first,)] = await rows(room, "SELECT at FROM entries WHERE key = 'a'")
    assert first == MONDAY


@pytest.mark.parametrize("entries", [[an_entry("a", 101)], [an_entry("b"), an_entry("b", 2)]])
async def test_a_key_never_stands_for_anything_else(room: Room, entries: list) -> None:
    await book(room, an_entry("a"))
    before = await rows(room, SIDES)
    with pytest.raises(KeyTaken):
        await book(room, an_entry("c"), *entries)
    assert await rows(room, SIDES) == before


async def test_of_two_who_post_the_same_at_once_one_posts(room: Room) -> None:
    async with room.pool.acquire() as tx:
        began = tx.transaction()
        await began.start()
        await post(tx, [an_entry("a"), an_entry("b")])
        second = asyncio.create_task(book(room, an_entry("b"), an_entry("a")))
        await asyncio.sleep(0.1)
        assert not second.done()
        await began.commit()
    await second
    assert len(await rows(room, SIDES)) == 4


@pytest.mark.parametrize(
    "sides",
    [
        [debit(BANK, 1), credit(PAYABLE, 2)],
        [debit(BANK, 1)],
        [debit(BANK, 0), credit(PAYABLE, 0)],
        [debit(BANK, -1), credit(PAYABLE, -1)],
        [debit(BANK, 2**53), credit(PAYABLE, 2**53)],
        [debit("fund:3601:bank", 1), credit(PAYABLE, 1)],
        [debit("enterprise:91360000MA00000D15:payable", 1), credit(BANK, 1)],
        [],
    ],
)
async def test_an_entry_that_is_none_is_refused_before_the_database_sees_it(
    room: Room, sides: list
) -> None:
    with pytest.raises(Unsound):
        await book(room, entry_of("a", MONDAY, sides))


async def test_an_entry_must_say_where_it_belongs(room: Room) -> None:
    moved = [debit(PAYABLE, 5), credit(PAYABLE.replace("payable", "held"), 5)]
    with pytest.raises(Unsound):
        await book(room, entry_of("a", MONDAY, moved))
    await book(room, entry_of("a", MONDAY, moved, hospital_id="H36010200001"))
    assert await rows(room, "SELECT division FROM entries") == [("360102",)]


async def insert(tx: asyncpg.Connection, key: str, *amounts: int, reverses: str | None = None):
    """An entry by hand, past the desk: positive amounts are debits."""
    await tx.execute(
        """INSERT INTO entries (entry_id, key, at, division, reverses, epoch)
           VALUES ($1, $1, $2, '360102', $3, 1)""",
        key,
        MONDAY,
        reverses,
    )
    for line, amount in enumerate(amounts, 1):
        await tx.execute(
            "INSERT INTO postings VALUES ($1, $2, $3, $4, $5)",
            key,
            line,
            BANK,
            max(amount, 0),
            max(-amount, 0),
        )


@pytest.mark.parametrize("amounts", [(), (5,), (5, -4), (5, -4, -2)])
async def test_the_database_itself_refuses_what_does_not_balance(room: Room, amounts) -> None:
    """Whoever writes, on whatever road: it is asked when the transaction commits."""
    async with room.pool.acquire() as tx:
        began = tx.transaction()
        await began.start()
        await insert(tx, "x", *amounts)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await began.commit()
    assert refused.value.sqlstate == UNBALANCED
    assert await rows(room, SIDES) == []


async def test_nothing_is_added_to_an_entry_later_however_well_it_balances(room: Room) -> None:
    async with room.pool.acquire() as tx, tx.transaction():
        await insert(tx, "x", 5, -5)
    for entry_id in ("x", "never posted"):
        with pytest.raises(asyncpg.PostgresError, match="written with its entry"):
            await room.pool.execute(
                "INSERT INTO postings VALUES ($1, 3, $2, 9, 0), ($1, 4, $2, 0, 9)", entry_id, BANK
            )


async def test_a_reversal_is_the_mirror_and_there_is_one(room: Room) -> None:
    first = an_entry("a")
    await book(room, first)
    wrong = entry_of(
        "w", MONDAY, [debit(PAYABLE, 99), credit(RECEIVABLE, 99)], reverses=first.entry_id
    )
    with pytest.raises(asyncpg.PostgresError, match="does not mirror"):
        await book(room, wrong)
    await book(room, entry_of("r", MONDAY, mirrored(first.postings), reverses=first.entry_id))
    with pytest.raises(asyncpg.UniqueViolationError, match="reversed_once"):
        await book(room, entry_of("s", MONDAY, mirrored(first.postings), reverses=first.entry_id))


async def test_a_closed_month_takes_nothing_on_any_road(room: Room) -> None:
    late = MONDAY.replace(month=1, day=31, hour=15, minute=59)
    assert late + timedelta(minutes=1) == MONDAY.replace(month=1, day=31, hour=16, minute=0)
    async with room.pool.acquire() as tx, tx.transaction():
        await close_month(tx, "2026-01", MONDAY, "finance:360000")
    with pytest.raises(MonthClosed):
        await book(room, an_entry("a", at=late))
    with pytest.raises(asyncpg.PostgresError, match="closed"):
        async with room.pool.acquire() as tx, tx.transaction():
            await insert(tx, "x", 5, -5)
    # 24:00 in Beijing begins the next month, which is open; a mixed batch falls as a whole.
    await book(room, an_entry("b", at=late + timedelta(minutes=1)))
    with pytest.raises(MonthClosed):
        await book(room, an_entry("c", at=late + timedelta(minutes=1)), an_entry("d", at=late))
    assert await rows(room, "SELECT key FROM entries") == [("b",)]


async def test_an_entry_repeated_after_its_month_was_closed_is_no_new_entry(room: Room) -> None:
    await book(room, an_entry("a"))
    async with room.pool.acquire() as tx, tx.transaction():
        await close_month(tx, "2026-01", MONDAY, "finance:360000")
    await book(room, an_entry("a"))
    assert await rows(room, "SELECT key FROM entries") == [("a",)]


async def test_a_close_waits_for_whoever_is_in_the_month_and_shuts_out_who_comes_later(
    room: Room,
) -> None:
    """Without the lock the writer below would commit into a closed month."""
    async with room.pool.acquire() as tx, room.pool.acquire() as closer:
        began = tx.transaction()
        await began.start()
        await post(tx, [an_entry("a")])

        async def close() -> None:
            async with closer.transaction():
                await close_month(closer, "2026-01", MONDAY, "finance:360000")

        closing = asyncio.create_task(close())
        await asyncio.sleep(0.1)
        assert not closing.done()
        later = asyncio.create_task(book(room, an_entry("b")))
        await asyncio.sleep(0.1)
        assert not later.done()
        await began.commit()
        await closing
        with pytest.raises(MonthClosed):
            await later
    assert await rows(room, "SELECT key FROM entries") == [("a",)]


async def test_an_old_snapshot_cannot_slip_past_a_close(room: Room) -> None:
    """Under REPEATABLE READ the trigger would not see a close that was committed meanwhile."""
    async with room.pool.acquire() as tx:
        with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
            async with tx.transaction(isolation="repeatable_read"):
                await post(tx, [an_entry("a")])


async def test_nobody_passes_an_entry_off_as_an_older_transactions(room: Room) -> None:
    """It would stand before the chain's cursor and never be sealed."""
    with pytest.raises(asyncpg.PostgresError, match="the transaction that wrote it"):
        await room.pool.execute(
            """INSERT INTO entries (entry_id, key, at, division, epoch, xid)
               VALUES ('x', 'x', now(), '360102', 1, '3')"""
        )


TABLES = ("entries", "postings", "closed_months", "sealed", "blocks")


@pytest.mark.parametrize("table", TABLES)
async def test_the_service_may_not_change_its_ledger_nor_its_owner_by_mistake(
    database: str, room: Room, table: str
) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("SET search_path TO settlement")
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await room.pool.execute(statement)
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await owner.execute(statement)
    may_update = await owner.fetchval(
        "SELECT has_any_column_privilege('jicai_settlement', $1, 'UPDATE')", table
    )
    assert may_update is False
    await owner.close()


async def test_the_triggers_take_the_class_that_the_lock_register_names(room: Room) -> None:
    source = await room.pool.fetchval(
        "SELECT prosrc FROM pg_proc WHERE proname = 'entries_are_in_time'"
    )
    assert f"({MONTH_CLASS}, " in source


async def test_a_fact_and_its_entry_stand_or_fall_together(room: Room) -> None:
    """The entry's key is taken by something else: the offset is not recorded either."""
    command = PostOffset(offset_id="X", hospital_id=HOSPITAL, amount_fen=5, by="finance:360100")
    finance = Actor("finance", "360100")
    await book(room, an_entry("offset-X"))
    with pytest.raises(KeyTaken):
        await desk_of(room).submit(
            [as_sent(finance, "offset-X", OFFSET_POSTED, command, {}, MONDAY)]
        )
    assert await rows(room, "SELECT 1 FROM events") == []
    command = replace(command, offset_id="Y")
    sent = as_sent(finance, "offset-Y", OFFSET_POSTED, command, {}, MONDAY)
    again = as_sent(finance, "offset-Y", OFFSET_POSTED, command, {}, MONDAY)
    verdicts = await asyncio.gather(*(desk_of(room).submit([one]) for one in (sent, again)))
    assert sorted(verdict.status for [verdict] in verdicts) == ["accepted", "duplicate"]
    assert await rows(room, "SELECT key FROM entries ORDER BY key") == [
        ("offset-X",),
        ("offset-Y",),
    ]


def test_every_fact_that_causes_an_entry_has_its_rule() -> None:
    assert set(POSTING) < set(FACTS)


async def test_a_months_close_is_recorded_and_shuts_the_month_at_once(room: Room) -> None:
    """The trigger, not the rules, shuts out what comes on another road."""
    finance = Actor("finance", "360000")
    sent = as_sent(finance, "month-2025-12", MONTH_CLOSED, CloseMonth("2025-12", "x"), {}, MONDAY)
    [verdict] = await desk_of(room).submit([sent])
    assert verdict.status == "accepted"
    with pytest.raises(MonthClosed):
        await book(room, an_entry("a", at=MONDAY - timedelta(days=9)))
