"""Months to settle: goods that are matched, drafts, clerks, and what must be true of the books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import Request, Response

from services.settlement.api.ledger.entries import post_reverse
from services.settlement.api.statements.acting import StepName, take_step
from services.settlement.api.statements.banking import report_word
from services.settlement.api.statements.contesting import contest
from services.settlement.api.statements.disputes import post_resolve
from services.settlement.api.statements.suspensions import post_lift, post_suspension
from services.settlement.app import service
from services.settlement.clockwork.drafting import draft_step
from services.settlement.domain.drafting import draft_instant
from services.settlement.domain.stepping import BankWord
from services.settlement.policy import statement_terms
from shared.events.envelope import Record
from shared.kernel.clock import local_text
from shared.kernel.entries import credit, debit, entry_of
from shared.kernel.errors import Problem
from shared.runtime.actors import Acting, Actor, parse_actor
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy
from shared.testing.faults import Crash, Faults
from shared.testing.postgres import MONDAY, open_room
from tests.settlement.booking import book, superuser
from tests.settlement.papers import SELECTED, UNIT, Papers, tell

HOSPITAL, OTHER, FAR = HOSPITALS = ("H36010200001", "H36010200002", "H36050200009")
PAYEE, SECOND = PAYEES = ("91360000MA00000D14", "91360000MA00000D27")
JANUARY, FEBRUARY, MARCH = "2026-01", "2026-02", "2026-03"
FEN: Final = 250
"""What a unit of these goods costs."""
TERMS: Final = statement_terms(shipped_policy())
PROVINCE: Final = Actor("bureau", "360000", "chen")
APPROVER: Final = "bureau:360000/zhang"
CASHIER: Final = "finance:360000/wu"


class Rewinding(ManualTime):
    """A clock that is wound back for the next story."""

    def wind_back(self, now: datetime = MONDAY) -> None:
        """Begin again."""
        self._now = now


@asynccontextmanager
async def a_town(dsn: str) -> AsyncIterator[Room]:
    """Settlement over a database, on the first Monday of January 2026."""
    async with open_room(dsn, service, time=Rewinding(MONDAY)) as room:
        yield room


async def begin_again(dsn: str, room: Room) -> None:
    """Empty every table, so that many stories share a database."""
    async with superuser(dsn) as connection:
        tables = await connection.fetch(
            """SELECT tablename FROM pg_tables WHERE schemaname = 'settlement'
               AND tablename NOT IN ('log_head', 'blocks') AND tablename NOT LIKE '%migration%'"""
        )
        names = ", ".join(f'"{row[0]}"' for row in tables)
        await connection.execute(f"TRUNCATE {names}")
        await connection.execute("DELETE FROM blocks WHERE number > 0")
        await connection.execute("UPDATE log_head SET next_mark = NULL, last_mark = NULL")
    assert isinstance(room.time, Rewinding)
    room.time.wind_back()


# ── goods ─────────────────────────────────────────────────────────────────────────────────────────


def goods(
    number: int,
    units: int = 4,
    *,
    hospital: str = HOSPITAL,
    payee: str = PAYEE,
    at: datetime = MONDAY,
    price: int = SELECTED,
    **line: Any,
) -> list[Record]:
    """An order of one line, received and invoiced alike."""
    papers = Papers(number, hospital, payee)
    return [
        papers.receipt({"1": units * UNIT}, at=at, **line),
        papers.invoice({"1": (units * UNIT, price)}, at=at, **line),
    ]


def goes_back(
    number: int,
    units: int = 1,
    return_id: str = "T1",
    *,
    hospital: str = HOSPITAL,
    payee: str = PAYEE,
    at: datetime = MONDAY,
) -> list[Record]:
    """Some of that line goes back."""
    papers = Papers(number, hospital, payee)
    return [papers.answered_return({"1": units * UNIT}, return_id, at=at)]


async def hear(room: Room, *told: Sequence[Record]) -> None:
    """Told to settlement now."""
    await tell(room, [record for records in told for record in records], await room.now())


# ── drafts ────────────────────────────────────────────────────────────────────────────────────────


def instant_of(month: str) -> datetime:
    """When a month is drafted."""
    return draft_instant(month, shipped_calendar(), TERMS)


def until(room: Room, at: datetime) -> None:
    """The clock moves forward, if it is not there yet."""
    assert isinstance(room.time, ManualTime)
    if room.time.now < at:
        room.time.set(at)


async def draft(room: Room, month: str = JANUARY) -> int:
    """Draft a month at its instant, a transaction a step as the frame does; how many steps."""
    until(room, instant_of(month))
    steps = 1
    while not await one_step(room, month):
        steps += 1
    return steps


async def one_step(room: Room, month: str = JANUARY) -> bool:
    """One step of the draft; True when nothing is left."""
    async with room.pool.acquire() as tx, tx.transaction():
        return await draft_step(tx, month, instant_of(month), room)


class Sums(NamedTuple):
    """What a statement says it is made of."""

    receipts: int
    returns: int
    carried: int


async def statements(room: Room) -> dict[str, Sums]:
    """Every statement by id."""
    rows = await room.pool.fetch("SELECT * FROM statements ORDER BY statement_id")
    return {
        row["statement_id"]: Sums(row["receipts_fen"], row["returns_fen"], row["carried_fen"])
        for row in rows
    }


async def lines(room: Room) -> list[tuple[str, str, str, int]]:
    """Every line that is in force: its statement, its order, its return if it is one, its fen."""
    rows = await room.pool.fetch(
        """SELECT s.statement_id, l.order_id, l.return_id, l.amount_fen
           FROM statement_lines l JOIN statements s ON s.number = l.statement
           WHERE NOT l.is_disputed ORDER BY 1, 2, 3"""
    )
    return [tuple(row) for row in rows]


def id_of(
    month: str = JANUARY, hospital: str = HOSPITAL, payee: str = PAYEE, *, held: bool = False
) -> str:
    """The id of a pair's statement."""
    return f"{month}-{hospital}-{payee}{'-held' if held else ''}"


