"""Two clients on one order, and a door that is full: the real rules and the real door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.orders.app import service
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.testing.postgres import desk_of, open_room, whole_log
from tests.oracle.histories import history
from tests.shared.playing import put, read_events
from tests.shared.test_changes_feed import client_of

TOLD = history(1, orders=30, days=10)


def _placings() -> list[tuple[str, Any]]:
    """The first well-formed orders of a history, with the actor who sends each."""
    found: dict[str, tuple[str, Any]] = {}
    for step in TOLD.steps:
        if step[0] == "post":
            for event in step[2]:
                if event.get("type") == "jicai.order.placed.v1" and read_events(step[1], [event]):
                    found.setdefault(event["data"]["order_id"], (step[1], event))
    return list(found.values())


async def _some_orders(room: Room) -> list[Any]:
    """The placed events that were accepted just now."""
    await put(room, TOLD.puts)
    placed = []
    for actor, event in _placings():
        event = event | {"time": "2026-03-01T09:00:00+08:00"}
        event["data"] = {**event["data"], "lines": [dict(x) for x in event["data"]["lines"]]}
        for line in event["data"]["lines"]:
            line.pop("required_by", None)
        sent = read_events(actor, [event])
        if sent and (await desk_of(room).submit(sent))[0].status == "accepted":
            placed.append(event)
    return placed


async def test_two_clients_that_answer_one_order_are_one_answer(database: str) -> None:
    """Two replicas, one acceptance and one refusal racing for every order: the first one stands."""
    time = ManualTime(TOLD.start.replace(month=3, day=1))
    async with (
        open_room(database, service, time=time) as one,
        open_room(database, service, time=time) as other,
    ):
        placed = await _some_orders(one)
        assert len(placed) > 8
        for event in placed:
            data = event["data"]
            answers = [
                read_events(
                    f"distributor:{data['distributor_id']}",
                    [
                        {
                            "specversion": "1.0",
                            "id": f"{data['order_id']}-{answer}",
                            "source": f"urn:jicai:{data['distributor_id']}",
                            "type": "jicai.order.answered.v1",
                            "time": event["time"],
                            "data": {
                                "order_id": data["order_id"],
                                "lines": [
                                    {"line_id": line["line_id"], "answer": answer}
                                    for line in data["lines"]
                                ],
                            },
                        }
                    ],
                )
                for answer in ("accepted", "refused")
            ]
            verdicts = await asyncio.gather(
                desk_of(one).submit(answers[0]), desk_of(other).submit(answers[1])
            )
            told = sorted((v.status, v.refusal and v.refusal.code) for [v] in verdicts)
            assert told == [("accepted", None), ("rejected", "already_answered")]
        rows = await whole_log(one.pool)
        answered = [row["stream"] for row in rows if row["type"] == "jicai.order.answered.v1"]
        assert len(answered) == len(set(answered)) == len(placed)


@pytest.mark.parametrize("full", [False, True])
async def test_a_full_door_refuses_before_the_body_is_read(
    orders_room: Room, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """503 with Retry-After; whoever sends megabytes then is not listened to."""
    if full:
        monkeypatch.setattr("shared.runtime.desk.WAITING_MAX", 0)
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"[]"

    async with client_of(orders_room, f"hospital:{next(iter(TOLD.land.hospitals))}") as client:
        answer = await client.post(
            "/orders/v1/events", content=body(), headers={"Content-Type": "application/json"}
        )
    assert read != full
    if full:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    else:
        assert answer.status_code == 200
