"""The day close (日结): what the figures stood on, and the alerts that they raise or clear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from services.alerts.clockwork.crowding import settle_crowds
from services.alerts.domain.alert import alert_id_of, cleared, raised, stream_of_alert
from services.alerts.domain.closing import (
    Change,
    Counted,
    Key,
    Standing,
    changes,
    small_samples,
)
from services.alerts.domain.rules import AlertStream
from services.alerts.domain.window import Window, parse_window
from services.alerts.policy import WHOLE_PROVINCE, RateRule, rate_rules
from services.alerts.projections.alerts import standing_alerts
from services.alerts.projections.closes import freeze
from services.alerts.projections.samples import keep_samples
from services.alerts.projections.subjects import figures_by_subject
from shared.kernel.clock import due_day
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX
from shared.store.parking import streams_parked

WINDOW: Final = "30d"


async def close_day(tx: Any, at: datetime, room: Room) -> bool:
    """One step: at most a thousand alerts; behind the last, the totals and the small samples."""
    if not await settle_crowds(tx, at, room):
        return False
    day = due_day(at)
    window = parse_window(WINDOW, day)
    rules = rate_rules(room.policy)
    figures = await _figures(tx, rules, window)
    todo = changes(rules, figures, await _standing(tx, at, rules), at)
    if todo:
        await _record(tx, room, todo[:STREAMS_MAX], at)
    if len(todo) > STREAMS_MAX:
        return False
    await freeze(tx, at, window.first, window.last)
    await keep_samples(
        tx,
        [
            (day, *key, rate.numerator, rate.denominator, rule.percent, " ".join(divisions))
            for rule, key, (rate, divisions) in small_samples(rules, figures)
        ],
    )
    return True


async def _figures(tx: Any, rules: Sequence[RateRule], window: Window) -> dict[Key, Counted]:
    found = await figures_by_subject(tx, {rule.rate for rule in rules}, window.first, window.last)
    return {
        (rule.id, *subject): figure
        for rule in rules
        for subject, figure in found[rule.rate].items()
    }


async def _standing(tx: Any, at: datetime, rules: Sequence[RateRule]) -> dict[Key, Standing]:
    rows = await standing_alerts(tx, at, [rule.id for rule in rules])
    return {
        (row["rule"], row["subject"], row["subject_id"]): Standing(
            row["stream"], row["raised_at"], row["cleared_at"]
        )
        for row in rows
    }


async def _record(tx: Any, room: Room, todo: Sequence[Change], at: datetime) -> None:
    parked = await streams_parked(tx)
    streams = [change.stream or _new_stream(change, due_day(at)) for change in todo]
    kit, batch = await behind_locks(tx, room, streams, at)
    for change, stream in zip(todo, streams, strict=True):
        state = batch.state_of(stream)
        if change.step == "raise":
            rate, divisions = change.figure
            decided = raised(
                change.rule,
                change.subject,
                change.subject_id,
                rate,
                at=at,
                divisions=divisions,
                policy_version=room.policy.version,
                parked=parked,
            )
            batch.record(stream, decided)
        elif isinstance(state, AlertStream):
            batch.record(stream, cleared(state.alert, change.step, at=at, parked=parked))
    await record(tx, kit, batch)


def _new_stream(change: Change, day: date) -> str:
    return stream_of_alert(
        alert_id_of(change.rule.id, change.subject, change.subject_id, WHOLE_PROVINCE, day)
    )
