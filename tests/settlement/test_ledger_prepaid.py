"""A prepayment can be undone while nothing of it is drawn: the oldest is drawn first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from services.settlement.app import service
from services.settlement.projections.prepaid import is_untouched
from shared.kernel.entries import Entry, credit, debit, entry_of, mirrored
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY, open_room
from tests.settlement.booking import BANK, HOSPITAL, PAYABLE, book

PREPAID = f"hospital:{HOSPITAL}:prepaid"


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def prepaid(key: str, fen: int, day: int) -> Entry:
    sides = [debit(PREPAID, fen), credit(BANK, fen)]
    return entry_of(key, MONDAY + timedelta(days=day), sides)


def drawn(key: str, fen: int) -> Entry:
    sides = [debit(PAYABLE, fen), credit(PREPAID, fen)]
    return entry_of(key, MONDAY + timedelta(days=9), sides)


async def untouched(room: Room, *entries: Entry) -> list[bool]:
    return [await is_untouched(room.pool, PREPAID, one.entry_id) for one in entries]


async def test_the_oldest_is_drawn_first(room: Room) -> None:
    # Recorded the other way round: the instant counts.
    second, first = prepaid("b", 50, 1), prepaid("a", 100, 0)
    await book(room, second)
    await book(room, first)
    assert await untouched(room, first, second) == [True, True]
    await book(room, drawn("d1", 1))
    assert await untouched(room, first, second) == [False, True]
    await book(room, drawn("d2", 99))
    assert await untouched(room, first, second) == [False, True]
    await book(room, drawn("d3", 1))
    assert await untouched(room, first, second) == [False, False]


async def test_what_was_reversed_holds_nothing_that_could_be_drawn(room: Room) -> None:
    first, second = prepaid("a", 100, 0), prepaid("b", 50, 1)
    back = entry_of("r", MONDAY, mirrored(first.postings), reverses=first.entry_id)
    await book(room, first, second)
    await book(room, back)
    assert await untouched(room, second) == [True]
    await book(room, drawn("d", 1))
    assert await untouched(room, second) == [False]
