"""Suspensions over HTTP (暂停结算接口): ordered and lifted by the province."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.settlement.api.judged import conflict, problem_of, state_of
from services.settlement.api.parties import Party
from services.settlement.api.registered import enterprise_registered
from services.settlement.api.statements.access import of_province
from services.settlement.api.statements.pending import no_draft_pending
from services.settlement.domain.routing import released
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.statement import stream_of as statement_stream
from services.settlement.domain.suspension import (
    Scope,
    SuspensionStream,
    lift,
    order,
    parse_scope,
    stream_of,
)
from services.settlement.projections.suspensions import list_suspensions
from services.settlement.sets.suspending import let_go
from shared.kernel.clock import local_text
from shared.kernel.codes import is_path_id
from shared.kernel.errors import Refusal
from shared.runtime.actors import CurrentActor, forbidden, not_found
from shared.runtime.bodies import json_object
from shared.runtime.deciding import Held, decide_together
from shared.runtime.fields import Body, Day, PathId, Text, Uscc
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1/suspensions", tags=["statements 对账单"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


class SuspensionBody(Body):
    """Whose direct settlement is suspended, in what, from which day (暂停决定)."""

    suspension_id: PathId
    payee_id: Uscc | None = None
    scope: Text
    from_: Annotated[Day, Field(alias="from")]
    decision: Text


class LiftBody(Body):
    """By which decision it ends (恢复决定)."""

    decision: Text


@router.post("", status_code=201, summary="暂停直接结算", openapi_extra=documented(SuspensionBody))
async def post_suspension(
    actor: CurrentActor, room: SettlementRoom, request: Request, response: Response
) -> dict[str, Any]:
    """自当日零时起 (不早于现在) 应付款转入暂停支付科目, 照常审核; 同样的决定再报回答 200."""
    of_province(actor)
    body = read_as(SuspensionBody, await json_object(request))
    try:
        scope = parse_scope(body.scope)
    except Refusal as refusal:
        raise refusal_problem(refusal) from None
    stream = stream_of(body.suspension_id)
    before = await state_of(room, stream)
    if before is None:
        if body.payee_id is not None:
            await enterprise_registered(room, body.payee_id)
        before = await _order(room, body, scope, str(actor))
    else:
        response.status_code = 200
    assert isinstance(before, SuspensionStream)
    if not _is_same(before, body, scope):
        raise conflict()
    await _route(room)
    return _document(before)


async def _order(room: Room, body: SuspensionBody, scope: Scope, by: str) -> SuspensionStream:
    """Behind every writer, so that whoever approves later knows of it; what stands before stands."""
    stream = stream_of(body.suspension_id)
    day = date.fromisoformat(body.from_)

    async def work(hold: Held) -> SuspensionStream:
        state = hold.batch.state_of(stream)
        if state is None:
            await no_draft_pending(room, hold)
            words = (body.suspension_id, body.payee_id, scope, day, body.decision)
            for one in order(*words, by, hold.now):
                hold.batch.record(stream, one)
        state = hold.batch.state_of(stream)
        assert isinstance(state, SuspensionStream)
        return state

    return await decide_together(room, [stream], work, alone=True)


@router.post("/{suspension_id}/lift", summary="恢复直接结算", openapi_extra=documented(LiftBody))
async def post_lift(
    suspension_id: str, actor: CurrentActor, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """没有其他暂停的应付款转回应付科目, 随后可以支付; 同样的决定再报不变."""
    of_province(actor)
    stream = stream_of(suspension_id)
    if not is_path_id(suspension_id) or await state_of(room, stream) is None:
        raise not_found("没有这一暂停决定", "no such suspension")
    body = read_as(LiftBody, await json_object(request))

    async def work(hold: Held) -> None:
        state = hold.batch.state_of(stream)
        assert isinstance(state, SuspensionStream)
        decided = lift(state, body.decision, str(actor), hold.now)
        if not decided:
            return
        await no_draft_pending(room, hold)
        for one in decided:
            hold.batch.record(stream, one)
        await _release_apart(hold, suspension_id)

    try:
        await decide_together(room, [stream], work, alone=True)
    except Refusal as refusal:
        raise problem_of(refusal) from None
    await _route(room)
    state = await state_of(room, stream)
    assert isinstance(state, SuspensionStream)
    return _document(state)


@router.get("", summary="暂停决定")
async def get_suspensions(
    actor: Party, room: SettlementRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """全部暂停决定, 按编号排列; 企业只见涉及本企业的, 医疗机构不参与."""
    if actor.role == "hospital":
        raise forbidden("医疗机构不参与暂停决定", "hospitals have no part in suspensions")
    [behind] = read_cursor(after, str) if after is not None else [""]
    payee = actor.organisation if actor.role == "distributor" else None
    rows = await list_suspensions(room.pool, payee, after=behind, limit=limit)
    items = [_document(SETTLING.decode(row["state"])) for row in rows]
    return page(items, limit, cursor(items[-1]["suspension_id"]) if items else None)


async def _release_apart(hold: Held, suspension_id: str) -> None:
    """Statements that were split off are let go where nothing else holds them back."""
    ids = await let_go(hold.tx, hold.now, without=suspension_id)
    streams = [statement_stream(one) for one in ids]
    await hold.also(streams)
    for stream in streams:
        hold.batch.apply(stream, lambda state: [released(state, hold.now)])


async def _route(room: Room) -> None:
    """Move what is to be moved now rather than in a second: whoever asks next sees it."""
    assert room.service.each_round is not None
    await room.service.each_round(room)


def _is_same(state: SuspensionStream, body: SuspensionBody, scope: Scope) -> bool:
    said = (body.payee_id, scope.kind, scope.id, body.from_, body.decision)
    one = state.ordered
    return (one.payee_id, one.scope, one.scope_id, one.first_day, one.decision) == said


def _document(state: Any) -> dict[str, Any]:
    assert isinstance(state, SuspensionStream)
    ordered, lifted = state.ordered, state.lifted
    return {
        "suspension_id": ordered.suspension_id,
        "payee_id": ordered.payee_id,
        "scope": str(Scope(ordered.scope, ordered.scope_id)),
        "from": ordered.first_day,
        "begins_at": local_text(ordered.begins_at),
        "decision": ordered.decision,
        "state": "lifted" if lifted else "in_force" if state.has_begun else "ordered",
        "lifted_at": local_text(lifted.at) if lifted else None,
        "lifted_by_decision": lifted.decision if lifted else None,
    }
