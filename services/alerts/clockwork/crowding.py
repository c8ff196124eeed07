"""What a day close does about tickets that crowd (集中反馈日结): a step of its own, before the rates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.alerts.domain.alert import cleared, raised_on_tickets, stream_of_alert
from services.alerts.domain.closing import Standing
from services.alerts.domain.concentration import Concentration, Opened, first_day
from services.alerts.domain.crowding import CrowdChange, crowd_changes
from services.alerts.domain.rules import AlertStream
from services.alerts.policy import ConcentrationRule, concentration_rule
from services.alerts.projections.alerts import standing_alerts
from services.alerts.projections.crowds import crowded, note_tickets
from shared.kernel.clock import due_day
from shared.kernel.decider import Decided
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX
from shared.store.parking import streams_parked


async def settle_crowds(tx: Any, at: datetime, room: Room) -> bool:
    """One step: at most a thousand alerts; True when nothing was left to do."""
    rule = concentration_rule(room.policy)
    crowds = await _crowds(tx, rule, at)
    todo = crowd_changes(crowds, await _standing(tx, rule, at), at)[:STREAMS_MAX]
    if todo:
        await _record(tx, room, rule, todo, at)
    return not todo


async def _crowds(tx: Any, rule: ConcentrationRule, at: datetime) -> dict[str, Concentration]:
    day = due_day(at)
    found = await crowded(
        tx, first_day(rule, day), day, tickets=rule.tickets, hospitals=rule.hospitals
    )
    return {
        product: Concentration(at, [Opened(*one) for one in openings])
        for product, openings in found.items()
    }


async def _standing(tx: Any, rule: ConcentrationRule, at: datetime) -> dict[str, Standing]:
    return {
        row["subject_id"]: Standing(row["stream"], row["raised_at"], row["cleared_at"])
        for row in await standing_alerts(tx, at, [rule.id])
    }


async def _record(
    tx: Any, room: Room, rule: ConcentrationRule, todo: Sequence[CrowdChange], at: datetime
) -> None:
    parked = await streams_parked(tx)
    raised = {
        one.product_id: raised_on_tickets(
            rule,
            one.product_id,
            one.crowd,
            day=due_day(at),
            policy_version=room.policy.version,
            parked=parked,
        )
        for one in todo
        if one.crowd is not None
    }
    streams = [one.stream or _stream(raised[one.product_id]) for one in todo]
    kit, batch = await behind_locks(tx, room, streams, at)
    stood_on = {}
    for one, stream in zip(todo, streams, strict=True):
        state = batch.state_of(stream)
        if one.crowd is not None:
            batch.record(stream, raised[one.product_id])
            alert_id = raised[one.product_id].fact.alert_id
            stood_on[alert_id] = [ticket.ticket_id for ticket in one.crowd.tickets]
        elif isinstance(state, AlertStream):
            batch.record(stream, cleared(state.alert, "recovered", at=at, parked=parked))
    await record(tx, kit, batch)
    await note_tickets(tx, stood_on)


def _stream(decided: Decided) -> str:
    return stream_of_alert(decided.fact.alert_id)
