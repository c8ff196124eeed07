"""The stream pushes what the feed shows, to each its own, and goes on where it broke off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from shared.kernel.errors import Problem
from shared.runtime.actors import parse_actor
from shared.runtime.feed import place_behind
from shared.runtime.room import Room
from shared.runtime.stream import HEARTBEAT, events_behind
from shared.store.horizon import Cursor
from shared.testing.sandbox import Sandbox
from tests.alerts import facts as f
from tests.alerts.closing import close_day
from tests.alerts.province import take
from tests.alerts.test_day_close import orders
from tests.journeys.goods import PROVINCE, D, line
from tests.journeys.market import Market

DAY = date(2026, 1, 7)
OLDEST = Cursor(1, 0, 0)


def read(block: str) -> dict[str, Any]:
    """One event of the protocol: its fields, the data decoded."""
    fields = dict(row.split(": ", 1) for row in block.strip().splitlines())
    assert set(fields) == {"id", "event", "data"}, block
    return {**fields, "data": json.loads(fields["data"])}


async def next_of(stream: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    """So many events; heartbeats in between are passed over."""
    found = []
    while len(found) < count:
        block = await asyncio.wait_for(anext(stream), 20)
        if block != HEARTBEAT:
            found.append(read(block.decode()))
    return found


def pushed(
    room: Room, actor: str = PROVINCE, place: Cursor = OLDEST, **more: Any
) -> AsyncIterator[bytes]:
    stopping = more.pop("stopping", asyncio.Event())
    return events_behind(room, parse_actor(actor), place, stopping, **more)


async def test_it_tells_what_stands_and_then_what_comes(closing_room: Room) -> None:
    await take(closing_room, orders(10, 0))
    await close_day(closing_room, DAY)
    stream = pushed(closing_room)
    stood = await next_of(stream, 3)
    assert {one["event"] for one in stood} == {"jicai.alert.raised.v1"}
    assert all(one["data"]["type"] == one["event"] for one in stood)
    assert all(one["data"]["data"]["state"] == "open" for one in stood)
    await take(closing_room, orders(190, 190, first=10))
    await close_day(closing_room, date(2026, 1, 8))
    came = [one["data"]["data"] for one in await next_of(stream, 6)]
    assert {(one["rule"], one["state"]) for one in came} == {
        ("A3.3-response", "cleared"),
        ("A3.3-on-time", "open"),
    }


async def test_it_goes_on_behind_the_last_event_read(closing_room: Room) -> None:
    await take(closing_room, orders(10, 0))
    await close_day(closing_room, DAY)
    whole = await next_of(pushed(closing_room), 3)
    for read_so_far in range(3):
        place = await place_behind(closing_room.pool, whole[read_so_far]["id"])
        rest = await next_of(pushed(closing_room, place=place), 2 - read_so_far)
        assert rest == whole[read_so_far + 1 :]


async def test_each_is_told_only_what_it_may_see(closing_room: Room) -> None:
    await take(closing_room, orders(10, 0))
    await close_day(closing_room, DAY)
    stream = pushed(closing_room, f"distributor:{f.DISTRIBUTOR}", heartbeat=0.05)
    (mine,) = await next_of(stream, 1)
    assert mine["data"]["data"]["subject"] == "distributor"
    assert await asyncio.wait_for(anext(stream), 20) == HEARTBEAT


async def test_it_ends_when_the_server_stops(closing_room: Room) -> None:
    stopping = asyncio.Event()
    stream = pushed(closing_room, stopping=stopping)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stopping.set()
    assert await asyncio.wait_for(waiting, 20) is None


@pytest.mark.parametrize(("cursor", "status"), [("x", 422), ("WzIsMCwwXQ", 410)])
async def test_a_cursor_that_means_nothing_here_is_refused(
    closing_room: Room, cursor: str, status: int
) -> None:
    """`WzIsMCwwXQ` is of epoch 2: this log is in its first."""
    with pytest.raises(Problem) as refused:
        await place_behind(closing_room.pool, cursor)
    assert refused.value.status == status


def test_a_client_follows_it_over_http_and_a_stopping_server_ends_it(sandbox: Sandbox) -> None:
    market = Market(sandbox)
    assert market.placed(lines=[line(f"L{n}") for n in range(12)])
    sandbox.move("2026-01-08T09:00:01+08:00")
    path = "/alerts/v1/stream"
    with market[PROVINCE].stream("GET", path) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        text, blocks = "", []
        for part in answer.iter_text():
            text += part
            *done, text = text.split("\n\n")
            blocks += [read(block) for block in done if not block.startswith(":")]
            if len(blocks) >= 4:
                break
    assert [one["event"] for one in blocks].count("jicai.alert.raised.v1") == 3
    listed = blocks[3]["data"]["data"]
    assert (listed["distributor_id"], len(listed["lines"])) == (D, 12)
    refused = market[PROVINCE].get(path, headers={"Last-Event-ID": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    last = {"Last-Event-ID": blocks[2]["id"]}
    with market[PROVINCE].stream("GET", path, headers=last) as answer:
        parts = answer.iter_text()
        assert read(next(parts)) == blocks[3]
        sandbox.process.terminate()
        assert "".join(parts) == ""  # the answer has an end: nothing was cut off
    assert sandbox.process.wait(6) is not None
