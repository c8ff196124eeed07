"""How often a partition was claimed in vain says that processes die, not that the group was rearranged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.runtime.consumer import Consumer
from shared.runtime.room import Room
from shared.testing.adversarial import TAME, AdversarialSubscription
from shared.testing.bus_cases import Told
from shared.testing.postgres import open_room
from shared.testing.toys import hearing
from tests.shared.bus_cases import MemoryCase

TOPICS = MemoryCase.topics


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    async with open_room(database, hearing(TOPICS)) as room:
        yield room


async def _steps_after_rearranging(room: Room) -> int:
    """The partitions go to and fro without a fact; how many steps fifty facts take then."""
    case = MemoryCase(0, TAME)
    members: list[tuple[AdversarialSubscription, Consumer]] = []
    for _ in range(2):
        subscription = case.bus.subscribe("alerts", TOPICS)
        members.append((subscription, Consumer(room, subscription)))
    for turn in range(12):
        for key in list(case.bus.owners):
            case.bus.owners[key] = members[turn % 2][0]
        for _, consumer in members:
            await consumer.step()
    await case.publish([Told(TOPICS[0], f"s{n}", f"e{n}") for n in range(50)])
    steps = 0
    while await members[1][1].step():
        steps += 1
    assert await room.pool.fetchval("SELECT facts FROM tally") == 50
    return steps


async def test_a_group_that_was_rearranged_is_not_taken_for_one_that_dies(room: Room) -> None:
    assert await _steps_after_rearranging(room) == 1


async def test_an_owner_that_goes_without_a_word_leaves_its_claim_behind(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a dead one does: then facts are taken one by one."""

    async def silent(*_: object) -> None:
        """It says nothing."""

    monkeypatch.setattr("shared.runtime.consumer.give_back", silent)
    assert await _steps_after_rearranging(room) == 50
