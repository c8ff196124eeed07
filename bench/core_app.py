"""The usual reference: FastAPI, pydantic models, SQLAlchemy Core. `python -m bench.core_app`.

What a careful team writes with the common tools: a discriminated union as the body, one insert with
`on_conflict_do_nothing`, the event as jsonb. No state, no rule, no verdict per event.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import create_async_engine

from bench.serving import serve_bare
from jicai.server import run


class PlacedLine(BaseModel):
    line_id: str
    product_id: str
    quantity: str
    unit_price: str


class PlacedData(BaseModel):
    order_id: str
    hospital_id: str
    distributor_id: str
    lines: list[PlacedLine]
    back_entered: bool = False


class AnsweredLine(BaseModel):
    line_id: str
    answer: Literal["accepted", "refused"]
    reason_code: str | None = None


class AnsweredData(BaseModel):
    order_id: str
    lines: list[AnsweredLine]


class CancelledData(BaseModel):
    order_id: str
    line_ids: list[str]
    reason: str


class DispatchedLine(BaseModel):
    line_id: str
    quantity: str
    lot_number: str
    expires_on: str


class DispatchedData(BaseModel):
    delivery_id: str
    order_id: str
    lines: list[DispatchedLine]


class Proof(BaseModel):
    kind: Literal["signed", "scanned", "carrier"]
    reference: str


class ArrivedData(BaseModel):
    delivery_id: str
    order_id: str
    proof: Proof


class ReceivedLine(BaseModel):
    line_id: str
    accepted: str
    rejected: str
    reject_reason: str | None = None


class ReceivedData(BaseModel):
    receipt_id: str
    delivery_id: str
    order_id: str
    lines: list[ReceivedLine]


class Envelope(BaseModel):
    specversion: Literal["1.0"]
    id: str
    source: str
    time: datetime


class Placed(Envelope):
    type: Literal["jicai.order.placed.v1"]
    data: PlacedData


class Answered(Envelope):
    type: Literal["jicai.order.answered.v1"]
    data: AnsweredData


class Cancelled(Envelope):
    type: Literal["jicai.order.cancelled.v1"]
    data: CancelledData


class Dispatched(Envelope):
    type: Literal["jicai.delivery.dispatched.v1"]
    data: DispatchedData


class Arrived(Envelope):
    type: Literal["jicai.delivery.arrived.v1"]
    data: ArrivedData


class Received(Envelope):
    type: Literal["jicai.delivery.received.v1"]
    data: ReceivedData


Event = Annotated[
    Placed | Answered | Cancelled | Dispatched | Arrived | Received, Field(discriminator="type")
]

metadata = sa.MetaData()
events = sa.Table(
    "core_events",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("payload", JSONB, nullable=False),
)
INSERT = insert(events).on_conflict_do_nothing(index_elements=["source", "event_id"])

app = FastAPI()


@app.post("/orders/v1/events")
async def post_events(batch: list[Event]) -> dict[str, int]:
    """Keep a batch."""
    rows = [
        {
            "source": event.source,
            "event_id": event.id,
            "type": event.type,
            "order_id": event.data.order_id,
            "occurred_at": event.time,
            "payload": event.model_dump(mode="json"),
        }
        for event in batch
    ]
    async with app.state.engine.begin() as connection:
        await connection.execute(INSERT, rows)
    return {"accepted": len(rows)}


async def main() -> None:
    """Serve until stopped."""
    url = os.environ["JICAI_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=4)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    app.state.engine = engine
    await serve_bare(app, on_stop=engine.dispose)


if __name__ == "__main__":
    run(main())
