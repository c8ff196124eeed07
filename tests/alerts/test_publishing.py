"""Issuing beside folds: a fact stands in a publication or it does not; half a root never shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.alerts.api import frozen, preparing
from services.alerts.consumer import fold
from shared.events.alerts import PUBLICATION_ISSUED
from shared.kernel.canonical import root
from shared.runtime.room import Room
from shared.store.parking import park
from tests.alerts.closing import facts_of
from tests.alerts.doors import REGISTERS, TOTAL, doors_of, get
from tests.alerts.facts import (
    SENT,
    accepted,
    arrived,
    placed,
    record,
)
from tests.alerts.province import take
from tests.alerts.publishing import PUBLICATIONS, ask, everything, publish

END = datetime(2026, 3, 31, 16, tzinfo=UTC)
ORDER, ANSWER, ARRIVAL = record(placed(), 1), record(accepted(), 2), record(arrived(SENT), 3)


@pytest_asyncio.fixture(autouse=True)
async def _nothing_left(alerts_room: Room) -> AsyncIterator[None]:
    await take(alerts_room, REGISTERS)
    yield
    for table in ("parked", "closes", "checkpoints"):
        await alerts_room.pool.execute(f"DELETE FROM {table}")
    alerts_room.catch_up = None


async def until_somebody_waits(room: Room) -> None:
    """Somebody stands before a lock or a row that another transaction holds."""
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    for _ in range(2000):
        if await room.pool.fetchval(waiting):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody waits")


async def response(client: httpx2.AsyncClient, id_: str) -> Any:
    card = await get(client, TOTAL, publication_id=id_)
    return card["rates"]["response"]["numerator"], card["rates"]["response"]["denominator"]


async def test_issuing_waits_for_the_fold_that_has_begun(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    await take(alerts_room, [ORDER])
    async with alerts_room.pool.acquire() as connection:
        async with connection.transaction():
            await fold(connection, [ANSWER], alerts_room)
            issuing = asyncio.create_task(publish(bare_client, "2026-01"))
            await until_somebody_waits(alerts_room)
            assert not issuing.done()
        id_ = (await issuing)["publication_id"]
    assert await response(bare_client, id_) == (1, 1)


async def test_a_fold_that_comes_during_the_issuing_is_wholly_behind_it(
    alerts_room: Room, bare_client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take(alerts_room, [ORDER])
    async with alerts_room.pool.acquire() as connection, connection.transaction():
        await fold(connection, [], alerts_room)  # holds the publication up
        issuing = asyncio.create_task(publish(bare_client, "2026-01"))
        await until_somebody_waits(alerts_room)
        folding = asyncio.create_task(take(alerts_room, [ANSWER]))
        await asyncio.sleep(0.02)
    id_ = (await issuing)["publication_id"]
    await folding
    assert await response(bare_client, id_) == (0, 1)
    assert (await get(bare_client, TOTAL, window="2026-01"))["rates"]["response"]["numerator"] == 1


async def test_without_the_lock_a_fold_in_flight_would_change_what_was_published(
    alerts_room: Room, bare_client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unguarded variant: a row is written under the old number behind the publication's back."""

    async def unguarded(tx: Any) -> None:
        return

    monkeypatch.setattr("services.alerts.consumer.hold_off_publishing", unguarded)
    await take(alerts_room, [ORDER])
    async with alerts_room.pool.acquire() as connection, connection.transaction():
        await fold(connection, [ANSWER], alerts_room)
        id_ = (await publish(bare_client, "2026-01"))["publication_id"]
        before = await everything(bare_client, id_)
    assert await everything(bare_client, id_) != before


