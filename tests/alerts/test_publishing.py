"""Issuing beside folds: a fact stands in a publication or it does not; half a root never shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.alerts.api import preparing
from services.alerts.consumer import fold
from shared.kernel.canonical import root
from shared.runtime.room import Room
from shared.store.parking import park
from tests.alerts.doors import CARDS, EVIDENCE, ONE, REGISTERS, TOTAL, get, refused
from tests.alerts.facts import (
    SENT,
    accepted,
    arrived,
    placed,
    record,
)
from tests.alerts.province import take
from tests.alerts.publishing import PUBLICATIONS, everything, fetch, publish

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


@pytest.mark.parametrize("dies_at", ["page_of_items", "total_item", "counted_lines", "complete"])
async def test_a_publication_whose_preparation_died_shows_no_root_and_is_finished_later(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    monkeypatch.setattr(preparing, "_AT_ONCE", 50)
    with monkeypatch.context() as patched:
        real, calls = getattr(preparing, dies_at), []

        async def dying(*args: Any, **options: Any) -> Any:
            calls.append(1)
            if dies_at in ("complete", "total_item") or len(calls) > 2:
                raise ConnectionResetError
            return await real(*args, **options)

        patched.setattr(preparing, dies_at, dying)
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


async def ask(client: httpx2.AsyncClient, actor: str = "bureau:360000", **body: Any) -> Any:
    return await client.post(
        PUBLICATIONS,
        json={"window": "2026-02", "as_of": "2026-03-31"} | body,
        headers={"X-Jicai-Actor": actor},
    )


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"window": "31d"}, "malformed", "/window"),
        ({"window": None}, "malformed", "/window"),
        ({"window": 30}, "malformed", "/window"),
        ({"window": "9" * 5000}, "malformed", "/window"),
        ({"window": "a\x00"}, "malformed", "/window"),
        ({"as_of": "2026-3-1"}, "malformed", "/as_of"),
        ({"as_of": None}, "malformed", "/as_of"),
        ({"as_of": ["2026-03-31"]}, "malformed", "/as_of"),
        ({"as_of": "2026-04-01"}, "window_not_complete", "/as_of"),
        ({"window": "2026-03", "as_of": "2026-02-28"}, "window_not_complete", "/window"),
    ],
)
async def test_what_cannot_be_published_is_refused(
    bare_client: httpx2.AsyncClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = await ask(bare_client, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("content", ["", "[]", "7", '"x"', "{}", "null", "{", '{"window": "30d"}'])
async def test_no_body_makes_a_500(bare_client: httpx2.AsyncClient, content: str) -> None:
    headers = {"X-Jicai-Actor": "bureau:360000", "Content-Type": "application/json"}
    answer = await bare_client.post(PUBLICATIONS, content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed", "malformed_json")


async def test_only_the_province_publishes_and_no_hospital_looks(
    client: httpx2.AsyncClient,
) -> None:
    id_ = (await publish(client))["publication_id"]
    for actor in ("bureau:360100", "regulator:360000", "ops:360000", f"distributor:{ONE}"):
        answer = await ask(client, actor, window="bad")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await fetch(client, f"{PUBLICATIONS}/{id_}", actor)).status_code == 200
        assert (await fetch(client, PUBLICATIONS, actor)).json()["items"]
    for url in (PUBLICATIONS, f"{PUBLICATIONS}/{id_}", f"{PUBLICATIONS}/{id_}/restatements"):
        assert await refused(client, url, "hospital:H36010200001") == (403, "forbidden")


@pytest.mark.parametrize("id_", ["PUB-2026-02-000009", "PUB", "x" * 100, "a'b", "发布"])
async def test_an_unknown_publication_is_not_found(client: httpx2.AsyncClient, id_: str) -> None:
    unknown = (404, "unknown_publication")
    assert await refused(client, f"{PUBLICATIONS}/{id_}") == unknown
    assert await refused(client, f"{PUBLICATIONS}/{id_}/restatements") == unknown
    assert await refused(client, TOTAL, publication_id=id_) == unknown
    assert await refused(client, CARDS, subject="product", publication_id=id_) == unknown
    assert await refused(client, EVIDENCE, subject="total", publication_id=id_) == unknown


async def test_other_days_than_the_publication_s_are_malformed(client: httpx2.AsyncClient) -> None:
    id_ = (await publish(client))["publication_id"]
    right = {"window": "2026-02", "as_of": "2026-03-31"}
    asked = {"publication_id": id_}
    assert await get(client, TOTAL, **asked, **right) == await get(client, TOTAL, **asked)
    for name, value in (("window", "30d"), ("window", "bad"), ("as_of", "2026-03-30")):
        for url in (TOTAL, CARDS, EVIDENCE):
            answer = await client.get(
                url,
                params={"subject": "product", "id": "P1"} | asked | {name: value},
                headers={"X-Jicai-Actor": "bureau:360000"},
            )
            assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
            assert answer.json()["errors"][0]["pointer"] == f"/{name}"
