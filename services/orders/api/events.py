"""The door for facts (事件接入): `POST /orders/v1/events`, single or batch, each item on its own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.orders.api.reading import BadItem, read_event
from services.orders.api.splitting import check_json, split_batch
from shared.kernel.decider import Sent
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, CurrentActor, spend_events
from shared.runtime.bodies import read_body
from shared.runtime.desk import Desk, unavailable, verdict_document
from shared.runtime.judging import Verdict
from shared.runtime.metrics import VERDICTS
from shared.runtime.problems import language_of
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/orders/v1", tags=["events 事件接入"])

EVENTS_MAX = 1000

_SINGLE = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_PLAIN = "application/json"


@router.post(
    "/events",
    responses={207: {"description": "部分事件被拒绝"}, 422: {"description": "全部被拒绝"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {}} for kind in (_SINGLE, _BATCH, _PLAIN)},
        }
    },
)
async def post_events(
    request: Request,
    actor: CurrentActor,
    room: Annotated[Room, Depends(room_of("orders"))],
    dry_run: Annotated[bool, Query(description="只检查, 不登记")] = False,
) -> Response:
    """接收一个或一批 CloudEvents 事件, 逐条给出结论; 一条有误不影响其他."""
    desk = room.desk
    assert desk is not None
    if desk.is_full:
        raise unavailable()
    body = await read_body(request)
    items = split_items(request, body)
    if len(items) > EVENTS_MAX:
        raise _too_large(f"一批至多 {EVENTS_MAX} 个事件", f"at most {EVENTS_MAX} events a batch")
    spend_events(request, actor, len(items))
    results = await judge_items(desk, items, actor, language_of(request), dry_run=dry_run)
    return answer(results)


async def judge_items(
    desk: Desk[Any, Any], items: list[bytes], actor: Actor, language: str, *, dry_run: bool
) -> list[dict[str, Any]]:
    """A result for each item, in the order sent."""
    read: list[Sent | BadItem] = []
    for item in items:
        try:
            read.append(read_event(item, actor))
        except BadItem as bad:
            read.append(bad)
    good = [item for item in read if isinstance(item, Sent)]
    verdicts = iter(await (desk.dry_run(good) if dry_run else desk.submit(good)))
    results = []
    for entry in read:
        if isinstance(entry, Sent):
            verdict, event_id = next(verdicts), entry.event_id
        else:
            verdict, event_id = Verdict("rejected", refusal=entry.refusal), entry.event_id or ""
        results.append(verdict_document(event_id, verdict, language))
    if not dry_run:  # the desk counts what reaches it
        VERDICTS.labels("orders", "rejected").inc(len(read) - len(good))
    return results


def answer(results: list[dict[str, Any]]) -> Response:
    """200 when nothing was rejected, 207 when some were, a 422 problem when all were."""
    rejected = sum(result["status"] == "rejected" for result in results)
    if results and rejected == len(results):
        raise Problem(
            422,
            "all_rejected",
            f"全部 {rejected} 个事件被拒绝, 逐条原因见 results",
            f"all {rejected} events were rejected; results says why",
            extra={"results": results},
        )
    return Response(
        msgspec.json.encode({"results": results}),
        status_code=207 if rejected else 200,
        media_type="application/json",
    )


def split_items(request: Request, body: bytes) -> list[bytes]:
    """The items of the body by its content type, as the sender's bytes."""
    kind = request.headers.get("content-type", _PLAIN).partition(";")[0].strip().lower()
    if "ce-specversion" in request.headers or "ce-id" in request.headers:
        raise Problem(
            415,
            "binary_mode",
            "不支持 CloudEvents 二进制模式, 请使用结构化 JSON",
            "CloudEvents binary mode is not taken; send structured JSON",
        )
    if kind not in (_SINGLE, _BATCH, _PLAIN):
        raise Problem(
            415,
            "unsupported_media_type",
            f"不支持的媒体类型 {kind}; 请使用 {_SINGLE} 或 {_BATCH}",
            f"media type {kind} is not taken; use {_SINGLE} or {_BATCH}",
        )
    if kind == _PLAIN:
        kind = _BATCH if body.lstrip()[:1] == b"[" else _SINGLE
    try:
        if kind == _BATCH:
            return split_batch(body)
        check_json(body)
        return [body]
    except msgspec.ValidationError:
        raise Problem(
            422, "malformed", "批量请求体应为 JSON 数组", "a batch is a JSON array"
        ) from None
    except ValueError as error:
        raise Problem(
            400,
            "malformed_json",
            f"请求体不是有效的 JSON: {error}",
            f"the body is not JSON: {error}",
        ) from None


def _too_large(zh: str, en: str) -> Problem:
    return Problem(413, "batch_too_large", f"{zh}; 请分批发送", f"{en}; send it in parts")
