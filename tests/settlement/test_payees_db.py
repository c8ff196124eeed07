"""Money goes where it should, and once, whoever does what at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.settlement.api.payees.accounts import post_block, put_payee_account
from services.settlement.api.payees.issuing import issue
from services.settlement.api.payees.views import file_line
from services.settlement.api.statements import acting, banking
from services.settlement.api.statements.banking import report_words
from services.settlement.domain.payment_file import hash_of_rows
from services.settlement.domain.stepping import BankWord
from services.settlement.projections.payees import account_of
from services.settlement.projections.payment_files import claim_payments, rows_of
from shared.kernel.errors import Problem
from shared.runtime.actors import Acting, parse_actor
from shared.runtime.room import Room
from tests.settlement.booking import tamper
from tests.settlement.months import (
    CASHIER,
    PAYEE,
    a_town,
    approve,
    confirm,
    draft,
    goods,
    hear,
    id_of,
    pay,
    said,
    state,
)

KEEPER = Acting(parse_actor("finance:360000/qian"), is_sandbox=False)
POOL = "360100"
HOSPITALS = [f"H360102000{n:02}" for n in range(1, 7)]
NUMBERS = ("6222021502012345678", "36050152015012345678")


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Six statements of one payee, all approved."""
    async with a_town(database) as running:
        await hear(running, *(goods(n, hospital=one) for n, one in enumerate(HOSPITALS)))
        await running.pool.execute(
            "INSERT INTO registers (kind, id, version, kinds) VALUES ('organisation', $1, 1, 'distributor')",
            PAYEE,
        )
        await draft(running)
        await confirm(running, *IDS)
        assert await approve(running, *IDS) == [None] * len(IDS)
        yield running


IDS = [id_of(hospital=one) for one in HOSPITALS]


async def set_account(room: Room, number: str = NUMBERS[0]) -> None:
    body = said(
        account_name="某某医药", account_number=number, bank_name="工行", bank_code="1" * 12
    )
    await put_payee_account(PAYEE, KEEPER, room, body)


async def block(room: Room) -> None:
    await post_block(PAYEE, KEEPER, room, said(reason="异常"))


async def tried(room: Room, file_id: str) -> str:
    """A file is issued, or why not."""
    try:
        await issue(room, file_id, POOL, CASHIER)
    except Problem as problem:
        return problem.code
    return "issued"


async def filed(room: Room) -> list[tuple[str, str]]:
    """Which payment stands in which file."""
    rows = await room.pool.fetch("SELECT payment_id, file_id FROM payment_file_lines ORDER BY 1, 2")
    return [tuple(row) for row in rows]


async def log(room: Room) -> list[str]:
    """What of accounts and payments happened, in the order in which it was committed."""
    rows = await room.pool.fetch(
        """SELECT type FROM events WHERE type LIKE '%.payee_account_%' OR type LIKE '%.payment_ordered%'
           ORDER BY events.xid, position"""
    )
    return [row[0].split(".")[2] for row in rows]


async def test_a_number_stands_where_money_is_sent_from_and_nowhere_else(room: Room) -> None:
    await set_account(room)
    await pay(room, *IDS)
    await set_account(room, NUMBERS[1])
    assert await tried(room, "F1") == "issued"
    found = set()
    tables = await room.pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )
    for table in (row[0] for row in tables):
        rows = await room.pool.fetch(f'SELECT * FROM "{table}"')
        text = repr([tuple(row.values()) for row in rows])
        found |= {(table, number) for number in NUMBERS if number in text}
    assert found == {("payments", NUMBERS[0]), ("payee_accounts", NUMBERS[1])}
    facts = await room.pool.fetchval(
        "SELECT count(*) FROM events WHERE convert_from(fact, 'UTF8') LIKE '%\"account_ending\":\"5678\"%'"
    )
    assert facts == len(IDS) + 2, "payments and both accounts are told by their last characters"


async def test_the_account_of_a_payment_is_that_of_its_fact(room: Room) -> None:
    """Accounts change while payments are ordered: each row bears the number its fact's version had."""

    async def change() -> None:
        for n in range(8):
            await set_account(room, NUMBERS[n % 2])

    await set_account(room, NUMBERS[1])
    await asyncio.gather(change(), *(pay(room, id_) for id_ in IDS))
    rows = await room.pool.fetch("SELECT * FROM payments")
    assert len(rows) == len(IDS)
    # Version 1 is the second number, then they alternate from the first.
    assert all(
        account_of(row).account_number == NUMBERS[row["account_version"] % 2] for row in rows
    )


async def done_or_waiting(room: Room, task: asyncio.Task[Any], lock: str) -> None:
    """Until a task is done, or somebody waits for a lock of this kind."""
    asked = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = $1 AND NOT granted)"
    while not task.done():
        if await room.pool.fetchval(asked, lock):
            return
        await asyncio.sleep(0.01)


async def meanwhile(
    room: Room, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]
) -> list[str | None]:
    """Pay, while `act` begins behind the look at the account: it waits for the lock, or is done."""
    looked = acting.standing_accounts
    running: list[asyncio.Task[None]] = []

    async def look(connection: Any, payees: Any) -> Any:
        standing = await looked(connection, payees)
        running.append(asyncio.create_task(act()))
        await done_or_waiting(room, running[0], "advisory")
        return standing

    monkeypatch.setattr(acting, "standing_accounts", look)
    codes = await pay(room, IDS[0])
    await running[0]
    return codes


