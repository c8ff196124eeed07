"""Hospitals' own payments over HTTP (医疗机构付款接口): reported once, and read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, model_validator

from services.settlement.api.hospital_pays.access import (
    Reporter,
    hospital_pays,
    mode_refused,
    of_the_reporter,
    payment_seen,
)
from services.settlement.api.hospital_pays.sheet import sheet
from services.settlement.api.hospital_pays.views import payment_document
from services.settlement.api.judged import as_sent, conflict, state_of, submit_once
from services.settlement.api.ledger.offsets import AmountFen
from services.settlement.api.parties import Party
from services.settlement.api.registered import distributor_registered, hospital_registered
from services.settlement.commands import ReportHospitalPayment
from services.settlement.domain.hospital_payment import HospitalPaymentStream, stream_of
from services.settlement.projections.hospital_payments import (
    PaymentFilter,
    ReferenceTaken,
    list_payments,
)
from shared.events.hospital_payments import HOSPITAL_PAYMENT_REPORTED
from shared.kernel.errors import Problem
from shared.runtime.bodies import json_object
from shared.runtime.downloads import Format
from shared.runtime.fields import Body, Day, HospitalId, PathId, Uscc, Words
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1/hospital-payments", tags=["hospital pays 医疗机构结算"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
PaymentState = Annotated[
    Literal["reported", "contested", "acknowledged", "withdrawn"] | None,
    Query(description="已登记, 有异议, 已确认到账, 已撤回"),
]


class HospitalPaymentBody(Body):
    """What a hospital has paid an enterprise (医疗机构付款)."""

    payment_id: PathId
    hospital_id: HospitalId
    payee_id: Uscc
    amount_fen: AmountFen
    paid_on: Day
    bank_reference: Annotated[Words, Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _names_its_hospital(self) -> Self:
        """No two hospitals' payments collide (付款编号以机构代码开头)."""
        if not self.payment_id.startswith(f"{self.hospital_id}-"):
            raise ValueError("payment_id begins with the hospital's id and a hyphen")
        return self


@router.post(
    "",
    status_code=201,
    summary="登记医疗机构付款",
    openapi_extra=documented(HospitalPaymentBody),
)
async def post_payment(
    actor: Reporter, room: SettlementRoom, request: Request, response: Response
) -> dict[str, Any]:
    """医疗机构 (或统筹区财务) 登记已付货款; 同一编号同样内容再报回答 200. 先到期的货款先冲抵."""
    said = await json_object(request)
    of_the_reporter(actor, said)
    body = read_as(HospitalPaymentBody, said, spanning="payment_id")
    stream = stream_of(body.payment_id)
    state = await state_of(room, stream)
    is_new = state is None
    if is_new:
        await hospital_registered(room, body.hospital_id)
        await distributor_registered(room, body.payee_id)
        if not hospital_pays(room, body.hospital_id):
            raise mode_refused(body.hospital_id)
        command = _command(body, str(actor))
        words = {**said, "by": str(actor)}
        sent = as_sent(actor, stream, HOSPITAL_PAYMENT_REPORTED, command, words, await room.now())
        try:
            state, is_new = await submit_once(room, sent)
        except ReferenceTaken:
            raise _reference_taken() from None
    if not isinstance(state, HospitalPaymentStream) or not _is_same(state, body):
        raise conflict()
    if not is_new:
        response.status_code = 200
    return payment_document(await payment_seen(room, actor, body.payment_id))


@router.get("", summary="医疗机构付款", response_model=None)
async def get_payments(
    actor: Party,
    room: SettlementRoom,
    request: Request,
    hospital_id: HospitalId | None = None,
    payee_id: Uscc | None = None,
    state: PaymentState = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = "json",
) -> dict[str, Any] | Response:
    """医疗机构登记的付款及其状态, 按编号排列; 收款企业可见付给自己的."""
    wanted = PaymentFilter(hospital_id=hospital_id, payee_id=payee_id, state=state)
    [behind] = read_cursor(after, str) if after is not None else [""]
    rows = await list_payments(room.pool, actor, wanted, after=behind, limit=limit)
    items = [payment_document(row) for row in rows]
    document = page(items, limit, cursor(items[-1]["payment_id"]) if items else None)
    return document if format == "json" else sheet("payments", document, request, format)


@router.get("/{payment_id}", summary="一笔医疗机构付款")
async def get_payment(payment_id: str, actor: Party, room: SettlementRoom) -> dict[str, Any]:
    """一笔付款的当前状态."""
    return payment_document(await payment_seen(room, actor, payment_id))


def _command(body: HospitalPaymentBody, by: str) -> ReportHospitalPayment:
    return ReportHospitalPayment(
        payment_id=body.payment_id,
        hospital_id=body.hospital_id,
        payee_id=body.payee_id,
        amount_fen=body.amount_fen,
        paid_on=body.paid_on,
        bank_reference=body.bank_reference,
        by=by,
    )


def _is_same(state: HospitalPaymentStream, body: HospitalPaymentBody) -> bool:
    paid = state.reported
    return (
        paid.hospital_id,
        paid.payee_id,
        paid.amount_fen,
        paid.paid_on,
        paid.bank_reference,
    ) == (
        body.hospital_id,
        body.payee_id,
        body.amount_fen,
        body.paid_on,
        body.bank_reference,
    )


def _reference_taken() -> Problem:
    return Problem(
        409,
        "bank_reference_taken",
        "该医疗机构已用这一银行流水号登记过另一笔付款",
        "this hospital has reported another payment under this bank reference",
    )
