"""Calculating retained surplus (结余留用测算): preview and real run on one road, the storing apart.

What registers and receipts say is read before the locks, for it may take a while; inputs that were
set meanwhile make the chunk begin again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from services.settlement.api.retention.drawing import drawn_of
from services.settlement.commands import CalculateRetention
from services.settlement.domain.completing import Drawn
from services.settlement.domain.retaining import RetentionStream, stream_of
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.world import RetentionGround, World
from services.settlement.policy import retention_terms
from services.settlement.projections.agreed import Batch
from services.settlement.projections.retention import find_states
from shared.events.envelope import written
from shared.events.settlement import RETENTION_CALCULATED, RetentionCalculated
from shared.kernel.decider import Sent
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Actor
from shared.runtime.deciding import instant_of, transact
from shared.runtime.handling import store
from shared.runtime.judging import Batch as Judged
from shared.runtime.logs import current_traceparent
from shared.runtime.room import Room
from shared.store.locks import lock_streams
from shared.store.log import load

_CHUNK: Final = 100
_DONE_BEFORE: Final = "already_calculated"


class _Changed(Exception):
    """Inputs were set between the look and the locks."""


@dataclass(frozen=True, slots=True)
class Run:
    """One calculation asked for: which year of which batch, by whom, and whether to keep it (测算)."""

    batch: Batch
    year: int
    actor: Actor
    is_preview: bool


async def calculated(room: Room, run: Run, hospitals: Sequence[str]) -> list[RetentionCalculated]:
    """The results of these hospitals in this order; what stood before stands. Durable unless previewed."""
    results: list[RetentionCalculated] = []
    for start in range(0, len(hospitals), _CHUNK):
        results += await _chunk(room, run, hospitals[start : start + _CHUNK])
    return results


async def _chunk(room: Room, run: Run, hospitals: Sequence[str]) -> list[RetentionCalculated]:
    while True:
        with contextlib.suppress(_Changed):
            return await _once(room, run, hospitals)


async def _once(room: Room, run: Run, hospitals: Sequence[str]) -> list[RetentionCalculated]:
    streams = {stream_of(run.batch.batch_id, run.year, one): one for one in hospitals}
    async with room.pool.acquire() as connection:
        before = await find_states(connection, list(streams))
        generics = {streams[stream]: _generics(state) for stream, state in before.items()}
        drawn = await drawn_of(connection, run.batch, run.year, generics)
    return await transact(room, lambda tx: _decide(tx, room, run, streams, before, drawn))


def _generics(state: bytes) -> list[str]:
    stream = SETTLING.decode(state)
    assert isinstance(stream, RetentionStream)
    return [variety.generic_name for variety in stream.inputs.varieties]


async def _decide(
    tx: asyncpg.Connection,
    room: Room,
    run: Run,
    streams: dict[str, str],
    before: dict[str, bytes],
    drawn: dict[str, Drawn],
) -> list[RetentionCalculated]:
    assert room.desk is not None
    kit = room.desk.kit
    await lock_streams(tx, room.service.name, streams)
    head, rows = await load(tx, sorted(streams))
    if any(row.state != before.get(stream) for stream, row in rows.items()):
        raise _Changed
    now = instant_of(room, head)
    known = {stream: drawn[one] for stream, one in streams.items() if one in drawn}
    world = World(retention=RetentionGround(retention_terms(room.policy), known))
    judged: Judged[Any, Any] = Judged(kit.decider, rows, {}, now, world)
    refused = {}
    for stream, hospital_id in streams.items():
        verdict = judged.judge(_sent(run, stream, hospital_id, now))
        if verdict.refusal is not None and verdict.refusal.code != _DONE_BEFORE:
            refused[hospital_id] = verdict.refusal
    if refused:
        raise _refused(refused)
    if judged.events and not run.is_preview:
        # With the facts go the entries that they post.
        await store(tx, kit, judged)
    return [_result(judged.state_of(stream)) for stream in streams]


def _result(state: object) -> RetentionCalculated:
    assert isinstance(state, RetentionStream)
    assert state.calculated is not None
    return state.calculated


def _sent(run: Run, stream: str, hospital_id: str, now: Any) -> Sent:
    """The act as the bureau's own event; there is one of each year, so its id says which."""
    source, event_id = f"urn:jicai:{run.actor.organisation}", f"{stream}-calculated"
    words = {"batch_id": run.batch.batch_id, "year": run.year, "hospital_id": hospital_id}
    sha256, payload = written(
        source=source, id=event_id, type=RETENTION_CALCULATED, time=now, data=words
    )
    return Sent(
        stream=stream,
        source=source,
        event_id=event_id,
        type=RETENTION_CALCULATED,
        occurred_at=now,
        sha256=sha256,
        payload=payload,
        command=CalculateRetention(by=str(run.actor)),
        role=run.actor.role,
        organisation=run.actor.organisation,
        traceparent=current_traceparent(),
    )


def _refused(refused: dict[str, Refusal]) -> Problem:
    """The first hospital's fault, and those of the others of its chunk beside it."""
    first = next(iter(refused.values()))
    return Problem(
        422,
        first.code,
        first.detail_zh,
        first.detail_en,
        errors=[
            {
                "pointer": f"/{hospital_id}{refusal.pointer or ''}",
                "code": refusal.code,
                "detail": refusal.detail_zh,
            }
            for hospital_id, refusal in refused.items()
        ],
    )
