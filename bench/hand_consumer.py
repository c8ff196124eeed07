"""The second program of the pipeline written by hand: from the topic, or the log, to the sums.

`python -m bench.hand_consumer [facts]`: one transaction a batch with rows, sums and the place read
up to. With `facts` it stands behind our own door: it relays our log itself and reads our facts.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import hand_events, hand_facts
from bench.counting import Line, changes
from bench.hand_door import PARTITIONS, TOPIC, relay
from bench.hand_events import Lines
from bench.hand_tables import TABLES, Idle, move, place_of, read

BATCH_MAX = 2000

_LOAD = "SELECT * FROM lines WHERE order_id = ANY($1::text[])"

_PUT_LINES = """
INSERT INTO lines SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[],
  $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::bool[], $10::bool[], $11::timestamptz[],
  $12::bool[], $13::text[], $14::timestamptz[], $15::bigint[], $16::timestamptz[])
ON CONFLICT (order_id, line_id) DO UPDATE SET answered_at = excluded.answered_at,
  accepted = excluded.accepted, reason = excluded.reason, cancelled_at = excluded.cancelled_at,
  arrives = excluded.arrives, arrived_at = excluded.arrived_at"""

_ADD_SUMS = """
INSERT INTO sums AS s SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[],
  $5::bigint[], $6::bigint[])
ON CONFLICT (distributor, day) DO UPDATE SET answers = s.answers + excluded.answers,
  accepted = s.accepted + excluded.accepted, deliveries = s.deliveries + excluded.deliveries,
  on_time = s.on_time + excluded.on_time"""

Move = tuple[str, str, str]
Source = Callable[[], Awaitable[tuple[list[bytes], list[Move]]]]
"""Gives payloads in order, and the moves (name, old place, new place) that they mean."""


async def fold(tx: asyncpg.Connection, payloads: list[bytes], words: Any) -> None:
    """Load what the batch touches, tell it, write rows and sums."""
    events = [words.decode(payload) for payload in payloads]
    placed = {event.data.order_id for event in events if isinstance(event, words.Placed)}
    known = {event.data.order_id for event in events} - placed
    orders: dict[str, Lines] = {order_id: {} for order_id in placed}
    for row in await tx.fetch(_LOAD, list(known)):
        order_id, line_id, *fields = row
        orders.setdefault(order_id, {})[line_id] = Line(*fields)
    before = {id(line): line.counts() for lines in orders.values() for line in lines.values()}
    touched: dict[int, Line] = {}
    for event in events:
        for line in words.tell(orders[event.data.order_id], event):
            touched[id(line)] = line
    rows = [
        (order_id, line_id, *line.row())
        for order_id, lines in orders.items()
        for line_id, line in lines.items()
        if id(line) in touched
    ]
    await tx.execute(_PUT_LINES, *map(list, zip(*sorted(rows, key=lambda r: r[:2]), strict=True)))
    befores = [before.get(number, (0, 0, 0, 0)) for number in touched]
    sums = changes(befores, touched.values())
    if sums:
        columns = [(*key, *values) for key, values in sorted(sums.items())]
        await tx.execute(_ADD_SUMS, *map(list, zip(*columns, strict=True)))


async def from_kafka(pool: asyncpg.Pool, bootstrap: str) -> Source:
    """Every partition of the topic, from the places that are stored."""
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="none",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )  # fmt: skip
    await client.start()
    partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    client.assign(partitions)
    places: dict[Any, int] = {}
    for tp in partitions:
        places[tp] = int(await place_of(pool, f"{TOPIC}/{tp.partition}", "0"))
        client.seek(tp, places[tp])

    async def next_batch() -> tuple[list[bytes], list[Move]]:
        payloads: list[bytes] = []
        moves: list[Move] = []
        fetched = await client.getmany(timeout_ms=1000, max_records=BATCH_MAX)
        for tp, messages in fetched.items():
            payloads += [message.value for message in messages]
            behind = messages[-1].offset + 1
            moves.append((f"{TOPIC}/{tp.partition}", str(places[tp]), str(behind)))
            places[tp] = behind
        return payloads, moves

    return next_batch


async def from_log(pool: asyncpg.Pool) -> Source:
    """The log itself, read behind the horizon."""
    place, idle = await place_of(pool, "log"), Idle()

    async def next_batch() -> tuple[list[bytes], list[Move]]:
        nonlocal place
        rows, behind = await read(pool, place)
        await idle(bool(rows))
        if not rows:
            return [], []
        moved = ("log", place, behind)
        place = behind
        return [row["payload"] for row in rows], [moved]

    return next_batch


async def main(words: Any) -> None:
    """Fold for ever; whoever started it ends it."""
    pool = await asyncpg.create_pool(os.environ["JICAI_DATABASE_URL"], min_size=3, max_size=3)
    await pool.execute(TABLES)
    bootstrap = os.environ.get("JICAI_KAFKA_BOOTSTRAP")
    behind_ours = words is hand_facts and bootstrap is not None
    relaying = asyncio.create_task(relay(pool, bootstrap, words.READ)) if behind_ours else None
    source = await from_kafka(pool, bootstrap) if bootstrap else await from_log(pool)
    print("ready -", flush=True)
    while relaying is None or not relaying.done():
        payloads, moves = await source()
        if payloads:
            async with pool.acquire() as tx, tx.transaction():
                await fold(tx, payloads, words)
                await move(tx, moves)
    await relaying


if __name__ == "__main__":
    uvloop.run(main(hand_facts if sys.argv[1:] == ["facts"] else hand_events))
