"""One transfer is reported once, whoever reports it at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from services.settlement.app import service
from services.settlement.commands import ReportHospitalPayment, WithdrawHospitalPayment
from services.settlement.domain.hospital_payment import stream_of
from services.settlement.projections.hospital_payments import ReferenceTaken
from shared.events.hospital_payments import HOSPITAL_PAYMENT_REPORTED, HOSPITAL_PAYMENT_WITHDRAWN
from shared.kernel.decider import Sent
from shared.runtime.actors import Actor
from shared.runtime.room import Room
from shared.runtime.said import as_sent
from shared.testing.postgres import MONDAY, desk_of, open_room
from tests.settlement.booking import tamper

HOSPITAL, PAYEE = "H36010200001", "91360000MA00000D15"
ACTOR = Actor("hospital", HOSPITAL)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


def reported(number: int, reference: str = "ICBC1", now: datetime = MONDAY) -> Sent:
    """A payment under an id of its own."""
    command = ReportHospitalPayment(
        payment_id=f"{HOSPITAL}-{number}",
        hospital_id=HOSPITAL,
        payee_id=PAYEE,
        amount_fen=100,
        paid_on="2026-01-05",
        bank_reference=reference,
        by=str(ACTOR),
    )
    stream = stream_of(command.payment_id)
    return as_sent(ACTOR, stream, stream, HOSPITAL_PAYMENT_REPORTED, command, {}, now)


def withdrawn(number: int) -> Sent:
    stream = stream_of(f"{HOSPITAL}-{number}")
    command = WithdrawHospitalPayment("登错", str(ACTOR))
    event_id = f"{stream}-withdrawn"
    return as_sent(ACTOR, stream, event_id, HOSPITAL_PAYMENT_WITHDRAWN, command, {}, MONDAY)


async def tried(room: Room, *sent: Sent) -> Any:
    """The status of the first of a batch, or what became of the batch."""
    try:
        [first, *_] = await desk_of(room).submit(list(sent))
    except ReferenceTaken:
        return "taken"
    return first.status


async def standing(room: Room) -> list[str]:
    rows = await room.pool.fetch(
        "SELECT payment_id FROM hospital_payments WHERE state <> 'withdrawn' ORDER BY payment_id"
    )
    streams = await room.pool.fetch("SELECT stream FROM streams ORDER BY stream")
    assert [stream_of(row[0]) for row in rows] == [row[0] for row in streams][-len(rows) :]
    return [row[0] for row in rows]


async def test_of_payments_under_one_reference_at_once_one_stands(room: Room) -> None:
    became = await asyncio.gather(*(tried(room, reported(number)) for number in range(8)))
    assert sorted(became) == ["accepted", *["taken"] * 7]
    assert len(await standing(room)) == 1


async def test_without_its_index_a_transfer_would_count_twice(room: Room, database: str) -> None:
    await tamper(database, "DROP INDEX hospital_payments_reference")
    became = await asyncio.gather(*(tried(room, reported(number)) for number in range(2)))
    assert became == ["accepted", "accepted"]
    assert len(await standing(room)) == 2


async def test_a_neighbour_with_a_reference_of_its_own_is_not_held_up(room: Room) -> None:
    assert await tried(room, reported(1)) == "accepted"
    became = await asyncio.gather(
        tried(room, reported(2)), tried(room, reported(3, "ICBC3")), tried(room, reported(4))
    )
    assert became == ["taken", "accepted", "taken"]


async def test_a_reference_is_free_again_in_the_batch_that_withdraws_it(room: Room) -> None:
    assert await tried(room, reported(1)) == "accepted"
    assert await tried(room, withdrawn(1), reported(2)) == "accepted"
    assert await standing(room) == [f"{HOSPITAL}-2"]


async def test_a_fault_of_ours_is_not_taken_for_a_second_report(room: Room, database: str) -> None:
    """Another clash than that of references shows itself."""
    assert await tried(room, reported(1)) == "accepted"
    await tamper(database, "DELETE FROM streams", "DELETE FROM events")
    with pytest.raises(Exception, match="hospital_payments_pkey"):
        await desk_of(room).submit([reported(1, "ICBC2")])
