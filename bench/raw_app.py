"""The raw reference: bare ASGI, msgspec, one INSERT per batch. `python -m bench.raw_app`.

As little as can be called an idempotent, durable door: it reads the shapes, keeps the sender's
bytes, and lets the database find duplicates. No state, no rule, no verdict per event.
"""

from __future__ import annotations

import os
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec

from bench.serving import serve_bare
from bench.shapes import (
    AnsweredData,
    ArrivedData,
    CancelledData,
    DispatchedData,
    PlacedData,
    ReceivedData,
)
from jicai.server import run


class Event(msgspec.Struct, tag_field="type"):
    """A CloudEvent; its type is the tag."""

    id: str
    source: str
    time: datetime


class Placed(Event, tag="jicai.order.placed.v1"):
    data: PlacedData


class Answered(Event, tag="jicai.order.answered.v1"):
    data: AnsweredData


class Cancelled(Event, tag="jicai.order.cancelled.v1"):
    data: CancelledData


class Dispatched(Event, tag="jicai.delivery.dispatched.v1"):
    data: DispatchedData


class Arrived(Event, tag="jicai.delivery.arrived.v1"):
    data: ArrivedData


class Received(Event, tag="jicai.delivery.received.v1"):
    data: ReceivedData


TABLE = """
CREATE TABLE IF NOT EXISTS raw_events (
  source text COLLATE "C" NOT NULL, event_id text COLLATE "C" NOT NULL, type text NOT NULL,
  order_id text NOT NULL, occurred_at timestamptz NOT NULL, payload bytea NOT NULL,
  PRIMARY KEY (source, event_id))"""

INSERT = """
INSERT INTO raw_events (source, event_id, type, order_id, occurred_at, payload)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::bytea[])
ON CONFLICT (source, event_id) DO NOTHING"""

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder(
    Placed | Answered | Cancelled | Dispatched | Arrived | Received
).decode


class RawApp:
    """Takes batches at any path."""

    def __init__(self, pool: asyncpg.Pool, insert: str = INSERT) -> None:
        self._pool = pool
        self._insert = insert
        self.state = SimpleNamespace()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        raws = [bytes(raw) for raw in _split(body)]
        events = [_decode(raw) for raw in raws]
        async with self._pool.acquire() as connection:
            done = await connection.execute(
                self._insert,
                [e.source for e in events],
                [e.id for e in events],
                [e.__struct_config__.tag for e in events],
                [e.data.order_id for e in events],
                [e.time for e in events],
                raws,
            )
        answer = b'{"accepted":%d}' % int(done.rpartition(" ")[2])
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def main() -> None:
    """Serve until stopped."""
    pool = await asyncpg.create_pool(os.environ["JICAI_DATABASE_URL"], min_size=4, max_size=4)
    await pool.execute(TABLE)
    await serve_bare(RawApp(pool), on_stop=pool.close)


if __name__ == "__main__":
    run(main())
