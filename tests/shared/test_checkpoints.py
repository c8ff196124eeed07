"""Mechanism 4: a checkpoint moves with its effects under an epoch. Fenced owners change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS
from shared.runtime.room import Room
from shared.store.checkpoints import (
    Fenced,
    Move,
    advance,
    advance_all,
    claim,
    held_among,
    meet,
)
from shared.testing.adversarial import TAME, AdversarialBus, Manners
from shared.testing.bus_cases import Told
from shared.testing.faults import Crash, Faults
from shared.testing.postgres import MONDAY, open_room
from shared.testing.storms import fine_weather, weather
from shared.testing.toys import hearing
from tests.shared.bus_cases import MemoryCase

TOPICS = (ORDERS, DELIVERIES, FEEDBACK)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    async with open_room(database, hearing(TOPICS)) as room:
        yield room


async def _take(room: Room, epoch: int) -> None:
    """An effect and its checkpoint, in one transaction."""
    async with room.pool.acquire() as tx, tx.transaction():
        await tx.execute("UPDATE tally SET facts = facts + 1")
        await advance(tx, "g", "p", epoch=epoch, old="", new="1")


async def _tally(room: Room) -> int:
    return int(await room.pool.fetchval("SELECT facts FROM tally"))


async def test_an_owner_that_was_overtaken_is_fenced_and_its_effects_are_gone(room: Room) -> None:
    """Even when the new owner has not moved yet: the epoch alone fences."""
    cursor, old_epoch, *_ = await claim(room.pool, "g", "p")
    assert (await claim(room.pool, "g", "p"))[0] == cursor == ""
    with pytest.raises(Fenced):
        await _take(room, old_epoch)
    assert await _tally(room) == 0
    assert await room.pool.fetchval("SELECT cursor FROM checkpoints") == ""


async def test_of_many_partitions_the_one_that_was_overtaken_is_named_and_none_moves(
    room: Room,
) -> None:
    """One statement moves a batch's checkpoints: all of them, or nothing and whose it was."""
    epochs = {name: (await claim(room.pool, "g", name)).epoch for name in ("p", "q", "r")}
    await claim(room.pool, "g", "q")
    moves = [Move(name, epoch, "", "1") for name, epoch in epochs.items()]
    with pytest.raises(Fenced) as fenced:
        async with room.pool.acquire() as tx, tx.transaction():
            await advance_all(tx, "g", moves)
    assert fenced.value.partition == "q"
    assert await room.pool.fetchval("SELECT count(*) FROM checkpoints WHERE cursor = '1'") == 0
    async with room.pool.acquire() as tx, tx.transaction():
        await advance_all(tx, "g", [move for move in moves if move.partition != "q"])
    assert await room.pool.fetchval("SELECT count(*) FROM checkpoints WHERE cursor = '1'") == 2


async def test_a_cursor_moves_only_from_where_it_stands(room: Room) -> None:
    """The same owner twice, as after a commit whose answer was lost: the second changes nothing."""
    _, epoch, *_ = await claim(room.pool, "g", "p")
    await _take(room, epoch)
    with pytest.raises(Fenced):
        await _take(room, epoch)
    assert await _tally(room) == 1


async def test_two_owners_of_one_epoch_cannot_both_move_it(room: Room) -> None:
    """Side by side in open transactions: the second waits, finds the cursor moved, is fenced."""
    _, epoch, *_ = await claim(room.pool, "g", "p")

    async def take() -> str:
        try:
            await _take(room, epoch)
            return "moved"
        except Fenced:
            return "fenced"

    assert sorted(await asyncio.gather(*(take() for _ in range(6)))) == ["fenced"] * 5 + ["moved"]
    assert await _tally(room) == 1


@pytest.mark.parametrize(("effect_first", "facts"), [(True, 2), (False, 0)])
async def test_a_checkpoint_of_its_own_transaction_doubles_or_loses(
    room: Room, effect_first: bool, facts: int
) -> None:
    """The naive way, killed between the two commits and started again: twice, or never."""

    async def naive(room_pool: Any) -> None:
        cursor = await room_pool.fetchval("SELECT cursor FROM checkpoints")
        if cursor == "1":
            return
        steps = [
            "UPDATE tally SET facts = facts + 1",
            "UPDATE checkpoints SET cursor = '1'",
        ]
        for step in steps if effect_first else steps[::-1]:
            await room_pool.execute(step)

    class DiesAfterTheFirst:
        """A process that is killed behind its first commit."""

        fetchval = room.pool.fetchval

        async def execute(self, statement: str) -> None:
            await room.pool.execute(statement)
            raise Crash

    await claim(room.pool, "g", "p")
    with pytest.raises(Crash):
        await naive(DiesAfterTheFirst())
    await naive(room.pool)
    assert await _tally(room) == facts != 1


async def test_a_mark_counts_once_and_only_forward(room: Room) -> None:
    """A repeated mark is a repeat, an older one too; only a new one holds the partition."""
    await claim(room.pool, "g", "p")
    async with room.pool.acquire() as tx, tx.transaction():
        assert await meet(tx, "g", {"p": MONDAY}) == {"p"}
        assert not await meet(tx, "g", {"p": MONDAY})
        assert not await meet(tx, "g", {"p": MONDAY.replace(day=4)})
    assert await held_among(room.pool, ["p", "q"]) == {"p"}
    assert await room.pool.fetchval("SELECT count(*) FROM met") == 1
    await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", MONDAY)
    assert not await held_among(room.pool, ["p"])


async def _filled(seed: int, manners: Manners, facts: int = 600) -> AdversarialBus:
    case = MemoryCase(seed, manners)
    for number in range(facts):
        topic = TOPICS[number % 3]
        stream = f"{'b' if topic == FEEDBACK else 'a'}{number % 17}"
        await case.publish([Told(topic, stream, f"e{number}")])
    return case.bus


@pytest.mark.parametrize("seed", range(4))
async def test_crashes_and_moving_partitions_take_every_fact_exactly_once(
    room: Room, seed: int
) -> None:
    """Three consumers, partitions moved under them, deaths at random statements and at commits."""
    manners = Manners(resend=0, move=0.2)
    bus = await _filled(seed, manners)
    faults = Faults(seed, 0.03)
    deaths = await weather(room, bus, faults, consumers=3)
    assert deaths > 5
    assert await _tally(room) == 600
    assert await room.pool.fetchval("SELECT count(*) FROM heard WHERE times = 1") == 600


async def test_a_consumer_without_the_fence_takes_facts_twice(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same storm over a move that looks at neither epoch nor cursor: the tally is wrong."""

    async def unfenced(tx: asyncpg.Connection, group: str, moves: Sequence[Move]) -> None:
        await tx.executemany(
            "UPDATE checkpoints SET cursor = $3 WHERE group_name = $1 AND partition = $2",
            [(group, move.partition, move.new) for move in moves],
        )

    monkeypatch.setattr("shared.runtime.taking.advance_all", unfenced)
    bus = await _filled(0, Manners(resend=0, move=0.3))
    await weather(room, bus, Faults(0, 0.03), consumers=3)
    assert await _tally(room) > 600


async def test_a_quiet_consumer_takes_every_fact_once_and_then_nothing_more(room: Room) -> None:
    bus = await _filled(1, TAME)
    await fine_weather(room, bus)
    before = await room.pool.fetch("SELECT partition, cursor FROM checkpoints ORDER BY 1")
    await fine_weather(room, bus)
    assert before == await room.pool.fetch("SELECT partition, cursor FROM checkpoints ORDER BY 1")
    assert await _tally(room) == 600
