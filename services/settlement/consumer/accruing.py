"""The part of accruals (应付计提): what a hospital has received accrues, each line once for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from services.settlement.commands import AccrueLine
from services.settlement.domain.accrual import accruing, key_of, line_accrued, stream_of
from services.settlement.projections.accruals import insert_accruals
from shared.events.envelope import PLATFORM, Record, written
from shared.events.orders import RECEIVED, Received
from shared.events.settlement import LINE_ACCRUED
from shared.kernel.clock import utc_text
from shared.kernel.decider import Sent
from shared.runtime.handling import Kit, handle
from shared.runtime.room import Room
from shared.store.locks import STREAMS_MAX

_decoder = msgspec.json.Decoder(Received)


class Contradiction(Exception):
    """A receipt line came again with other content: nothing may be paid on it (计提矛盾)."""


async def fold_accruals(tx: Any, records: Sequence[Record], room: Room) -> None:
    """Accrue what the batch says was received; repeats meet their business key and change nothing.

    The locks come before anything assigns an xid, and a transaction names a thousand streams at
    most: so all chunks but the last commit on their own, which a repeat of the batch does not mind.
    """
    assert room.desk is not None
    chunks = list(_chunks(hear(records)))
    for chunk in chunks[:-1]:
        async with room.pool.acquire() as connection, connection.transaction():
            await accrue(connection, room.desk.kit, chunk)
    if chunks:
        await accrue(tx, room.desk.kit, chunks[-1])


def hear(records: Iterable[Record]) -> list[Sent]:
    """The accruals that a batch's receipts call for (拆分)."""
    return [
        _sent(command)
        for record in records
        if record.type == RECEIVED
        for command in accruing(_decoder.decode(record.fact), record.recorded_at)
    ]


async def accrue(tx: Any, kit: Kit[Any, Any], batch: Sequence[Sent]) -> None:
    """One chunk: facts by the one road, then a row for each that is new."""
    verdicts = await handle(tx, kit, batch)
    new = []
    for sent, verdict in zip(batch, verdicts, strict=True):
        if verdict.refusal is not None:
            raise Contradiction(f"{sent.event_id}: {verdict.refusal}")
        if verdict.status == "accepted":
            new.append(line_accrued(sent.command))
    await insert_accruals(tx, new)


def _chunks(batch: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Cut a batch so that no part names more streams than a transaction may lock."""
    chunk: list[Sent] = []
    streams: set[str] = set()
    for sent in batch:
        if sent.stream not in streams and len(streams) == STREAMS_MAX:
            yield chunk
            chunk, streams = [], set()
        chunk.append(sent)
        streams.add(sent.stream)
    if chunk:
        yield chunk


def _sent(command: AccrueLine) -> Sent:
    """The accrual as the platform's own event, dated by its receipt (CloudEvents)."""
    event_id = key_of(command.order_id, command.receipt_id, command.order_line_id)
    data = msgspec.to_builtins(line_accrued(command))
    data["at"] = utc_text(command.at)
    sha256, payload = written(
        source=PLATFORM, id=event_id, type=LINE_ACCRUED, time=command.at, data=data
    )
    return Sent(
        stream=stream_of(command.order_id),
        source=PLATFORM,
        event_id=event_id,
        type=LINE_ACCRUED,
        occurred_at=command.at,
        sha256=sha256,
        payload=payload,
        command=command,
        role="ops",
        organisation="",
    )
