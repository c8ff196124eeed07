"""Issuing a publication (发布), and the checks that go before."""

from __future__ import annotations

from typing import Any

from services.alerts.api.question import Days
from services.alerts.policy import score_terms
from services.alerts.projections.freezing import hold_off_folds
from services.alerts.projections.publications import Publication, has_closed, insert
from shared.kernel.clock import day_end
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.store.parking import streams_parked


async def issue(room: Room, actor: Actor, days: Days) -> Publication:
    """Freeze what is known now: one number and the names, for the rows stay where they are (固化)."""
    caught_up = room.catch_up is None or await room.catch_up()
    async with room.pool.acquire() as tx, tx.transaction():
        await hold_off_folds(tx)
        await _refuse_parked(tx)
        await _refuse_before_close(tx, room, days, caught_up=caught_up)
        clock, world = await tx.fetchrow("SELECT clock_timestamp(), world FROM log_head")
        calendar = await room.calendars.at(tx, world)
        return await insert(
            tx,
            window=days.window,
            as_of=days.as_of,
            first=days.first,
            last=days.last,
            known_at=room.time.at(clock),
            policy_version=room.policy.version,
            calendar_version=calendar.version,
            score_terms=score_terms(room.policy),
            issued_by=str(actor),
        )


async def _refuse_parked(tx: Any) -> None:
    """A parked fact is known to be missing: nothing is published for ever without it (搁置)."""
    parked = await streams_parked(tx)
    if parked:
        named = ", ".join(parked[:10])
        raise Problem(
            409,
            "keys_parked",
            f"有 {len(parked)} 个键的事实被搁置, 处理后才能发布: {named}",
            f"facts of {len(parked)} keys are parked, see to them first: {named}",
            extra={"parked": parked},
        )


async def _refuse_before_close(tx: Any, room: Room, days: Days, *, caught_up: bool) -> None:
    """The last day must be complete here too, not only by the clock (日结未完成).

    Where no log has ever had a mark nothing was recorded after the day, or a mark would stand
    before it: whoever has read everything has read the day.
    """
    closed, marked = await has_closed(tx, room.service.name, day_end(days.as_of))
    if not closed and (marked or not caught_up):
        raise Problem(
            503,
            "close_pending",
            f"{days.as_of} 的日结尚未完成, 请稍后重试",
            f"the close of {days.as_of} has not run yet, try again later",
            headers={"Retry-After": "5"},
        )
