"""The lists of 09:00 (超时未响应清单): issued on working days, of what stands unanswered then."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from services.alerts.domain.late_list import (
    Addressee,
    Candidate,
    candidate_of,
    is_spent,
    issued,
    list_id_of,
    lists_at,
    stream_of_list,
)
from services.alerts.projections.late_lists import streams_among
from services.alerts.projections.waiting import end_waiting, expired, note_listed
from shared.events.alerts import LateLine
from shared.kernel.clock import local_day
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX
from shared.store.parking import streams_parked

LINES_MAX: Final = 20_000
"""About what one step lists; a single list may be longer."""

Lists = dict[str, tuple[Addressee, list[LateLine]]]
"""By stream: to whom, and what."""


async def issue_lists(tx: Any, at: datetime, room: Room) -> bool:
    """One step of 09:00: the lists that are not issued yet, as many as fit."""
    if not await _is_workday(tx, at, room):
        return True
    candidates = [candidate_of(row) for row in await expired(tx, at)]
    wanted = _by_stream(candidates, at)
    done = await streams_among(tx, list(wanted))
    todo = {stream: found for stream, found in wanted.items() if stream not in done}
    step = _as_many_as_fit(todo)
    if step:
        await _issue(tx, room, step, at)
    if len(step) < len(todo):
        return False
    # What is void and listed comes back no more; without it the next list costs what it lists.
    await end_waiting(tx, [one[:2] for one in candidates if is_spent(one)])
    return True


async def _is_workday(tx: Any, at: datetime, room: Room) -> bool:
    """By the calendar as the facts before this instant leave it."""
    world = await tx.fetchval("SELECT world FROM log_head")
    calendar = await room.calendars.at(tx, world)
    return calendar.is_workday(local_day(at))


def _by_stream(candidates: list[Candidate], at: datetime) -> Lists:
    day = local_day(at)
    return {
        stream_of_list(list_id_of(day, addressee)): (addressee, lines)
        for addressee, lines in lists_at(candidates, at).items()
    }


def _as_many_as_fit(todo: Lists) -> Lists:
    """The first lists up to the bounds of one transaction; at least one."""
    step: Lists = {}
    lines = 0
    for stream, found in todo.items():
        lines += len(found[1])
        if step and (len(step) >= STREAMS_MAX or lines > LINES_MAX):
            break
        step[stream] = found
    return step


async def _issue(tx: Any, room: Room, step: Lists, at: datetime) -> None:
    parked = await streams_parked(tx)
    kit, batch = await behind_locks(tx, room, step, at)
    for stream, (addressee, lines) in step.items():
        decided = issued(addressee, lines, at=at, policy_version=room.policy.version, parked=parked)
        batch.record(stream, decided)
    await record(tx, kit, batch)
    keys = [(line.order_id, line.line_id) for _, lines in step.values() for line in lines]
    await note_listed(tx, sorted(keys), at)
