"""Opening a ticket while time passes and others do the same: over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from services.feedback.api.bodies import TicketBody
from services.feedback.api.opening import open_ticket
from services.feedback.app import service
from services.feedback.projections.registers import fold_registers
from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type
from shared.events.topics import REFERENCE
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.runtime.time import DatabaseTime
from shared.testing.postgres import MONDAY, open_room, whole_log

HOSPITAL, DISTRIBUTOR = "H36010200001", "91360000MA00000D1N"
ACTOR = Actor("hospital", HOSPITAL)


class Slow:
    """A clock on which every reading is later than the last, as between two machines."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 2, tzinfo=UTC)

    def at(self, database_now: datetime) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Feedback on time that moves, knowing nobody."""
    async with open_room(database, service, time=Slow()) as running:
        yield running


def put(kind: str, id_: str, version: int = 1, **body: Any) -> Record:
    """A register entry as the bus brings it."""
    return Record(
        topic=REFERENCE,
        stream=f"{kind}-{id_}",
        version=version,
        source="urn:jicai:360000",
        event_id=f"{kind}-{id_}-v{version}",
        type=reference_type(kind),
        occurred_at=MONDAY,
        recorded_at=MONDAY,
        fact=msgspec.json.encode(ResourcePut(kind=kind, id=id_, body=body)),
    )


REGISTERS = [
    put("organisation", HOSPITAL, kinds=["hospital"]),
    put("organisation", DISTRIBUTOR, kinds=["distributor", "manufacturer"]),
    put("product", "P1"),
]


async def ask(room: Room, **changes: Any) -> bool:
    """Open the ticket; whether it was new."""
    words = {
        "ticket_id": f"{HOSPITAL}-T1", "hospital_id": HOSPITAL, "product_id": "P1",
        "addressees": [DISTRIBUTOR], "category": "other", "description": "断供", **changes,
    }  # fmt: skip
    said = TicketBody.model_construct(order_ids=None, prominent=False, **words)
    _, is_new = await open_ticket(room, ACTOR, said, words)
    return is_new


async def test_of_equal_requests_at_once_one_is_new_though_each_read_another_time(
    room: Room,
) -> None:
    await fold_registers(room.pool, REGISTERS)
    answers = await asyncio.gather(*(ask(room) for _ in range(20)))
    assert sorted(answers) == [False] * 19 + [True]
    assert len([row for row in await whole_log(room.pool) if row["stream"] != "mark"]) == 1


async def test_other_words_under_the_same_id_conflict(room: Room) -> None:
    await fold_registers(room.pool, REGISTERS)
    assert await ask(room)
    with pytest.raises(Problem) as refused:
        await ask(room, description="别的")
    assert (refused.value.status, refused.value.code) == (409, "conflicting_duplicate")


async def test_what_is_unknown_is_looked_for_before_it_is_refused(room: Room) -> None:
    hurried = 0

    async def catch_up() -> None:
        nonlocal hurried
        hurried += 1
        await fold_registers(room.pool, REGISTERS)

    with pytest.raises(Problem) as refused:
        await ask(room)
    assert (refused.value.code, refused.value.extra) == ("unknown_hospital", {"retryable": True})
    room.catch_up = catch_up
    assert await ask(room)
    assert hurried == 1


async def test_the_latest_version_of_a_register_stands_in_whatever_order_it_came(
    room: Room,
) -> None:
    no_longer = put("organisation", DISTRIBUTOR, version=2, kinds=["hospital"])
    await fold_registers(room.pool, [no_longer, *REGISTERS])
    await fold_registers(room.pool, REGISTERS)
    with pytest.raises(Problem) as refused:
        await ask(room)
    assert refused.value.code == "unknown_distributor"


async def test_production_time_is_no_different(database: str) -> None:
    async with open_room(database, service, time=DatabaseTime()) as running:
        await fold_registers(running.pool, REGISTERS)
        assert sorted(await asyncio.gather(ask(running), ask(running))) == [False, True]
