"""Appends in process against a message store in SQL that takes one message a call.

Theirs is called by as many callers as ours, each over a connection of its own, all in one category,
as orders would be. Ours has rules as simple as a stream's next position.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from bench.append import CALLERS, append, house_of, timed
from bench.load import lanes
from bench.machine import Machine
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.scale import Scale
from bench.teller import service as teller
from bench.town import IMPORTER
from services.orders.api.reading import read_event
from shared.runtime.actors import parse_actor

_SCHEMA = Path(__file__).with_suffix(".sql")
_WRITE = "SELECT write_message($1, $2, $3, convert_from($4, 'UTF8')::jsonb)"

Message = tuple[UUID, str, str, bytes]


async def append_vs_message_db(machine: Machine, scale: Scale) -> list[Line]:
    """500 events a call of ours, one message a call of theirs."""
    house = house_of(await machine.create("ours"), teller)
    await house.migrate()
    await house.start()
    desk = house.rooms["orders"].desk
    assert desk is not None
    actor = parse_actor(IMPORTER)
    pool = await asyncpg.create_pool(
        await machine.create("reference"), min_size=CALLERS, max_size=CALLERS
    )
    await pool.execute(_SCHEMA.read_text("utf-8"))
    its_lanes = lanes(CALLERS, "m")
    batches: list[list[list[bytes]]] = []

    async def ours(_: int) -> Run:
        sent = [[[read_event(raw, actor) for raw in batch] for batch in lane] for lane in batches]
        return await timed(machine, batches, append(desk, sent))

    async def theirs(_: int) -> Run:
        messages = [[_message(raw) for batch in lane for raw in batch] for lane in batches]
        return await timed(machine, batches, _write(pool, messages))

    async def next_batches(count: int = max(1, scale.appended // CALLERS)) -> None:
        batches[:] = [[lane.batch() for _ in range(count)] for lane in its_lanes]

    await next_batches(6)
    await ours(0)
    await theirs(0)
    pairs = await interleave(
        "append_vs_message_db", scale.rounds, ours, theirs, before=next_batches
    )
    await pool.close()
    await house.stop()
    for database in ("ours", "reference"):
        await machine.drop(database)
    mine, singles = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"our desk, 500 a call, {figures(mine)}; write_message as message-db describes it, one a "
        f"call and transaction, {figures(singles)}; {CALLERS} callers on both sides, one category; "
        "fsync on"
    )
    return [summarise("append_vs_message_db", rates(pairs), note)]


async def _write(pool: asyncpg.Pool, messages: list[list[Message]]) -> None:
    async def one(lane: list[Message]) -> None:
        async with pool.acquire() as connection:
            write = await connection.prepare(_WRITE)
            for message in lane:
                await write.fetchval(*message)

    await asyncio.gather(*map(one, messages))


def _message(raw: bytes) -> Message:
    event = msgspec.json.decode(raw)
    return UUID(event["id"]), f"order-{event['data']['order_id']}", event["type"], raw
