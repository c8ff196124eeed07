"""Each guard of the months beside a naive variant without it: the naive one loses money or settles twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from services.settlement.api.ledger import entries
from services.settlement.api.statements import acting, disputes, suspensions
from services.settlement.clockwork import drafting, routing
from services.settlement.sets.claiming import Claimed
from shared.runtime.deciding import decide_together
from shared.runtime.room import Room
from tests.settlement.booking import tamper
from tests.settlement.months import (
    FEBRUARY,
    FEN,
    JANUARY,
    NOBODY_WAITS,
    SECOND,
    Sums,
    a_town,
    approve,
    balance,
    bank,
    check_books,
    confirm,
    dispute,
    draft,
    goods,
    hear,
    id_of,
    instant_of,
    one_step,
    pay,
    prepay,
    resolve,
    reverse,
    statements,
    suspend,
    until,
    until_somebody_waits,
)

BOTH = [id_of(), id_of(payee=SECOND)]


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database, in January."""
    async with a_town(database) as running:
        yield running


class Meeting:
    """Where two stand between their look and their deed, until both have looked or one must wait."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.looked = 0

    async def __call__(self) -> None:
        """Look, then wait for the other."""
        self.looked += 1
        while self.looked < 2 and await self._room.pool.fetchval(NOBODY_WAITS):  # noqa: ASYNC110 - the database knows
            await asyncio.sleep(0.002)


class Open:
    """A deed that stands open in its transaction until it is let go."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.reached = asyncio.Event()
        self.may_go = asyncio.Event()

    async def __call__(self, *args: Any) -> Any:
        """What was to be called, and then the wait; only the first one waits."""
        found = await self._call(*args)
        if not self.reached.is_set():
            self.reached.set()
            await self.may_go.wait()
        return found


# ── a line is claimed by its key ──────────────────────────────────────────────────────────────────


async def _naive_claim(tx: Any, hospitals: Sequence[str], *_: Any) -> list[Claimed]:
    """Claims what was in no statement when it looked."""
    rows = await tx.fetch(
        """SELECT r.*, nextval('statement_numbers') AS number FROM receipt_lines r
           WHERE r.outcome = 'matched' AND r.hospital_id = ANY($1) AND NOT EXISTS (
             SELECT FROM statement_lines l WHERE l.order_id = r.order_id)""",
        hospitals,
    )
    for row in rows:
        await tx.execute(
            """INSERT INTO statement_lines (statement, order_id, receipt_id, order_line_id,
                 product_id, quantity, unit_price, amount_fen)
               VALUES ($1, $2, $3, $4, 'P1', $5, 1, $6)""",
            *(row["number"], row["order_id"], row["receipt_id"], row["order_line_id"]),
            *(row["accepted"], int(row["amount_fen"])),
        )
    return []


async def _no_returns(*_: Any, **__: Any) -> list[Claimed]:
    """Nothing comes back in this story; without the key the product's claim of returns is no SQL."""
    return []


async def _two_draft(room: Room, monkeypatch: pytest.MonkeyPatch) -> int:
    """Two take the same hospital at once, each behind a lock of its own; how many lines are settled."""
    await hear(room, goods(1), goods(2))
    until(room, instant_of(JANUARY))
    assert not await one_step(room)
    meeting, numbers = Meeting(room), count()
    claim, lock = drafting.claim_receipts, drafting.behind_locks

    async def claiming(*asked: Any) -> list[Claimed]:
        found = await claim(*asked)
        await meeting()
        return found

    async def locking(*asked: Any, **_: Any) -> Any:
        return await lock(*asked, locks=[f"draft-{next(numbers)}"])

    monkeypatch.setattr(drafting, "claim_receipts", claiming)
    monkeypatch.setattr(drafting, "behind_locks", locking)
    assert await asyncio.gather(one_step(room), one_step(room)) == [False, False]
    return await room.pool.fetchval("SELECT count(*) FROM statement_lines")


