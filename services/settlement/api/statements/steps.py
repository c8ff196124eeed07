"""Steps over HTTP (对账办理接口): confirm, approve, pay; one statement or up to a thousand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from services.settlement.api.parties import party
from services.settlement.api.statements.acting import StepName, take_step
from services.settlement.api.statements.views import statement_now
from shared.runtime.actors import Acting, ActingPerson
from shared.runtime.bodies import json_object
from shared.runtime.fields import Body, Words
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["statements 对账单"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


class ManyBody(Body):
    """The statements of a clerk's desk (批量办理)."""

    statement_ids: Annotated[list[Words], Field(min_length=1, max_length=1000)]


async def _many(room: Room, acting: Acting, step: StepName, request: Request) -> dict[str, Any]:
    """One step of up to a thousand statements, each answered by itself."""
    await party(acting.actor)
    body = read_as(ManyBody, await json_object(request))
    outcomes = await take_step(room, acting, step, body.statement_ids)
    results: list[dict[str, Any]] = []
    for id_ in body.statement_ids:
        problem = outcomes[id_]
        result: dict[str, Any] = {"statement_id": id_, "status": 200, "code": None}
        if problem is not None:
            result |= {"status": problem.status, "code": problem.code, "detail": problem.detail_zh}
        results.append(result)
    return {"results": results}


async def _one(room: Room, acting: Acting, step: StepName, statement_id: str) -> dict[str, Any]:
    """One step of one statement, which is answered as it stands then."""
    problem = (await take_step(room, acting, step, [statement_id]))[statement_id]
    if problem is not None:
        raise problem
    return await statement_now(room, statement_id)


@router.post("/statements:confirm", summary="批量确认", openapi_extra=documented(ManyBody))
async def post_confirm_many(
    acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """一次确认至多 1,000 份对账单, 逐份回答; 一份不成不影响其余."""
    return await _many(room, acting, "confirm", request)


@router.post("/statements:approve", summary="批量审核", openapi_extra=documented(ManyBody))
async def post_approve_many(
    acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """一次审核至多 1,000 份对账单, 逐份回答; 须由绑定到个人的密钥发起."""
    return await _many(room, acting, "approve", request)


@router.post("/statements:pay", summary="批量支付", openapi_extra=documented(ManyBody))
async def post_pay_many(
    acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """一次支付至多 1,000 份对账单, 逐份回答; 审核人不得支付."""
    return await _many(room, acting, "pay", request)


@router.post("/statements/{statement_id}/confirm", summary="确认对账单")
async def post_confirm(
    statement_id: str, acting: ActingPerson, room: SettlementRoom
) -> dict[str, Any]:
    """医疗机构先确认, 企业后确认; 同一方再次确认不变."""
    return await _one(room, acting, "confirm", statement_id)


@router.post("/statements/{statement_id}/approve", summary="审核对账单")
async def post_approve(
    statement_id: str, acting: ActingPerson, room: SettlementRoom
) -> dict[str, Any]:
    """统筹区医保部门 (或省级) 审核双方确认的对账单, 应付款入账; 再次审核不变."""
    return await _one(room, acting, "approve", statement_id)


@router.post("/statements/{statement_id}/pay", summary="支付对账单")
async def post_pay(statement_id: str, acting: ActingPerson, room: SettlementRoom) -> dict[str, Any]:
    """统筹区财务 (或省级) 下达支付: 先用医院预付, 余款由基金支付; 审核人不得支付."""
    return await _one(room, acting, "pay", statement_id)
