"""Tickets that wait for a reply, by the million: stream rows with real states, made by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from bench.machine import Machine
from bench.prepared import TEMPLATE
from services.feedback.app import service
from services.feedback.commands import OpenTicket
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.world import Registered, World
from services.feedback.policy import ticket_terms
from shared.kernel.clock import day_end, day_start
from shared.kernel.decider import Sent
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.judging import Batch
from shared.runtime.time import ManualTime
from shared.store.calendar_files import shipped_calendar
from shared.store.database import open_pool
from shared.store.policy_files import shipped_policy

HOSPITAL: Final = "H36010200001"
ADDRESSEES: Final = ("91360000MA00000D1N", "91360000MA00000D2K")
WORLD: Final = World(
    Registered({HOSPITAL: "tertiary"}, frozenset(ADDRESSEES), {"P": "drug"}),
    shipped_calendar(),
    ticket_terms(shipped_policy()),
)
OPENED: Final = day_start(date(2026, 2, 9)) + timedelta(hours=9)
ROUNDS: Final = [day_end(date(2026, 2, 12) + timedelta(days=n)) for n in range(12)]
"""Each 24:00 at which one in a hundred is due. A holiday lies behind them, so that no level that
begins in one round is due before the last."""
SHARES: Final = 100

_COPY: Final = """
INSERT INTO feedback.streams (stream, version, state, next_due, first_position, hospital_id,
  addressees, ticket_state, level, bureau, last_due)
SELECT 'ticket-' || id, 1,
  convert_to(replace(replace('{state}', '{id}', id), '{due}', to_char(due AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'UTF8'),
  due, n, {columns}, due
FROM (SELECT n, '{hospital}-' || lpad(n::text, 8, '0') AS id,
        '{first}'::timestamptz + interval '1 day' * (CASE WHEN n % {shares} < {rounds}
          THEN n % {shares} ELSE n % {shares} + 40 END) AS due
      FROM generate_series(0, {count} - 1) AS n) AS numbered"""


@dataclass(frozen=True, slots=True)
class PendingHouse:
    """Feedback over a database full of deadlines, on a clock that is moved by hand."""

    pool: asyncpg.Pool
    kit: Kit[Any, Any]
    clock: ManualTime


async def pending_house(
    machine: Machine, database: str, count: int, first: datetime = ROUNDS[0]
) -> PendingHouse:
    """A new database with so many tickets; no mark is due, for both sides fire without one."""
    dsn = await machine.create(database, TEMPLATE)
    await _fill(machine, database, count, first)
    clock = ManualTime(OPENED)
    assert service.kit is not None
    kit = service.kit(shipped_policy(), CalendarHolder(), clock)
    pool = await open_pool(dsn, "feedback", size=2, hot=True)
    await pool.execute("UPDATE log_head SET next_mark = NULL")
    return PendingHouse(pool, kit, clock)


async def _fill(machine: Machine, database: str, count: int, first: datetime) -> None:
    """Open tickets; of each `SHARES` one is due at each of the rounds."""
    ticket_id = f"{HOSPITAL}-{0:08}"
    state = _opened(ticket_id)
    hospital, addressees, ticket_state, level, bureau, _ = TICKETS.columns(TICKETS.decode(state))
    assert level is None
    due = msgspec.json.encode(TICKETS.due(TICKETS.decode(state))).decode().strip('"')
    statement = _COPY.format(
        state=state.decode(), id=ticket_id, due=due, hospital=HOSPITAL, count=count,
        columns=f"'{hospital}', '{addressees}', '{ticket_state}', NULL, '{bureau}'",
        first=first.isoformat(), shares=SHARES, rounds=len(ROUNDS),
    )  # fmt: skip
    await machine.execute(
        database,
        "SET synchronous_commit = off",
        statement,
        "VACUUM ANALYZE feedback.streams",
        "CHECKPOINT",
    )


def _opened(ticket_id: str) -> bytes:
    """The state of a ticket that has just been opened, as the decider leaves it."""
    command = OpenTicket(
        ticket_id=ticket_id, hospital_id=HOSPITAL, product_id="P", addressees=ADDRESSEES,
        category="short_supply", description="连续两周未按约定数量供应, 科室库存告急",
        order_ids=(f"{HOSPITAL}-2026-000123",), prominent=False, by=f"hospital:{HOSPITAL}",
    )  # fmt: skip
    stream = f"ticket-{ticket_id}"
    sent = Sent(
        stream, "urn:jicai", "e", "jicai.ticket.opened.v1", OPENED, b"", b"", command, "hospital",
        HOSPITAL,
    )  # fmt: skip
    batch = Batch(TICKETS, {}, {}, OPENED, WORLD)
    assert batch.judge(sent).status == "accepted"
    state = batch.state_of(stream)
    assert state is not None
    return TICKETS.encode(state)
