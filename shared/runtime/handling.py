"""The one road of a write: lock, load, probe, decide, append, in one transaction (mechanism 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import asyncpg

from shared.kernel.decider import Decider, Sent
from shared.runtime.judging import Batch, Verdict
from shared.runtime.time import Time
from shared.store.locks import lock_streams
from shared.store.log import (
    Head,
    StreamColumns,
    append,
    hint,
    load,
    probe,
    store_streams,
    take_positions,
)

S = TypeVar("S")
W = TypeVar("W")

World = Callable[[asyncpg.Connection, Head, datetime, Sequence[Sent]], Awaitable[Any]]
"""Loads what decisions stand on besides the streams: registers, calendar, policy."""

Effects = Callable[[asyncpg.Connection, Batch[Any, Any]], Awaitable[None]]
"""What facts bring about in tables of their service, in the transaction that records them: from the
batch's events, and from the states in which it leaves its streams."""


class MarkMissing(Exception):
    """A closing instant has passed without its mark: append the missing marks, then begin again."""


@dataclass(frozen=True, slots=True)
class Kit(Generic[S, W]):
    """What the road needs to know of one service."""

    service: str
    decider: Decider[S, W]
    columns: StreamColumns
    world: World
    time: Time
    effects: Effects | None = None


async def handle(
    tx: asyncpg.Connection, kit: Kit[S, W], batch: Sequence[Sent], *, dry_run: bool = False
) -> list[Verdict]:
    """Judge a batch and store what was accepted; the caller's transaction commits it.

    Raises MarkMissing (begin again after the marks), UniqueViolationError (an identity was taken
    under another stream meanwhile: begin again) and what PostgreSQL raises.
    """
    await lock_streams(tx, kit.service, {sent.stream for sent in batch})
    head, rows = await load(tx, sorted({sent.stream for sent in batch}))
    now = instant_behind_gate(kit.time, head)
    if head.next_mark is not None and now >= head.next_mark:
        raise MarkMissing
    known = await probe(tx, [(sent.source, sent.event_id) for sent in batch])
    world = await kit.world(tx, head, now, batch)
    judged = Batch(kit.decider, rows, known, now, world)
    verdicts = [judged.judge(sent) for sent in batch]
    if not dry_run and judged.events:
        positions = await store(tx, kit, judged)
        for verdict in verdicts:
            if verdict.index is not None:
                verdict.position = positions[verdict.index]
    return verdicts


def instant_behind_gate(time: Time, head: Head) -> datetime:
    """`recorded_at` of this transaction: a clock that steps back dates nothing before a mark that
    has passed, nor before what its streams have recorded."""
    now = time.at(head.now)
    return now if head.floor is None else max(now, head.floor)


async def store(
    tx: asyncpg.Connection, kit: Kit[S, W], judged: Batch[S, W], *, clock: datetime | None = None
) -> list[int]:
    """Append the facts and write one row per touched stream; returns the facts' positions.

    `clock` is what the clock says, where the facts are dated ahead of it.
    """
    positions = await take_positions(tx, len(judged.events))
    await append(tx, judged.events, positions)
    decider = kit.decider
    rows = []
    for name, stream in judged.streams.items():
        if stream.touched and stream.state is not None:
            first = 0 if stream.first_index is None else positions[stream.first_index]
            rows.append(
                (
                    name,
                    stream.version,
                    decider.encode(stream.state),
                    decider.due(stream.state),
                    clock or judged.now,
                    first,
                    *decider.columns(stream.state),
                )
            )
    await store_streams(tx, kit.columns.upsert(), rows)
    if kit.effects is not None:
        await kit.effects(tx, judged)
    await hint(tx)
    return positions
