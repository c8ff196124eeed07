"""Alerts over HTTP (预警接口): who may see them reads them, a bureau takes note of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query

from services.alerts.api.acting import act
from services.alerts.api.question import Viewer
from services.alerts.api.reading import AlertsRoom, ids_behind
from services.alerts.commands import Acknowledge
from services.alerts.domain.alert import stream_of_alert
from services.alerts.domain.rules import AlertStream, decode
from services.alerts.projections.alerts import AlertFilter, find_alert, list_alerts
from services.alerts.projections.crowds import tickets_behind
from shared.events.alerts import Alert
from shared.kernel.clock import utc_text
from shared.kernel.codes import is_path_id, subtree_prefix
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found
from shared.runtime.fields import PathId
from shared.runtime.pages import After, Limit, cursor, page
from shared.runtime.room import Room

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])

Rule = Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Subject = Literal["product", "manufacturer", "distributor"]


@router.get("/alerts", summary="预警列表")
async def get_alerts(
    viewer: Viewer,
    room: AlertsRoom,
    state: Literal["open", "cleared"] | None = None,
    rule: Rule | None = None,
    subject: Subject | None = None,
    subject_id: PathId | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Alerts, by id."""
    wanted = AlertFilter(state=state, rule=rule, subject=subject, subject_id=subject_id)
    behind = ids_behind(after, 1)
    states = await list_alerts(
        room.pool, viewer, wanted, after=behind[0] if behind else "", limit=limit
    )
    items = [alert_document(_alert(stored)) for stored in states]
    return page(items, limit, cursor(items[-1]["alert_id"]) if items else None)


@router.get("/alerts/{alert_id}", summary="一条预警")
async def get_alert(alert_id: str, actor: CurrentActor, room: AlertsRoom) -> dict[str, Any]:
    """One alert as it stands."""
    return alert_document(await _seen(room, actor, alert_id))


@router.get("/alerts/{alert_id}/tickets", summary="集中反馈预警所依据的工单")
async def get_tickets(
    alert_id: str,
    actor: CurrentActor,
    room: AlertsRoom,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The tickets that an alert was raised on, by id; to a bureau those of its area."""
    await _seen(room, actor, alert_id)
    behind = ids_behind(after, 1)
    area = subtree_prefix(actor.organisation) if actor.role == "bureau" else ""
    rows = await tickets_behind(
        room.pool, alert_id, area, after=behind[0] if behind else "", limit=limit
    )
    items = [
        {
            "ticket_id": row["ticket_id"],
            "hospital_id": row["hospital_id"],
            "opened_at": utc_text(row["opened_at"]),
            "category": row["complaint"],
        }
        for row in rows
    ]
    return page(items, limit, cursor(items[-1]["ticket_id"]) if items else None)


@router.post("/alerts/{alert_id}/acknowledge", summary="知悉预警: 首次有效")
async def acknowledge(alert_id: str, actor: CurrentActor, room: AlertsRoom) -> dict[str, Any]:
    """A bureau takes note; the first acknowledgement stands, another changes nothing."""
    alert = await _seen(room, actor, alert_id)
    if actor.role != "bureau":
        raise forbidden("只有医保部门可以知悉预警", "only a bureau acknowledges an alert")
    if alert.acknowledged is None:
        command = Acknowledge(alert_id, str(actor))
        await act(room, actor, stream_of_alert(alert_id), command)
        alert = await _seen(room, actor, alert_id)
    return alert_document(alert)


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert as the contract shows it, with the areas it is about and what was parked."""
    document: dict[str, Any] = msgspec.to_builtins(alert)
    return document


async def _seen(room: Room, actor: Actor, alert_id: str) -> Alert:
    """The alert, if this caller may see it; else 404."""
    if is_path_id(alert_id):
        stored = await find_alert(room.pool, actor, alert_id)
        if stored is not None:
            return _alert(stored)
    raise not_found("预警不存在, 或您无权查看", "no such alert, or not yours to see")


def _alert(stored: bytes) -> Alert:
    state = decode(stored)
    assert isinstance(state, AlertStream)
    return state.alert
