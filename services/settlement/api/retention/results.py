"""Retained surplus over HTTP (结余留用接口): calculated by the bureau, explained to the hospital."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.settlement.api.registered import hospital_registered, registered_batch
from services.settlement.api.retention.access import Reader, of_the_pool
from services.settlement.api.retention.bodies import CalculationBody
from services.settlement.api.retention.calculating import Run, calculated
from services.settlement.api.retention.views import retention_document
from services.settlement.domain.retaining import stream_of
from services.settlement.projections.agreed import Batch
from services.settlement.projections.retention import (
    RetentionFilter,
    find_states,
    hospitals_with_inputs,
    list_retentions,
)
from shared.kernel.codes import is_hospital_id, is_path_id, subtree_prefix
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.bodies import json_object
from shared.runtime.fields import HospitalId, PathId
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["retention 结余留用"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
Year = Annotated[int, Query(ge=2000, le=2100, description="采购年度起始年份")]

_PAGE = 1000


@router.post(
    "/retentions:calculate", summary="测算结余留用", openapi_extra=documented(CalculationBody)
)
async def post_calculation(
    actor: CurrentActor, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """按登记的参数测算; preview 只试算不入账, 正式测算每个机构每个年度一次, 之后不再变化."""
    if actor.role != "bureau":
        raise forbidden("只有统筹区医保部门可以测算结余留用", "for the bureau of the pool")
    said = await json_object(request)
    named = said.get("hospital_id")
    # 404 and 403 go before 422, so whose surplus it is gets looked at before the rest is.
    of_the_pool(actor, named if is_hospital_id(named) else None)
    body = read_as(CalculationBody, said)
    if room.catch_up is not None:
        # A run stands on all that the bus still holds.
        await room.catch_up()
    batch = await registered_batch(room, body.batch_id)
    if body.hospital_id is None:
        hospitals = await _all_of_the_pool(room, actor, batch, body.year)
    else:
        await _has_inputs(room, batch, body.year, body.hospital_id)
        hospitals = [body.hospital_id]
    results = await calculated(room, Run(batch, body.year, actor, body.preview), hospitals)
    return {
        "items": [retention_document(result) for result in results],
        "next": None,
        "preview": body.preview,
    }


@router.get("/retentions", summary="结余留用测算结果及说明")
async def get_retentions(
    reader: Reader,
    room: SettlementRoom,
    hospital_id: HospitalId | None = None,
    batch_id: PathId | None = None,
    year: Year | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """结余留用: 每个品种的预算、支出、基数、留用金额, 及逐步的测算说明."""
    wanted = RetentionFilter(hospital_id=hospital_id, batch_id=batch_id, year=year)
    found = await list_retentions(room.pool, reader, wanted, after=_behind(after), limit=limit)
    last = found[-1] if found else None
    return page(
        [retention_document(result) for result in found],
        limit,
        cursor(last.hospital_id, last.batch_id, last.year) if last else None,
    )


def _behind(after: str | None) -> tuple[str, str, int]:
    if after is None:
        return "", "", 0
    hospital_id, batch_id, year = read_cursor(after, str, str, int)
    if not (is_hospital_id(hospital_id) and is_path_id(batch_id) and year <= 2100):
        raise bad_cursor()
    return hospital_id, batch_id, year


async def _has_inputs(room: Room, batch: Batch, year: int, hospital_id: str) -> None:
    """422 for a hospital that nobody knows, or whose inputs nobody has set."""
    if await find_states(room.pool, [stream_of(batch.batch_id, year, hospital_id)]):
        return
    await hospital_registered(room, hospital_id)
    raise Problem(
        422,
        "unknown_retention_inputs",
        "该机构该年度尚未登记测算参数",
        "no inputs are set for this hospital and year",
    )


async def _all_of_the_pool(room: Room, actor: Actor, batch: Batch, year: int) -> list[str]:
    """Every hospital of the bureau's area whose inputs are set: a city's pool, all for the province."""
    year_of_batch, area = (
        stream_of(batch.batch_id, year, ""),
        f"H{subtree_prefix(actor.organisation)}",
    )
    hospitals: list[str] = []
    while True:
        behind = hospitals[-1] if hospitals else ""
        more = await hospitals_with_inputs(
            room.pool, year_of_batch, area, after=behind, limit=_PAGE
        )
        hospitals += more
        if len(more) < _PAGE:
            return hospitals
