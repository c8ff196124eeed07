"""Offsets over HTTP (抵扣接口)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StrictInt

from services.settlement.api.judged import as_sent, conflict, submit_once
from services.settlement.api.ledger.access import finance_only, of_its_pool
from services.settlement.api.registered import hospital_registered
from services.settlement.commands import PostOffset
from services.settlement.domain.offset import OffsetStream, stream_of
from shared.events.settlement import OFFSET_POSTED, OffsetPosted
from shared.kernel.clock import local_text
from shared.kernel.codes import division_of, is_hospital_id
from shared.kernel.entries import MOST_FEN
from shared.runtime.actors import Actor, CurrentActor
from shared.runtime.bodies import json_object
from shared.runtime.fields import Body, HospitalId, PathId
from shared.runtime.room import Room, room_of
from shared.runtime.said import Said, documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["ledger 账本"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
AmountFen = Annotated[StrictInt, Field(gt=0, le=MOST_FEN)]


class OffsetBody(Body):
    """Goods set against claims (抵扣)."""

    offset_id: PathId
    hospital_id: HospitalId
    amount_fen: AmountFen


@router.post(
    "/offsets", status_code=201, summary="抵扣医保费用", openapi_extra=documented(OffsetBody)
)
async def post_offset(
    actor: CurrentActor, room: SettlementRoom, request: Request, response: Response
) -> dict[str, Any]:
    """以应付医疗机构的医保费用抵扣其应收货款; 同一编号同样内容再报回答 200."""
    finance_only(actor)
    said = await json_object(request)
    seen_pool(actor, said)
    body = read_as(OffsetBody, said)
    await hospital_registered(room, body.hospital_id)
    command = PostOffset(
        offset_id=body.offset_id,
        hospital_id=body.hospital_id,
        amount_fen=body.amount_fen,
        by=str(actor),
    )
    stream = stream_of(body.offset_id)
    words = {**said, "by": str(actor)}
    sent = as_sent(actor, stream, OFFSET_POSTED, command, words, await room.now())
    state, is_new = await submit_once(room, sent)
    if not isinstance(state, OffsetStream) or not _is_same(state.posted, body):
        raise conflict()
    if not is_new:
        response.status_code = 200
    return _document(state.posted)


def seen_pool(actor: Actor, said: Said) -> None:
    """Another pool's hospital is 404, before whatever else is wrong with the words."""
    hospital_id = said.get("hospital_id")
    if is_hospital_id(hospital_id):
        of_its_pool(actor, division_of(hospital_id))


def _is_same(posted: OffsetPosted, body: OffsetBody) -> bool:
    return (posted.hospital_id, posted.amount_fen) == (body.hospital_id, body.amount_fen)


def _document(posted: OffsetPosted) -> dict[str, Any]:
    return {
        "offset_id": posted.offset_id,
        "hospital_id": posted.hospital_id,
        "amount_fen": posted.amount_fen,
        "entry_id": posted.entry_id,
        "at": local_text(posted.at),
    }