async def state(room: Room, statement_id: str) -> str:
    """Where a statement stands."""
    return str(
        await room.pool.fetchval(
            "SELECT state FROM statements WHERE statement_id = $1", statement_id
        )
    )


# ── clerks ────────────────────────────────────────────────────────────────────────────────────────


async def does(room: Room, step: StepName, actor: str, *ids: str) -> list[str | None]:
    """A step by somebody; the code of each refusal, None where it stands."""
    outcomes = await take_step(room, Acting(parse_actor(actor), is_sandbox=False), step, ids)
    return [None if (one := outcomes[id_]) is None else one.code for id_ in ids]


async def confirm(room: Room, *ids: str) -> None:
    """Both sides confirm."""
    for id_ in ids:
        assert await does(room, "confirm", f"hospital:{id_[8:20]}", id_) == [None]
        assert await does(room, "confirm", f"distributor:{id_[21:39]}", id_) == [None]


async def approve(room: Room, *ids: str) -> list[str | None]:
    """The bureau approves."""
    return await does(room, "approve", APPROVER, *ids)


async def pay(room: Room, *ids: str) -> list[str | None]:
    """Finance orders the payments."""
    return await does(room, "pay", CASHIER, *ids)


async def bank(room: Room, payment_id: str, result: Any = "paid") -> str | None:
    """The bank's word; the code of a refusal."""
    try:
        await report_word(room, BankWord(payment_id, result), CASHIER)
    except Problem as problem:
        return problem.code
    return None


async def dispute(room: Room, statement_id: str, *line_ids: int) -> str:
    """The hospital contests lines; the dispute's id."""
    row = await room.pool.fetchrow("SELECT * FROM statements WHERE statement_id = $1", statement_id)
    named = [str(one) for one in line_ids]
    opened = await contest(room, row, named, "少货", f"hospital:{row['hospital_id']}")
    return opened.dispute_id


async def resolve(room: Room, dispute_id: str, outcome: str) -> None:
    """The bureau ends a dispute."""
    await post_resolve(dispute_id, PROVINCE, room, said(outcome=outcome))


async def suspend(
    room: Room, key: str = "S1", scope: str = "all", *, begins: datetime | None = None
) -> None:
    """The province suspends every payee, from today on or from a later day."""
    day = local_text(begins or await room.now())[:10]
    words = {"suspension_id": key, "scope": scope, "from": day, "decision": "赣医保停1号"}
    await post_suspension(PROVINCE, room, said(**words), Response())


async def lift(room: Room, key: str = "S1") -> None:
    """The province lifts it."""
    await post_lift(key, PROVINCE, room, said(decision="赣医保复1号"))


