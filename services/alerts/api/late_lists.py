"""Late-response lists over HTTP (超时未响应清单接口), and the receipt that proves their service."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from fastapi import APIRouter

from services.alerts.api.acting import act
from services.alerts.api.narrowing import lines_of_hospital
from services.alerts.api.reading import AlertsRoom, ids_behind
from services.alerts.commands import ReceiveList
from services.alerts.domain.late_list import stream_of_list
from services.alerts.domain.rules import ListStream, decode
from services.alerts.projections.late_lists import ListFilter, find_list, list_lists
from shared.events.alerts import LateResponseList
from shared.kernel.codes import is_path_id
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found
from shared.runtime.fields import Day, Division, Uscc
from shared.runtime.pages import After, Limit, cursor, page
from shared.runtime.room import Room

router = APIRouter(prefix="/alerts/v1", tags=["late-response lists 超时未响应清单"])


@router.get("/late-response-lists", summary="超时未响应清单")
async def get_lists(
    actor: CurrentActor,
    room: AlertsRoom,
    day: Day | None = None,
    distributor_id: Uscc | None = None,
    bureau: Division | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Lists, by id, which begins with the day."""
    wanted = ListFilter(
        day=date.fromisoformat(day) if day else None, distributor_id=distributor_id, bureau=bureau
    )
    behind = ids_behind(after, 1)
    states = await list_lists(
        room.pool, actor, wanted, after=behind[0] if behind else "", limit=limit
    )
    items = [list_document(actor, _list(stored)) for stored in states]
    return page(items, limit, cursor(items[-1]["list_id"]) if items else None)


@router.get("/late-response-lists/{list_id}", summary="一份清单")
async def get_list(list_id: str, actor: CurrentActor, room: AlertsRoom) -> dict[str, Any]:
    """One list, with its receipt."""
    return list_document(actor, await _seen(room, actor, list_id))


@router.post("/late-response-lists/{list_id}/receipt", summary="配送企业签收清单: 首次有效")
async def receive_list(list_id: str, actor: CurrentActor, room: AlertsRoom) -> dict[str, Any]:
    """The distributor has it; the first receipt stands, another changes nothing."""
    late = await _seen(room, actor, list_id)
    if actor.role != "distributor":
        raise forbidden("只有清单所列配送企业可以签收", "only the distributor it names receives it")
    if late.received_at is None:
        await act(room, actor, stream_of_list(list_id), ReceiveList(list_id, str(actor)))
        late = await _seen(room, actor, list_id)
    return list_document(actor, late)


def list_document(actor: Actor, late: LateResponseList) -> dict[str, Any]:
    """A list as the contract shows it; to a hospital with its own lines only."""
    document: dict[str, Any] = msgspec.to_builtins(late)
    return lines_of_hospital(actor, document)


async def _seen(room: Room, actor: Actor, list_id: str) -> LateResponseList:
    """The list, if this caller may see it; else 404."""
    if is_path_id(list_id):
        stored = await find_list(room.pool, actor, list_id)
        if stored is not None:
            return _list(stored)
    raise not_found("清单不存在, 或您无权查看", "no such list, or not yours to see")


def _list(stored: bytes) -> LateResponseList:
    state = decode(stored)
    assert isinstance(state, ListStream)
    return state.late
