"""What is done with a reported payment (付款确认、异议、撤回): by its payee, or by who may report it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request

from services.settlement.api.hospital_pays.access import payment_seen
from services.settlement.api.hospital_pays.views import payment_document
from services.settlement.api.judged import conflict, problem_of, submit
from services.settlement.api.parties import Party
from services.settlement.commands import (
    AcknowledgeHospitalPayment,
    ContestHospitalPayment,
    WithdrawHospitalPayment,
)
from services.settlement.domain.hospital_payment import STATE_AFTER, Act, stream_of, wrong_state
from shared.events.hospital_payments import (
    HOSPITAL_PAYMENT_ACKNOWLEDGED,
    HOSPITAL_PAYMENT_CONTESTED,
    HOSPITAL_PAYMENT_WITHDRAWN,
)
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, forbidden
from shared.runtime.bodies import json_object
from shared.runtime.fields import Body, Text
from shared.runtime.room import Room, room_of
from shared.runtime.said import Said, as_sent, documented, read_as

router = APIRouter(
    prefix="/settlement/v1/hospital-payments/{payment_id}", tags=["hospital pays 医疗机构结算"]
)
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]

_PAYEE: Final = frozenset({"distributor"})
_REPORTERS: Final = frozenset({"hospital", "finance"})


class ReasonBody(Body):
    """Why a payment does not count (原因)."""

    reason: Text


@router.post("/acknowledge", summary="确认到账")
async def post_acknowledge(payment_id: str, actor: Party, room: SettlementRoom) -> dict[str, Any]:
    """收款企业确认这笔付款已到账; 此后不能再提异议或撤回."""
    row = await _found(room, actor, payment_id, _PAYEE)
    command = AcknowledgeHospitalPayment(str(actor))
    return await _done(room, actor, row, HOSPITAL_PAYMENT_ACKNOWLEDGED, command, {})


@router.post("/contest", summary="对付款提出异议", openapi_extra=documented(ReasonBody))
async def post_contest(
    payment_id: str, actor: Party, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """收款企业提出这笔付款未到账或有误; 有异议的付款不冲抵货款."""
    row = await _found(room, actor, payment_id, _PAYEE)
    said = await json_object(request)
    command = ContestHospitalPayment(read_as(ReasonBody, said).reason, str(actor))
    return await _done(room, actor, row, HOSPITAL_PAYMENT_CONTESTED, command, said)


@router.post("/withdraw", summary="撤回付款", openapi_extra=documented(ReasonBody))
async def post_withdraw(
    payment_id: str, actor: Party, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """医疗机构 (或统筹区财务) 撤回误登的付款; 已确认到账的不能撤回."""
    row = await _found(room, actor, payment_id, _REPORTERS)
    said = await json_object(request)
    command = WithdrawHospitalPayment(read_as(ReasonBody, said).reason, str(actor))
    return await _done(room, actor, row, HOSPITAL_PAYMENT_WITHDRAWN, command, said)


async def _found(room: Room, actor: Actor, payment_id: str, roles: frozenset[str]) -> Any:
    """The payment: 404 where this caller may not see it, 403 where it is not for it to act."""
    row = await payment_seen(room, actor, payment_id)
    if actor.role not in roles:
        raise forbidden(
            "收款企业确认或提出异议, 登记方撤回",
            "the payee acknowledges or contests, the reporter withdraws",
        )
    return row


async def _done(
    room: Room, actor: Actor, row: Any, type_: str, command: Act, said: Said
) -> dict[str, Any]:
    """The payment after the act; the same act again changes nothing."""
    payment_id: str = row["payment_id"]
    if not _stands(row, type_, command):
        stream = stream_of(payment_id)
        event_id = f"{stream}-{STATE_AFTER[type_]}"
        words = {**said, "payment_id": payment_id, "by": str(actor)}
        sent = as_sent(actor, stream, event_id, type_, command, words, await room.now())
        try:
            await submit(room, sent)
        except Problem as problem:
            if problem.code not in ("conflicting_duplicate", "wrong_state"):
                raise
            # Somebody was faster: the same act is answered as done, another one as a conflict.
            now = await payment_seen(room, actor, payment_id)
            if not _stands(now, type_, command):
                raise problem_of(wrong_state(now["state"])) from None
    return payment_document(await payment_seen(room, actor, payment_id))


def _stands(row: Any, type_: str, command: Act) -> bool:
    """Whether this act has been done; a Problem where it was done for another reason."""
    if row["state"] != STATE_AFTER[type_]:
        return False
    if row["reason"] != getattr(command, "reason", None):
        raise conflict()
    return True
