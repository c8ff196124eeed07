"""The first program of the pipeline written by hand: door and relay. `python -m bench.hand_door`.

The door of raw_app with a log that can be read in commit order; the relay publishes it in batches,
idempotent, key = order, and moves its place behind the acknowledgement. No state, no rule.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.hand_tables import READ, TABLES, Idle, move, place_of, read
from bench.raw_app import RawApp
from bench.serving import serve_bare
from jicai.server import run
from shared.bus.wire import partition_of

TOPIC = "hand.events"
PARTITIONS = 12

INSERT = """
INSERT INTO events (source, event_id, order_id, payload)
SELECT source, event_id, order_id, payload
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
  AS u (source, event_id, type, order_id, occurred_at, payload)
ON CONFLICT (source, event_id) DO NOTHING"""


async def relay(pool: asyncpg.Pool, bootstrap: str, query: str = READ) -> None:
    """Publish what the query reads of a log, for ever."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    try:
        async with pool.acquire() as connection:
            place, idle = await place_of(connection, "relay"), Idle()
            while True:
                rows, behind = await read(connection, place, query)
                await idle(bool(rows))
                if rows:
                    await _publish(producer, rows)
                    await move(connection, [("relay", place, behind)])
                    place = behind
    finally:
        await producer.stop()


async def _publish(producer: AIOKafkaProducer, rows: list[asyncpg.Record]) -> None:
    batches: dict[int, list[Any]] = {}
    for row in rows:
        key = row["order_id"].encode()
        of_partition = batches.setdefault(partition_of(key, PARTITIONS), [producer.create_batch()])
        record = {"key": key, "value": row["payload"], "timestamp": None}
        if of_partition[-1].append(**record) is None:
            of_partition.append(producer.create_batch())
            of_partition[-1].append(**record)
    waiting = [
        await producer.send_batch(batch, TOPIC, partition=number)
        for number, of_partition in batches.items()
        for batch in of_partition
    ]
    await asyncio.gather(*waiting)


async def main() -> None:
    """Serve until stopped; without a broker the log is read where it stands."""
    pool = await asyncpg.create_pool(os.environ["JICAI_DATABASE_URL"], min_size=5, max_size=5)
    await pool.execute(TABLES)
    bootstrap = os.environ.get("JICAI_KAFKA_BOOTSTRAP")
    relaying = asyncio.create_task(relay(pool, bootstrap)) if bootstrap else None

    async def stop() -> None:
        if relaying is not None:
            relaying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await relaying
        pool.terminate()

    await serve_bare(RawApp(pool, INSERT), on_stop=stop)


if __name__ == "__main__":
    run(main())
