"""The draft of a month (按月生成对账单): at its instant, on exactly the facts before it, in steps.

It is the close of a 24:00 (mechanism 13): the partitions stay held between steps, each step is one
transaction of about a second, and each finds out anew what is left. So it may die anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from services.settlement.domain.drafting import (
    Pair,
    Sums,
    carried_forward,
    draft_instant,
    drafted,
    month_before,
    statement_id_of,
)
from services.settlement.domain.month import end_of
from services.settlement.domain.statement import stream_of
from services.settlement.policy import hospital_pays_pools, statement_terms
from services.settlement.projections.statements import insert_statements, to_be_carried
from services.settlement.sets.carrying import carry, waiting_totals
from services.settlement.sets.claiming import (
    Claimed,
    Window,
    claim_receipts,
    claim_returns,
    roomier,
    unclaim,
)
from services.settlement.sets.drafting import (
    begin_draft,
    closed_by,
    drafted_months,
    drop_hospitals,
    end_draft,
    next_hospitals,
)
from shared.kernel.clock import day_start, local_day
from shared.kernel.entries import MOST_FEN
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX, lock_gate

LINES: Final = 40_000
"""About what one step claims."""

_SLACK: Final = timedelta(days=1)
"""What occurred may lie minutes ahead of our clock, and a transaction takes its time."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


async def close(tx: Any, at: datetime, room: Room) -> bool:
    """One step of the close of this instant; True when it asks for nothing (more)."""
    month = await _month_due(tx, at, room)
    return month is None or await draft_step(tx, month, at, room)


async def _month_due(tx: Any, at: datetime, room: Room) -> str | None:
    """The month to be drafted at this instant, by the calendar as the facts before it leave it.

    A calendar that is loaded late may move a draft into the past: it is made up for at the next 24:00.
    What lies before this service's first close is history, and enters the first draft there is.
    """
    day = local_day(at)
    if at != day_start(day):
        return None
    month, done = month_before(day), await drafted_months(tx)
    if done.get(month):
        return None
    calendar = await room.calendars.at(tx, await tx.fetchval("SELECT world FROM log_head"))
    instant = draft_instant(month, calendar, statement_terms(room.policy))
    if instant == at or month in done:
        return month
    return month if instant < at and await closed_by(tx, instant) else None


async def draft_step(tx: Any, month: str, at: datetime, room: Room) -> bool:
    """One step: begin, carry forward, some hospitals; True when none is left."""
    months = await drafted_months(tx)
    if months.get(month):
        return True
    if month not in months:
        await _begin(tx, month, at, room)
        return False
    waiting = await to_be_carried(tx, at, STREAMS_MAX)
    if waiting:
        await _carry_forward(tx, waiting, at, room)
        return False
    return await _draft_some(tx, month, at, room)


async def _begin(tx: Any, month: str, at: datetime, room: Room) -> None:
    """Behind every writer: what was done before this instant is there, what comes later knows of it."""
    await lock_gate(tx, room.service.name)
    window = await _window(tx, month)
    without = sorted(hospital_pays_pools(room.policy))
    await begin_draft(tx, month, at, since=window.since, ends=window.ends, without=without)


async def _window(tx: Any, month: str) -> Window:
    """What changed before the end of the last drafted month was looked at by its draft."""
    done = [month for month, is_done in (await drafted_months(tx)).items() if is_done]
    fresh = end_of(max(done)) if done else _BEGINNING
    return Window(fresh - _SLACK, fresh, end_of(month))


async def _carry_forward(tx: Any, ids: Sequence[str], at: datetime, room: Room) -> None:
    streams = [stream_of(one) for one in ids]
    kit, batch = await behind_locks(tx, room, streams, at)
    for stream in streams:
        batch.apply(stream, lambda state: carried_forward(state, at))
    await record(tx, kit, batch)


async def _draft_some(tx: Any, month: str, at: datetime, room: Room) -> bool:
    """The next hospitals, or the end. Its streams begin here, so one name is locked in their stead."""
    kit, batch = await behind_locks(tx, room, [], at, locks=["draft"])
    hospitals = await next_hospitals(tx, LINES)
    if not hospitals:
        await end_draft(tx, month)
        return True
    await roomier(tx)
    window = await _window(tx, month)
    receipts = await claim_receipts(tx, hospitals, at, window)
    returns = await claim_returns(tx, hospitals, at, ends=window.ends, beside=receipts)
    sums, numbers = _added_up(receipts, returns)
    await _leave_out(tx, sums, numbers)
    await _take_carried(tx, month, hospitals, sums)
    world = await tx.fetchval("SELECT world FROM log_head")
    calendar, terms = await room.calendars.at(tx, world), statement_terms(room.policy)
    rows = []
    for pair, added in sums.items():
        decided = drafted(pair, month, added, at, calendar, terms)
        stream = stream_of(decided.fact.statement_id)
        batch.record(stream, decided)
        rows.append((numbers[pair], batch.state_of(stream)))
    await insert_statements(tx, rows)
    await record(tx, kit, batch)
    await drop_hospitals(tx, hospitals)
    return False


def _added_up(
    receipts: Sequence[Claimed], returns: Sequence[Claimed]
) -> tuple[dict[Pair, Sums], dict[Pair, int]]:
    """The statements that the claimed lines make: a second one only where some are held, some not."""
    groups = {one[:3]: one.number for one in [*receipts, *returns]}
    both = {key[:2] for key in groups if key[2]} & {key[:2] for key in groups if not key[2]}
    pairs = {key: Pair(key[0], key[1], key[2] and key[:2] in both) for key in groups}
    sums = {pair: Sums() for pair in sorted(pairs.values())}
    for one in receipts:
        added = sums[pairs[one[:3]]]
        added.receipt_lines, added.receipts_fen = one.lines, one.fen
    for one in returns:
        added = sums[pairs[one[:3]]]
        added.return_lines, added.returns_fen = one.lines, one.fen
    return sums, {pairs[key]: number for key, number in groups.items()}


async def _leave_out(tx: Any, sums: dict[Pair, Sums], numbers: dict[Pair, int]) -> None:
    """What no ledger could hold is left out, and told: it must not stop everybody's money."""
    absurd = [
        pair
        for pair, added in sums.items()
        if max(added.receipts_fen, -added.returns_fen) > MOST_FEN
    ]
    if absurd:
        await unclaim(tx, [numbers[pair] for pair in absurd])
        log.error("draft.left_out", pairs=[list(pair) for pair in absurd])
    for pair in absurd:
        del sums[pair]


async def _take_carried(
    tx: Any, month: str, hospitals: Sequence[str], sums: dict[Pair, Sums]
) -> None:
    """Totals that wait enter their pair's statement, of two the one that is not held (结转)."""
    moves = []
    for total in await waiting_totals(tx, hospitals):
        pair = Pair(total.hospital_id, total.payee_id, False)
        added = sums.get(pair)
        if added is not None:
            added.carried_fen += total.total_fen
            added.carried.append(total.statement_id)
            moves.append((total.statement_id, statement_id_of(pair, month)))
    await carry(tx, moves)
