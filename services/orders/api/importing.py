"""The door for spreadsheets (表格导入): `POST /orders/v1/import`, registers and events, by row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.orders.api.events import judge_items
from services.orders.api.imports.events import CHUNK, SheetEvent, chunks, sheet_event
from services.orders.api.imports.groups import Group, Row
from services.orders.api.imports.rows import Sheet, read_sheet
from services.orders.api.recording import entry_of, put_entries
from services.orders.api.registers import may_write
from services.orders.projections.recorded import recorded_instants
from services.orders.projections.registers import Entry, changed_entries
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Actor, CurrentActor, spend_events
from shared.runtime.bodies import read_body
from shared.runtime.desk import unavailable, verdict_document
from shared.runtime.judging import Verdict
from shared.runtime.problems import language_of
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/orders/v1", tags=["import 表格导入"])

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES = (
    "text/csv",
    _XLSX,
    "application/octet-stream",
    # What a browser on a machine with Excel calls a CSV file.
    "application/vnd.ms-excel",
)

Document = dict[str, Any]
Judged = list[tuple[Group, Document]]
"""The verdict on each group, as the door for events writes it."""


@router.post(
    "/import",
    responses={
        207: {"description": "部分行被拒绝"},
        422: {"description": "全部被拒绝, 或无法识别"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}} for kind in _MEDIA_TYPES
            },
        }
    },
)
async def post_import(
    request: Request,
    actor: CurrentActor,
    room: Annotated[Room, Depends(room_of("orders"))],
    kind: Annotated[str | None, Query(description="表的种类; 缺省时按表头识别")] = None,
    dry_run: Annotated[bool, Query(description="只检查, 不登记")] = False,
) -> Response:
    """导入 CSV 或 XLSX: 基础信息或事件, 逐行给出结论; 一行有误不影响其他单据."""
    assert room.desk is not None
    if room.desk.is_full:
        raise unavailable()
    _check_media_type(request)
    body = await read_body(request)
    # Reading ten thousand rows takes longer than the others on this loop should wait.
    sheet = await asyncio.to_thread(read_sheet, body, kind)
    spend_events(request, actor, len(sheet.groups))
    language = language_of(request)
    if sheet.layout.kind.register:
        may_write(actor)
        judged = await _put(room, actor, sheet, language, dry_run=dry_run)
    else:
        judged = await _send(room, actor, sheet, language, dry_run=dry_run)
    return _answer(sheet, judged, language)


def _check_media_type(request: Request) -> None:
    kind = request.headers.get("content-type", _MEDIA_TYPES[0]).partition(";")[0].strip().lower()
    if kind not in _MEDIA_TYPES:
        raise Problem(
            415,
            "unsupported_media_type",
            f"不支持的媒体类型 {kind}; 请直接上传 text/csv 或 {_XLSX}",
            f"media type {kind} is not taken; the body is the file itself, text/csv or {_XLSX}",
        )


async def _put(room: Room, actor: Actor, sheet: Sheet, language: str, *, dry_run: bool) -> Judged:
    """Register entries; one that is stored already as it stands is a duplicate."""
    verdicts: list[tuple[Group, Verdict]] = []
    entries: list[tuple[Group, Entry]] = []
    for group in sheet.groups:
        try:
            if group.fault is not None:
                raise group.fault[1]
            entries.append(
                (group, entry_of(sheet.layout.kind.register, group.id or "", group.body))
            )
        except Refusal as refusal:
            verdicts.append((group, Verdict("rejected", refusal=refusal)))
    for start in range(0, len(entries), CHUNK):
        chunk = entries[start : start + CHUNK]
        async with room.pool.acquire() as connection:
            changed = {
                entry.id for entry, _ in await changed_entries(connection, [e for _, e in chunk])
            }
        refusals = await put_entries(room, actor, [e for _, e in chunk], dry_run=dry_run)
        for (group, entry), refused in zip(chunk, refusals, strict=True):
            status = "accepted" if entry.id in changed else "duplicate"
            verdicts.append((group, Verdict("rejected" if refused else status, refusal=refused)))
    return [(group, verdict_document(group.id, verdict, language)) for group, verdict in verdicts]


async def _send(room: Room, actor: Actor, sheet: Sheet, language: str, *, dry_run: bool) -> Judged:
    """Events, judged by the same door as those sent as JSON."""
    judged: Judged = [
        (group, verdict_document(None, Verdict("rejected", refusal=group.fault[1]), language))
        for group in sheet.groups
        if group.fault is not None
    ]
    events = [sheet_event(group) for group in sheet.groups if group.fault is None]
    for chunk in chunks(events):
        results = await _judge(room, actor, chunk, language, dry_run=dry_run)
        # Where the same sheet came twice at one moment, the instant of the first stands.
        again = [
            place
            for place, result in enumerate(results)
            if result.get("code") == "conflicting_duplicate" and chunk[place].said_at is None
        ]
        if again:
            repeated = await _judge(
                room, actor, [chunk[n] for n in again], language, dry_run=dry_run
            )
            for place, result in zip(again, repeated, strict=True):
                results[place] = result
        judged += zip([event.group for event in chunk], results, strict=True)
    return judged


async def _judge(
    room: Room, actor: Actor, events: Sequence[SheetEvent], language: str, *, dry_run: bool
) -> list[Document]:
    """A verdict for each event.

    An event whose rows name no time happens now, or when it was recorded the first time: so the
    same sheet sent again is a duplicate, though the clock has gone on.
    """
    assert room.desk is not None
    source = f"urn:jicai:{actor.organisation}:sheet"
    known = await recorded_instants(
        room.pool, source, [event.id for event in events if event.said_at is None]
    )
    now = await room.now()
    items = [event.encoded(source, known.get(event.id, now)) for event in events]
    return await judge_items(room.desk, items, actor, language, dry_run=dry_run)


def _answer(sheet: Sheet, judged: Judged, language: str) -> Response:
    """200 when no row was rejected, 207 when some were, a 422 problem when all were."""
    results = [
        {"row": row.number, "id": None, "status": "skipped"} for row in sheet.rows if row.skipped
    ]
    for group, document in judged:
        results += _row_results(group, document, language)
    results.sort(key=lambda result: result["row"])  # type: ignore[arg-type, return-value]
    kind, rejected = sheet.layout.kind.name, sum(r["status"] == "rejected" for r in results)
    report = {"kind": kind, "rows": len(results), "results": results}
    if sheet.layout.ignored:
        report["ignored_columns"] = sheet.layout.ignored
    if rejected and rejected == sum(r["status"] != "skipped" for r in results):
        raise Problem(
            422,
            "all_rejected",
            f"全部 {rejected} 行被拒绝, 逐行原因见 results",
            f"all {rejected} rows were rejected; results says why",
            extra=report,
        )
    return Response(
        msgspec.json.encode(report),
        status_code=207 if rejected else 200,
        media_type="application/json",
    )


def _row_results(group: Group, document: Document, language: str) -> list[Document]:
    """The verdict on a group for each of its rows; the one at fault gets the pointer."""
    pointer = document.pop("pointer", None)
    if group.fault is not None:
        culprit: Row | None = group.fault[0]
    else:
        culprit, column = group.locate(pointer)
        pointer = None if column is None else f"/{column.name}"
    results = []
    for row in group.rows:
        result = {"row": row.number, **document}
        if row is culprit:
            if pointer is not None:
                result["pointer"] = pointer
        elif culprit is not None:
            where = f"row {culprit.number}" if language == "en" else f"第 {culprit.number} 行"
            result["detail"] = f"{where}: {document['detail']}"
        results.append(result)
    return results