async def test_no_payment_is_ordered_behind_a_block(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_account(room)
    assert await meanwhile(room, monkeypatch, lambda: block(room)) == [None]
    assert await log(room) == ["payee_account_set", "payment_ordered", "payee_account_blocked"]
    monkeypatch.undo()
    assert await pay(room, IDS[1]) == ["payee_account_blocked"]
    assert await state(room, IDS[1]) == "approved"


async def test_without_the_payees_lock_a_payment_would_be_ordered_behind_a_block(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_account(room)
    monkeypatch.setattr(acting, "payee_stream", lambda payee_id: f"nobody-{payee_id}")
    assert await meanwhile(room, monkeypatch, lambda: block(room)) == [None]
    assert await log(room) == ["payee_account_set", "payee_account_blocked", "payment_ordered"]


async def test_of_racing_files_each_payment_enters_one(room: Room) -> None:
    await pay(room, *IDS[:3])
    became = await asyncio.gather(*(tried(room, f"F{n}") for n in range(6)))
    assert sorted(became) == ["issued", *["nothing_to_pay"] * 5]
    assert [payment for payment, _ in await filed(room)] == [f"{id_}-p1" for id_ in IDS[:3]]


async def test_files_and_payments_at_once_leave_nothing_out_and_nothing_twice(room: Room) -> None:
    await asyncio.gather(
        *(pay(room, id_) for id_ in IDS), *(tried(room, f"F{n}") for n in range(4))
    )
    await tried(room, "LAST")
    assert [payment for payment, _ in await filed(room)] == [f"{id_}-p1" for id_ in IDS]
    heads = await room.pool.fetch("SELECT * FROM payment_files")
    assert sum(head["payments"] for head in heads) == len(IDS)
    for head in heads:
        rows = await rows_of(room.pool, head["file_id"])
        assert len(rows) == head["payments"]
        assert hash_of_rows(head["salt"], map(file_line, rows)) == head["sha256"]


async def claims_of_two(room: Room) -> list[int]:
    """Two take what waits, the second before the first has committed; how much each got."""
    async with room.pool.acquire() as one, room.pool.acquire() as two:
        async with one.transaction():
            first = await claim_payments(one, "F1", POOL)
            second = asyncio.create_task(_claim(two))
            await done_or_waiting(room, second, "transactionid")
        return [len(first), await second]


async def _claim(connection: asyncpg.Connection) -> int:
    async with connection.transaction():
        return len(await claim_payments(connection, "F2", POOL))


async def test_the_database_itself_lets_a_payment_into_one_file(room: Room) -> None:
    await pay(room, *IDS)
    assert await claims_of_two(room) == [len(IDS), 0]


async def test_without_its_key_a_payment_would_be_sent_twice(room: Room, database: str) -> None:
    await pay(room, *IDS)
    await tamper(database, "ALTER TABLE payment_file_lines DROP CONSTRAINT payment_file_lines_pkey")
    assert await claims_of_two(room) == [len(IDS), len(IDS)]


async def test_one_file_id_is_issued_once(room: Room) -> None:
    await pay(room, *IDS[:2])
    became = await asyncio.gather(*(tried(room, "F1") for _ in range(5)))
    assert became == ["issued"] * 5
    await pay(room, *IDS[2:])
    assert await tried(room, "F1") == "issued"
    assert len(await filed(room)) == 2, "the file is what it was"
    assert (
        await room.pool.fetchval("SELECT count(*) FROM events WHERE type LIKE '%file_issued%'") == 1
    )


async def test_many_words_of_the_bank_go_in_chunks_and_one_refusal_stops_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banking, "_CHUNK", 2)
    await pay(room, *IDS)
    ids = [f"{id_}-p1" for id_ in IDS]
    words = [
        BankWord(ids[0], "paid", "R1"),
        BankWord(ids[1], "paid", "R1"),  # borne within the same chunk
        BankWord("NONE", "paid"),
        BankWord(ids[2], "failed", None, None, "户名不符"),
        BankWord(ids[3], "paid", "R1"),  # borne in an earlier one
        BankWord(ids[3], "paid", "R3"),
        BankWord(ids[3], "failed"),
    ]
    expected = [None, "bank_reference_taken", "unknown_payment", None, "bank_reference_taken", None,
                "conflicting_result"]  # fmt: skip
    outcomes = await report_words(room, words, CASHIER)
    assert [one.problem and one.problem.code for one in outcomes] == expected
    states = [await state(room, id_) for id_ in IDS]
    assert states == ["paid", "paying", "approved", "paid", "paying", "paying"]
    before = await room.pool.fetchval("SELECT count(*) FROM entries")
    assert before == len(IDS) + 2, "an approval each, and what was paid"
    again = await report_words(room, [words[0], words[3], words[5]], CASHIER)
    assert [one.problem for one in again] == [None] * 3
    assert await room.pool.fetchval("SELECT count(*) FROM entries") == before


async def test_two_files_of_answers_at_once_bear_a_reference_once(room: Room) -> None:
    await pay(room, *IDS)
    words = [BankWord(f"{id_}-p1", "paid", "R1") for id_ in IDS]
    outcomes = await asyncio.gather(*(report_words(room, [word], CASHIER) for word in words))
    codes = sorted(one.problem.code if one.problem else "" for [one] in outcomes)
    assert codes == ["", *["bank_reference_taken"] * (len(IDS) - 1)]