def said(**words: Any) -> Request:
    """A body as a door reads it."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": msgspec.json.encode(words), "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def prepay(room: Room, fen: int, key: str = "V1", hospital: str = HOSPITAL) -> None:
    """The fund has prepaid a hospital."""
    sides = [debit(f"hospital:{hospital}:prepaid", fen), credit("fund:360100:bank", fen)]
    await book(room, entry_of(f"prepayment-{key}", await room.now(), sides))


async def reverse(room: Room, which: int = 0) -> str | None:
    """Finance takes a prepayment back, the oldest unless told; the code of a refusal."""
    rows = await room.pool.fetch(
        "SELECT entry_id FROM entries WHERE key LIKE 'prepayment-%' ORDER BY at, number"
    )
    acting = Acting(parse_actor(CASHIER), is_sandbox=False)
    try:
        await post_reverse(rows[which % len(rows)][0], acting, room, said(reason="误付"))
    except Problem as problem:
        return problem.code
    return None


# ── books ─────────────────────────────────────────────────────────────────────────────────────────


async def balance(room: Room, account: str) -> int:
    """Debits less credits of an account."""
    return int(
        await room.pool.fetchval(
            "SELECT coalesce(sum(debit_fen - credit_fen), 0) FROM postings WHERE account = $1",
            account,
        )
    )


async def check_books(room: Room) -> None:
    """What holds after every step, whatever has happened."""
    async with room.pool.acquire() as connection:
        for what, question in _UNTRUE.items():
            found = await connection.fetch(question)
            assert not found, (what, [tuple(row) for row in found])


_UNTRUE: Final = {
    "debits and credits differ": """
        SELECT sum(debit_fen), sum(credit_fen) FROM postings
        HAVING sum(debit_fen) <> sum(credit_fen)""",
    "a receipt line, or a return, is settled twice": """
        SELECT order_id, receipt_id, order_line_id, return_id FROM statement_lines
        WHERE NOT is_disputed GROUP BY 1, 2, 3, 4 HAVING count(*) > 1""",
    "a total is not that of its lines": """
        SELECT s.statement_id, s.receipts_fen, s.returns_fen FROM statements s
        LEFT JOIN statement_lines l ON l.statement = s.number AND NOT l.is_disputed
        GROUP BY s.statement_id
        HAVING s.receipts_fen <> coalesce(sum(l.amount_fen) FILTER (WHERE l.return_id = ''), 0)
            OR s.returns_fen <> coalesce(sum(l.amount_fen) FILTER (WHERE l.return_id <> ''), 0)""",
    "what is carried is not what was brought": """
        SELECT s.statement_id, s.carried_fen FROM statements s
        LEFT JOIN carried c ON c.into_id = s.statement_id
        GROUP BY s.statement_id HAVING s.carried_fen <> coalesce(sum(c.total_fen), 0)""",
    "a return is deducted, unconfirmed, whose receipt line is not settled": """
        SELECT b.order_id, b.return_id FROM statement_lines b
        JOIN statements s ON s.number = b.statement AND s.state IN ('draft', 'hospital_confirmed')
        WHERE b.return_id <> '' AND NOT b.is_disputed AND NOT EXISTS (
            SELECT FROM statement_lines l
            WHERE (l.order_id, l.receipt_id, l.order_line_id)
                = (b.order_id, b.receipt_id, b.order_line_id)
              AND l.return_id = '' AND NOT l.is_disputed AND l.freed_at IS NULL)""",
    "what a payee is owed is not what was approved and not paid": """
        SELECT payee, owed, approved FROM
          (SELECT split_part(account, ':', 2) AS payee, sum(credit_fen - debit_fen) AS owed
           FROM postings WHERE account LIKE 'enterprise:%' GROUP BY 1) l
          FULL JOIN (SELECT payee_id AS payee, sum(total_fen) AS approved FROM statements
                     WHERE state IN ('approved', 'paying') GROUP BY 1) s USING (payee)
        WHERE coalesce(owed, 0) <> coalesce(approved, 0)""",
    "what is held is not what lies in the held account": """
        SELECT payee, held, marked FROM
          (SELECT split_part(account, ':', 2) AS payee, sum(credit_fen - debit_fen) AS held
           FROM postings WHERE account LIKE 'enterprise:%:held' GROUP BY 1) l
          FULL JOIN (SELECT payee_id AS payee, sum(total_fen) AS marked FROM statements
                     WHERE in_held GROUP BY 1) s USING (payee)
        WHERE coalesce(held, 0) <> coalesce(marked, 0)""",
    "more is drawn or reserved than was prepaid": """
        SELECT hospital, paid_in, reserved FROM
          (SELECT split_part(account, ':', 2) AS hospital, sum(debit_fen - credit_fen) AS paid_in
           FROM postings WHERE account LIKE 'hospital:%:prepaid' GROUP BY 1) p
          FULL JOIN (SELECT hospital_id AS hospital, sum(from_prepaid_fen) AS reserved
                     FROM payments WHERE state = 'paying' GROUP BY 1) r USING (hospital)
        WHERE coalesce(paid_in, 0) - coalesce(reserved, 0) < 0""",
    "two payments of a statement are under way, or paid": """
        SELECT statement_id FROM payments WHERE state <> 'failed'
        GROUP BY 1 HAVING count(*) > 1""",
    "a payment is not what its statement asks for": """
        SELECT p.payment_id FROM payments p JOIN statements s USING (statement_id)
        WHERE p.state <> 'failed' AND p.from_prepaid_fen + p.from_fund_fen <> s.total_fen""",
}
"""Each a question that no row may answer."""


class DeathAt(Faults):
    """Dies at exactly one of the moments before and behind statements; 0 is never."""

    def __init__(self, moment: int) -> None:
        super().__init__(0, 0)
        self._left = moment

    def strike(self) -> None:
        """Die if this is the one."""
        self._left -= 1
        if self._left == 0:
            self.crashes += 1
            raise Crash


NOBODY_WAITS: Final = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


async def until_somebody_waits(room: Room, *tasks: asyncio.Task[Any]) -> None:
    """Until the database holds one of these up."""
    while await room.pool.fetchval(NOBODY_WAITS):
        assert not any(task.done() for task in tasks), "nobody was held up"
        await asyncio.sleep(0.002)
