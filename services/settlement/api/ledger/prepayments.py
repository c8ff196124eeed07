"""Prepayments over HTTP (预付接口)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.settlement.api.judged import as_sent, conflict, submit_once
from services.settlement.api.ledger.access import finance_only
from services.settlement.api.ledger.offsets import AmountFen, seen_pool
from services.settlement.api.registered import hospital_registered, registered_batch
from services.settlement.commands import PostPrepayment
from services.settlement.domain.prepayment import PrepaymentStream, agreed_amount, stream_of
from services.settlement.policy import prepayment_terms
from services.settlement.projections.agreed import agreements_of
from shared.events.settlement import PREPAYMENT_MADE, PrepaymentMade
from shared.kernel.clock import local_text
from shared.runtime.actors import CurrentActor
from shared.runtime.bodies import json_object
from shared.runtime.fields import Body, HospitalId, PathId
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["ledger 账本"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


class PrepaymentBody(Body):
    """What a hospital is prepaid for a batch (预付)."""

    prepayment_id: PathId
    hospital_id: HospitalId
    batch_id: PathId
    amount_fen: AmountFen


@router.post(
    "/prepayments",
    status_code=201,
    summary="预付",
    openapi_extra=documented(PrepaymentBody),
)
async def post_prepayment(
    actor: CurrentActor, room: SettlementRoom, request: Request, response: Response
) -> dict[str, Any]:
    """按不低于协议金额的30%预付医疗机构; 同一编号同样内容再报回答 200."""
    finance_only(actor)
    said = await json_object(request)
    seen_pool(actor, said)
    body = read_as(PrepaymentBody, said)
    command = await _command(room, body, str(actor))
    stream = stream_of(body.prepayment_id)
    words = {**said, "by": str(actor)}
    sent = as_sent(actor, stream, PREPAYMENT_MADE, command, words, await room.now())
    state, is_new = await submit_once(room, sent)
    if not isinstance(state, PrepaymentStream) or not _is_same(state.made, body):
        raise conflict()
    if not is_new:
        response.status_code = 200
    return _document(state.made)


async def _command(room: Room, body: PrepaymentBody, by: str) -> PostPrepayment:
    """What is asked for, beside what the hospital has agreed to buy of the batch as registered now."""
    await hospital_registered(room, body.hospital_id)
    batch = await registered_batch(room, body.batch_id)
    agreements = await agreements_of(room.pool, batch, [body.hospital_id])
    terms = prepayment_terms(room.policy)
    return PostPrepayment(
        prepayment_id=body.prepayment_id,
        hospital_id=body.hospital_id,
        batch_id=body.batch_id,
        amount_fen=body.amount_fen,
        agreed_fen=agreed_amount((one.quantity, one.selected_price) for one in agreements),
        percent=terms.percent,
        policy_version=terms.version,
        by=by,
    )


def _is_same(made: PrepaymentMade, body: PrepaymentBody) -> bool:
    said = (body.hospital_id, body.batch_id, body.amount_fen)
    return (made.hospital_id, made.batch_id, made.amount_fen) == said


def _document(made: PrepaymentMade) -> dict[str, Any]:
    return {
        "prepayment_id": made.prepayment_id,
        "hospital_id": made.hospital_id,
        "batch_id": made.batch_id,
        "amount_fen": made.amount_fen,
        "agreed_fen": made.agreed_fen,
        "entry_id": made.entry_id,
        "at": local_text(made.at),
    }
