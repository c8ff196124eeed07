"""The inputs of retained surplus over HTTP (结余留用测算参数接口)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Request

from services.settlement.api.registered import hospital_registered, registered_batch
from services.settlement.api.retention.access import of_the_pool, seen
from services.settlement.api.retention.bodies import InputsBody, inputs_of
from services.settlement.commands import SetRetentionInputs
from services.settlement.domain.retaining import stream_of
from services.settlement.policy import retention_terms
from services.settlement.projections.retention import words_of_inputs
from shared.events.envelope import written
from shared.events.settlement import RETENTION_INPUTS_SET, RetentionInputsSet
from shared.kernel.canonical import canonical
from shared.kernel.codes import is_path_id
from shared.kernel.decider import Sent
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Actor, CurrentActor, not_found
from shared.runtime.bodies import json_object
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import Said, documented, read_as

router = APIRouter(
    prefix="/settlement/v1/retention-inputs/{batch_id}/{year}/{hospital_id}",
    tags=["retention 结余留用"],
)
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


@router.put("", summary="登记测算参数", openapi_extra=documented(InputsBody))
async def put_inputs(
    batch_id: str,
    year: str,
    hospital_id: str,
    actor: CurrentActor,
    room: SettlementRoom,
    request: Request,
) -> Said:
    """登记或更改一家医疗机构一个采购年度的测算参数; 已测算的年度, 结果不再变化."""
    of_the_pool(actor, hospital_id)
    await registered_batch(room, batch_id)
    await hospital_registered(room, hospital_id)
    key = batch_id, _year(year), hospital_id
    said = await json_object(request)
    try:
        inputs = inputs_of(read_as(InputsBody, said), retention_terms(room.policy), *key)
    except Refusal as refusal:
        raise refusal_problem(refusal) from None
    words = {**said, "batch_id": key[0], "year": key[1], "hospital_id": key[2]}
    # The same again changes nothing; two at once may both be written, and then say the same.
    if canonical(words) != canonical(await words_of_inputs(room.pool, stream_of(*key))):
        assert room.desk is not None
        [verdict] = await room.desk.submit([_sent(actor, inputs, words, await room.now())])
        if verdict.refusal is not None:
            raise refusal_problem(verdict.refusal)
    return _document(words)


@router.get("", summary="测算参数")
async def get_inputs(
    batch_id: str, year: str, hospital_id: str, actor: CurrentActor, room: SettlementRoom
) -> Said:
    """一家医疗机构一个采购年度的测算参数, 以最后登记的为准."""
    seen(actor, hospital_id)
    stream = f"retention-{batch_id}-{year}-{hospital_id}"
    words = await words_of_inputs(room.pool, stream) if is_path_id(batch_id) else None
    if words is None:
        raise not_found("尚未登记测算参数", "no inputs are set")
    return _document(words)


def _document(words: Said) -> Said:
    """The inputs as they were said, under their id."""
    return {**words, "id": f"{words['batch_id']}/{words['year']}/{words['hospital_id']}"}


def _year(text: str) -> int:
    """The year in which the agreement year begins (采购年度)."""
    if len(text) == 4 and text.isascii() and text.isdigit() and 2000 <= int(text) <= 2100:
        return int(text)
    raise Problem(
        422,
        "malformed",
        "年度应为 2000 至 2100 的四位数字",
        "year is four digits from 2000 to 2100",
        errors=[{"pointer": "/year", "code": "malformed", "detail": "expected a year"}],
    )


def _sent(actor: Actor, inputs: RetentionInputsSet, words: Said, now: datetime) -> Sent:
    """What the bureau states, as an event of its own (CloudEvents)."""
    stream = stream_of(inputs.batch_id, inputs.year, inputs.hospital_id)
    source, event_id = f"urn:jicai:{actor.organisation}", f"{stream}-{uuid4().hex}"
    sha256, payload = written(
        source=source, id=event_id, type=RETENTION_INPUTS_SET, time=now, data=words
    )
    return Sent(
        stream=stream,
        source=source,
        event_id=event_id,
        type=RETENTION_INPUTS_SET,
        occurred_at=now,
        sha256=sha256,
        payload=payload,
        command=SetRetentionInputs(inputs),
        role=actor.role,
        organisation=actor.organisation,
    )