async def test_who_claims_by_what_was_free_a_moment_ago_settles_twice(
    database: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tamper(database, "DROP INDEX statement_lines_claim")
    monkeypatch.setattr(drafting, "claim_receipts", _naive_claim)
    monkeypatch.setattr(drafting, "claim_returns", _no_returns)
    assert await _two_draft(room, monkeypatch) == 4


async def test_by_their_key_lines_are_claimed_once_even_if_the_lock_should_fail(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second passes over what its key refuses, and stops nobody."""
    assert await _two_draft(room, monkeypatch) == 2
    monkeypatch.undo()
    await draft(room)
    assert await statements(room) == {id_of(): Sums(8 * FEN, 0, 0)}


# ── prepaid is drawn by one at a time ─────────────────────────────────────────────────────────────


async def _two_approved(room: Room) -> None:
    """Two statements of one hospital, four units each, that can be paid."""
    await hear(room, goods(1), goods(2, payee=SECOND))
    await draft(room)
    await confirm(room, *BOTH)
    assert await approve(room, *BOTH) == [None, None]


async def _drawn(room: Room) -> list[int]:
    """What each payment draws of what is prepaid."""
    rows = await room.pool.fetch("SELECT from_prepaid_fen FROM payments ORDER BY 1")
    return [row[0] for row in rows]


async def _two_payments(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two statements of a hospital are paid at once; what each draws of 1,000 fen that are prepaid."""
    await _two_approved(room)
    await prepay(room, 4 * FEN)
    meeting, look = Meeting(room), acting.prepaid_left

    async def looking(*asked: Any) -> dict[str, int]:
        found = await look(*asked)
        await meeting()
        return found

    monkeypatch.setattr(acting, "prepaid_left", looking)
    assert await asyncio.gather(*(pay(room, one) for one in BOTH)) == [[None], [None]]
    return await _drawn(room)


async def test_two_payments_without_the_prepaid_lock_draw_the_same_fen(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    monkeypatch.setattr(acting, "prepaid_lock", lambda hospital: f"{hospital}-{next(numbers)}")
    assert await _two_payments(room, monkeypatch) == [4 * FEN, 4 * FEN]
    with pytest.raises(AssertionError, match="more is drawn or reserved than was prepaid"):
        await check_books(room)


async def test_of_two_payments_one_draws_what_is_prepaid(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _two_payments(room, monkeypatch) == [0, 4 * FEN]
    await check_books(room)


async def test_many_at_once_draw_one_after_the_other(room: Room) -> None:
    """In one transaction nobody has to wait: the next draws what the first has left."""
    await _two_approved(room)
    await prepay(room, 6 * FEN)
    assert await pay(room, *BOTH) == [None, None]
    assert await _drawn(room) == [2 * FEN, 4 * FEN]
    await check_books(room)


async def _paid_and_reversed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], str | None]:
    """A payment is ordered while its prepayment is reversed; what is drawn, the reversal's refusal."""
    await _two_approved(room)
    await prepay(room, 4 * FEN)
    meeting, left, untouched = Meeting(room), acting.prepaid_left, entries.is_untouched

    async def leaving(*asked: Any) -> dict[str, int]:
        found = await left(*asked)
        await meeting()
        return found

    async def touching(*asked: Any) -> bool:
        found = await untouched(*asked)
        await meeting()
        return found

    monkeypatch.setattr(acting, "prepaid_left", leaving)
    monkeypatch.setattr(entries, "is_untouched", touching)
    _, code = await asyncio.gather(pay(room, id_of()), reverse(room))
    return await _drawn(room), code


async def test_a_reversal_without_the_prepaid_lock_takes_back_what_a_payment_draws(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    for module in (acting, entries):
        monkeypatch.setattr(module, "prepaid_lock", lambda hospital: f"{hospital}-{next(numbers)}")
    assert await _paid_and_reversed(room, monkeypatch) == ([4 * FEN], None)
    with pytest.raises(AssertionError, match="more is drawn or reserved than was prepaid"):
        await check_books(room)


async def test_a_prepayment_is_drawn_or_reversed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _paid_and_reversed(room, monkeypatch) in [
        ([4 * FEN], "not_reversible"),
        ([0], None),
    ]
    await check_books(room)


async def test_what_a_payment_has_reserved_is_reversed_only_after_it_failed(room: Room) -> None:
    await _two_approved(room)
    await prepay(room, 4 * FEN)
    await pay(room, id_of())
    assert await reverse(room) == "not_reversible"
    assert await bank(room, f"{id_of()}-p1", "failed") is None
    assert await reverse(room) is None
    assert await pay(room, id_of()) == [None]
    assert await _drawn(room) == [0, 4 * FEN]  # of the second payment, and of the one that failed
    await check_books(room)


# ── a draft stands behind every writer ────────────────────────────────────────────────────────────


async def _a_line_is_freed_while_the_month_is_drafted(
    room: Room, monkeypatch: pytest.MonkeyPatch, *, behind_gate: bool
) -> dict[str, Sums]:
    """A dispute is resolved before February's instant, and its transaction is still open at it."""
    await hear(room, goods(1), goods(2))
    await draft(room)
    line = await room.pool.fetchval("SELECT min(line) FROM statement_lines")
    contested = await dispute(room, id_of(), line)
    open_ = Open(disputes.no_draft_pending)
    monkeypatch.setattr(disputes, "no_draft_pending", open_)
    resolving = asyncio.create_task(resolve(room, contested, "settle"))
    await open_.reached.wait()
    drafted = asyncio.create_task(draft(room, FEBRUARY))
    if behind_gate:
        await until_somebody_waits(room, drafted)
    else:
        await drafted
    open_.may_go.set()
    await asyncio.gather(resolving, drafted)
    at = await room.pool.fetchval("SELECT recorded_at FROM events WHERE type LIKE '%resolved%'")
    assert at < instant_of(FEBRUARY)
    return {id_: sums for id_, sums in (await statements(room)).items() if id_[:7] == FEBRUARY}


async def test_a_draft_that_does_not_wait_for_open_writers_misses_what_was_done_before_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_asked: Any) -> None:
        return

    monkeypatch.setattr(drafting, "lock_gate", nothing)
    found = await _a_line_is_freed_while_the_month_is_drafted(room, monkeypatch, behind_gate=False)
    assert found == {}


async def test_a_draft_waits_for_whoever_writes_before_its_instant(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await _a_line_is_freed_while_the_month_is_drafted(room, monkeypatch, behind_gate=True)
    assert found == {id_of(FEBRUARY): Sums(4 * FEN, 0, 0)}
    await check_books(room)


# ── a suspension stands behind every approval ─────────────────────────────────────────────────────


async def _approved_while_suspended(
    room: Room, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> tuple[int, int]:
    """An approval has looked for suspensions and is still open while one is ordered; payable, held."""
    await hear(room, goods(1))
    await draft(room)
    await confirm(room, id_of())
    open_ = Open(acting.held_back)
    monkeypatch.setattr(acting, "held_back", open_)
    approving = asyncio.create_task(approve(room, id_of()))
    await open_.reached.wait()
    suspending = asyncio.create_task(suspend(room))
    if alone:
        await until_somebody_waits(room, suspending)
    else:
        await suspending
    open_.may_go.set()
    assert (await asyncio.gather(approving, suspending))[0] == [None]
    for _ in range(3):
        await routing.route(room)
    accounts = [f"enterprise:{id_of()[21:39]}:{name}" for name in ("payable", "held")]
    payable, held = [-await balance(room, account) for account in accounts]
    return payable, held


async def test_an_approval_in_flight_escapes_a_suspension_that_does_not_wait_for_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def together(*asked: Any, alone: bool = False, **more: Any) -> Any:
        return await decide_together(*asked, **more)

    for module in (suspensions, routing):
        monkeypatch.setattr(module, "decide_together", together)
    assert await _approved_while_suspended(room, monkeypatch, alone=False) == (4 * FEN, 0)


async def test_a_suspension_waits_for_approvals_and_then_moves_what_they_made(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _approved_while_suspended(room, monkeypatch, alone=True) == (0, 4 * FEN)
    await check_books(room)


async def test_a_suspension_that_begins_by_the_clock_waits_for_approvals_too(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ordered for a later day: nobody orders anything when it begins, so the mover itself waits."""
    later = instant_of(JANUARY) + timedelta(days=4)
    await hear(room, goods(1))
    await draft(room)
    await confirm(room, id_of())
    await suspend(room, begins=later)
    open_ = Open(acting.held_back)
    monkeypatch.setattr(acting, "held_back", open_)
    approving = asyncio.create_task(approve(room, id_of()))
    await open_.reached.wait()
    until(room, later)
    moving = asyncio.create_task(routing.route(room))
    await until_somebody_waits(room, moving)
    open_.may_go.set()
    await asyncio.gather(approving, moving)
    assert -await balance(room, f"enterprise:{id_of()[21:39]}:held") == 4 * FEN
    await check_books(room)


async def test_movers_that_race_move_a_payable_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen that it lies in the wrong place before either has moved it."""
    await _two_approved(room)
    meeting, look = Meeting(room), routing.misplaced
    with monkeypatch.context() as unmoved:
        unmoved.setattr(routing, "misplaced", _nothing_found)
        unmoved.setattr(routing, "note_routed", _nothing_found)
        await suspend(room)

    async def looking(*asked: Any) -> Any:
        found = await look(*asked)
        await meeting()
        return found

    monkeypatch.setattr(routing, "misplaced", looking)
    await asyncio.gather(routing.route(room), routing.route(room))
    assert meeting.looked > 1
    assert await room.pool.fetchval("SELECT count(*) FROM entries WHERE key LIKE 'move-%'") == 2
    await check_books(room)


async def _nothing_found(*_asked: Any) -> list[Any]:
    return []
