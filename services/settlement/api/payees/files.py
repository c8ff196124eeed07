"""Payment files over HTTP (支付文件接口): issued by finance, read as JSON, CSV or XLSX."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.settlement.api.ledger.access import area_of, finance_only, of_its_pool
from services.settlement.api.payees.access import Cashier, file_seen
from services.settlement.api.payees.issuing import issue
from services.settlement.api.payees.sheet import sheet
from services.settlement.api.payees.views import file_document, file_line, line_for
from services.settlement.projections.payment_files import list_files, rows_of, states_of
from shared.kernel.codes import is_division
from shared.kernel.errors import malformed
from shared.runtime.actors import ActingPerson, Actor
from shared.runtime.bodies import json_object
from shared.runtime.downloads import Format
from shared.runtime.fields import Body, Division, PathId
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.problems import language_of, refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1/payment-files", tags=["payments 支付"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


class FileBody(Body):
    """A file for the bank of one pool (支付文件): by default that of the office that asks."""

    file_id: PathId
    pool: Division | None = None


@router.post("", status_code=201, summary="生成支付文件", openapi_extra=documented(FileBody))
async def post_file(
    acting: ActingPerson, room: SettlementRoom, request: Request, response: Response
) -> dict[str, Any]:
    """把统筹区内支付中且未入任何文件的支付写入一个文件; 每笔只入一个文件. 同一编号再报回答 200."""
    actor = acting.actor
    finance_only(actor)
    said = await json_object(request)
    asked = said.get("pool")
    of_its_pool(actor, asked if is_division(asked) else actor.organisation)
    acting.person(always=True)
    body = read_as(FileBody, said)
    pool = body.pool or actor.organisation
    if not pool.endswith("00"):
        raise refusal_problem(malformed("统筹区为市级代码", "a pool is a city's code", "/pool"))
    if not await issue(room, body.file_id, pool, str(actor)):
        response.status_code = 200
    return await _whole(room, actor, body.file_id)


@router.get("", summary="支付文件")
async def get_files(
    actor: Cashier, room: SettlementRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """本机构可见的支付文件及其支付进展, 按编号排列."""
    [behind] = read_cursor(after, str) if after is not None else [""]
    files = await list_files(room.pool, area_of(actor) or "", after=behind, limit=limit)
    states = await states_of(room.pool, [file.file_id for file in files])
    items = [file_document(file, states[file.file_id]) for file in files]
    return page(items, limit, cursor(items[-1]["file_id"]) if items else None)


@router.get("/{file_id}", summary="一个支付文件", response_model=None)
async def get_file(
    file_id: str, actor: Cashier, room: SettlementRoom, request: Request, format: Format = "json"
) -> dict[str, Any] | Response:
    """逐笔列出收款账户与金额; format=csv 或 xlsx 为表格. 账号除财务外只显示末四位."""
    document = await _whole(room, actor, file_id)
    if format == "json":
        return document
    # Thousands of rows take longer to write than the others on this loop should wait.
    return await asyncio.to_thread(sheet, document, format, language_of(request))


async def _whole(room: Room, actor: Actor, file_id: str) -> dict[str, Any]:
    """The file with its rows."""
    file = await file_seen(room, actor, file_id)
    states = await states_of(room.pool, [file_id])
    rows = await rows_of(room.pool, file_id)
    lines = [line_for(actor, file_line(row)) for row in rows]
    return {**file_document(file, states[file_id]), "lines": lines}