async def test_two_owners_who_rewrite_a_published_line_keep_it_once(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    await take(alerts_room, [ORDER])
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    before = await everything(bare_client, id_)
    async with alerts_room.pool.acquire() as connection:
        async with connection.transaction():
            await fold(connection, [ANSWER], alerts_room)
            other = asyncio.create_task(take(alerts_room, [ARRIVAL]))
            await until_somebody_waits(alerts_room)
        await other
    row = await alerts_room.pool.fetchrow("SELECT accepted, on_time, since, revision FROM lines")
    assert tuple(row) == (True, True, 1, 3)
    assert await alerts_room.pool.fetch("SELECT since, until FROM past_lines") == [(0, 1)]
    assert await everything(bare_client, id_) == before


async def test_a_fold_that_is_undone_leaves_nothing_kept(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    await take(alerts_room, [ORDER])
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    before = await everything(bare_client, id_)
    async with alerts_room.pool.acquire() as tx:
        undone = tx.transaction()
        await undone.start()
        await fold(tx, [ANSWER], alerts_room)
        await undone.rollback()
    assert await everything(bare_client, id_) == before
    await take(alerts_room, [ARRIVAL])
    assert await everything(bare_client, id_) == before


async def test_a_parked_key_stands_in_the_way_and_is_named(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    async with alerts_room.pool.acquire() as tx, tx.transaction():
        await park(tx, [("orders", ORDER, "does not decode")])
    answer = await ask(bare_client)
    assert (answer.status_code, answer.json()["code"]) == (409, "keys_parked")
    assert answer.json()["parked"] == [ORDER.stream]
    await alerts_room.pool.execute("DELETE FROM parked")
    assert (await ask(bare_client)).status_code == 201


@pytest.mark.parametrize(
    ("mark", "close", "caught_up", "status"),
    [
        (None, None, True, 201),  # a young log: it has had no mark, and all of it is read
        (None, None, False, 503),  # the mark may stand in what is not read yet
        (END, None, True, 503),  # met, but the close has not run
        (datetime(2026, 3, 31, 1, tzinfo=UTC), None, True, 503),  # the mark is on its way
        (END, datetime(2026, 3, 31, 1, tzinfo=UTC), True, 503),  # the close of 09:00 is not it
        (END, END, False, 201),
        (datetime(2026, 4, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, 1, tzinfo=UTC), True, 201),
    ],
)
async def test_a_publication_waits_for_the_close_of_its_last_day(
    alerts_room: Room,
    bare_client: httpx2.AsyncClient,
    mark: datetime | None,
    close: datetime | None,
    caught_up: bool,
    status: int,
) -> None:
    async def catch_up() -> bool:
        return caught_up

    alerts_room.catch_up = catch_up
    if mark is not None:
        await alerts_room.pool.execute(
            """INSERT INTO checkpoints (group_name, partition, last_mark)
               VALUES ('alerts', 'orders', $1), ('alerts', 'feedback', NULL)""",
            mark,
        )
    if close is not None:
        await alerts_room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", close)
    answer = await ask(bare_client)
    assert answer.status_code == status, answer.text
    if status == 503:
        assert answer.json()["code"] == "close_pending"
        assert int(answer.headers["retry-after"]) > 0
        assert await alerts_room.pool.fetchval("SELECT count(*) FROM publications") == 0


@pytest.mark.parametrize(
    "dies_at", ["page_of_items", "total_item", "counted_lines", "act", "complete"]
)
async def test_a_publication_whose_preparation_died_shows_no_root_and_is_finished_later(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    monkeypatch.setattr(frozen, "_AT_ONCE", 50)
    module = preparing if dies_at in ("act", "complete") else frozen
    with monkeypatch.context() as patched:
        real, calls = getattr(module, dies_at), []

        async def dying(*args: Any, **options: Any) -> Any:
            calls.append(1)
            if dies_at in ("act", "complete", "total_item") or len(calls) > 2:
                raise ConnectionResetError
            return await real(*args, **options)

        patched.setattr(module, dies_at, dying)
        unfinished = (await ask(client)).json()
        assert unfinished["state"] == "preparing"
        assert unfinished["root"] is unfinished["evidence_root"] is None
        again = await get(client, f"{PUBLICATIONS}/{unfinished['publication_id']}")
        assert again == unfinished
        (listed,) = (await get(client, PUBLICATIONS))["items"]
        assert listed == unfinished
    finished = await get(client, f"{PUBLICATIONS}/{unfinished['publication_id']}")
    assert finished["state"] == "issued"
    assert len(finished["root"]) == len(finished["evidence_root"]) == 64
    whole = await publish(client, "2026-02")
    assert whole["evidence_root"] == finished["evidence_root"] != root([])


@pytest.mark.parametrize("dies", [False, True])
async def test_a_publication_is_told_once_with_its_roots(
    closing_room: Room, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    async with doors_of(closing_room) as client:
        if dies:
            with monkeypatch.context() as patched:

                async def dying(*_: Any) -> None:
                    raise ConnectionResetError

                patched.setattr(preparing, "complete", dying)
                unfinished = (await ask(client, window="30d", as_of="2026-01-04")).json()
                assert unfinished["root"] is None
            published = await get(client, f"{PUBLICATIONS}/{unfinished['publication_id']}")
        else:
            published = await publish(client, "30d", "2026-01-04")
        feed = await get(client, "/alerts/v1/changes", "bureau:360102")
    (told,) = feed["items"]
    assert told["type"] == PUBLICATION_ISSUED
    assert told["data"] | {"state": "issued"} == published
    (fact,) = await facts_of(closing_room, PUBLICATION_ISSUED)
    assert fact.root == published["root"]


async def test_figures_can_be_asked_while_the_roots_are_worked_out(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    real = preparing.complete

    async def waiting(*args: Any) -> None:
        await held.wait()
        await real(*args)

    monkeypatch.setattr(preparing, "complete", waiting)
    monkeypatch.setattr("services.alerts.api.publications.ISSUE_SECONDS", 0.01)
    monkeypatch.setattr("services.alerts.api.publications.LIST_SECONDS", 0.01)
    unfinished = (await ask(client)).json()
    assert unfinished["state"] == "preparing"
    answers = await everything(client, unfinished["publication_id"])
    held.set()
    (listed,) = (await get(client, PUBLICATIONS))["items"]
    assert listed == (await get(client, f"{PUBLICATIONS}/{unfinished['publication_id']}"))
    assert listed["state"] == "issued"
    assert (await everything(client, unfinished["publication_id"]))[1:] == answers[1:]
