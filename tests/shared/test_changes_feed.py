"""`/changes` while writers write: a reader that follows `next` misses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest_asyncio

from shared.events.topics import DELIVERIES, MARKS, ORDERS
from shared.runtime.marks import append_marks
from shared.runtime.room import Room
from shared.runtime.web import create_app
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.testing.postgres import MONDAY, desk_of, open_room, whole_log
from shared.testing.toys import a_note, noting
from tests.oracle.histories import history
from tests.shared.playing import play
from tests.shared.writers import append_by_old_xids

PATH = "/orders/v1/changes"


async def _ready() -> dict[str, str]:
    return {}


def client_of(room: Room, actor: str) -> httpx2.AsyncClient:
    """An HTTP client that speaks to this room's app in this process."""
    app = create_app({"orders": room}, trust_actor_header=True, readiness=_ready)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://jicai",
        headers={"X-Jicai-Actor": actor},
        timeout=30,
    )


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    async with open_room(database, noting(), size=12) as room:
        yield room


class Follower:
    """Follows the feed from its beginning."""

    def __init__(
        self, client: httpx2.AsyncClient, seed: int, *, wait: float = 0, limit_max: int = 40
    ) -> None:
        self._client = client
        self._rng = random.Random(seed)
        self._wait = wait
        self._limit_max = limit_max
        self.after: str | None = None
        self.items: list[dict[str, Any]] = []

    async def page(self) -> int:
        """One page; how many items it had."""
        query: dict[str, Any] = {"limit": self._rng.randint(1, self._limit_max), "wait": self._wait}
        if self.after is not None:
            query["after"] = self.after
        answer = await self._client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        self.after = document["next"]
        self.items += document["items"]
        return len(document["items"])

    async def to_the_end(self) -> None:
        """Until a page is empty."""
        while await self.page():
            pass

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.items]


async def _write(room: Room, name: int, rounds: int) -> None:
    """Batches at the desk, and slow transactions of a second kind that commit out of turn."""
    rng = random.Random(name)
    for n in range(rounds):
        notes = [
            a_note(f"s{rng.randrange(40)}", f"{name}-{n}-{k}") for k in range(rng.randint(1, 9))
        ]
        await desk_of(room).submit(notes)
        async with room.pool.acquire() as tx, tx.transaction():
            stream = f"slow{name}"
            await lock_streams(tx, "orders", [stream])
            await load(tx, [stream])
            [position] = await take_positions(tx, 1)
            await asyncio.sleep(rng.random() * 0.01)
            event = NewEvent(
                DELIVERIES, stream, n + 1, "slow", f"slow-{name}-{n}", "t", MONDAY, MONDAY,
                b"", b'{"id":"slow-%d-%d"}' % (name, n), b"{}",
            )  # fmt: skip
            await append(tx, [event], [position])
            await asyncio.sleep(rng.random() * 0.01)


async def test_followers_of_a_busy_log_miss_nothing_and_repeat_nothing(room: Room) -> None:
    """Six writers, three followers with pages of any size: what they got is the log in commit order."""
    async with client_of(room, "ops:360000") as client:
        followers = [Follower(client, seed, wait=0.2 if seed == 2 else 0) for seed in range(3)]
        writing = [asyncio.create_task(_write(room, name, 25)) for name in range(6)]
        while not all(task.done() for task in writing):
            await asyncio.gather(*(follower.page() for follower in followers))
        await asyncio.gather(*writing)
        await asyncio.gather(*(follower.to_the_end() for follower in followers))
    expected = [row["event_id"] for row in await whole_log(room.pool)]
    assert len(expected) > 300
    for follower in followers:
        assert follower.ids == expected


async def test_the_feed_is_in_order_also_where_xids_gain_a_digit(database: str, room: Room) -> None:
    """Ordered as text, 1000 would come before 999 and everything between be lost."""
    expected = await append_by_old_xids(database)
    async with client_of(room, "ops:360000") as client:
        for seed in range(3):
            follower = Follower(client, seed, limit_max=4)
            await follower.to_the_end()
            assert follower.ids == expected


async def test_a_follower_by_position_would_have_missed_some(room: Room) -> None:
    """The same load read by position alone loses facts: the test above is not an easy one."""
    heard: list[str] = []
    place = -1

    async def look() -> None:
        nonlocal place
        rows = await room.pool.fetch(
            "SELECT position, event_id FROM events WHERE position > $1 ORDER BY position", place
        )
        heard.extend(row["event_id"] for row in rows)
        place = rows[-1]["position"] if rows else place

    writing = [asyncio.create_task(_write(room, name, 25)) for name in range(6)]
    while not all(task.done() for task in writing):
        await look()
    await asyncio.gather(*writing)
    await look()
    assert set(heard) < {row["event_id"] for row in await whole_log(room.pool)}


async def test_who_has_just_got_an_answer_finds_the_fact_in_the_feed(room: Room) -> None:
    """Even while a stranger's transaction holds the horizon for a moment."""
    async with client_of(room, "ops:360000") as client, room.pool.acquire() as other:
        follower = Follower(client, 1)
        for n in range(10):
            holding = other.transaction()
            await holding.start()
            await other.fetchval("SELECT pg_current_xact_id()")
            await desk_of(room).submit([a_note("s", f"e{n}")])
            reading = asyncio.create_task(follower.to_the_end())
            await asyncio.sleep(0.01)
            await holding.commit()
            await reading
            assert follower.ids[-1] == f"e{n}"


async def test_a_waiting_follower_is_answered_when_something_comes(room: Room) -> None:
    async with client_of(room, "ops:360000") as client:
        follower = Follower(client, 1, wait=20)
        waiting = asyncio.create_task(follower.page())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await desk_of(room).submit([a_note("s", "e")])
        async with asyncio.timeout(5):
            assert await waiting == 1


async def test_an_item_is_what_was_sent_with_what_we_add_and_marks_are_no_items(room: Room) -> None:
    await append_marks(room.pool, desk_of(room).kit)
    note = a_note("s", "e", topic=ORDERS)
    await desk_of(room).submit([note])
    room.time.set(MONDAY.replace(day=8))  # type: ignore[attr-defined]
    await append_marks(room.pool, desk_of(room).kit)
    async with client_of(room, "ops:360000") as client:
        follower = Follower(client, 1)
        await follower.to_the_end()
    [item] = follower.items
    added = {
        "recordedtime": "2026-01-05T01:00:00Z",
        "streamversion": 1,
        "sha256": note.sha256.hex(),
    }
    assert added.items() <= item.items()
    assert {name: item[name] for name in ("id", "source", "type", "time")} == {
        "id": "e", "source": note.source, "type": note.type, "time": "2026-01-05T01:00:00Z",
    }  # fmt: skip


async def test_a_cursor_from_before_a_restore_is_gone_and_a_foreign_one_is_malformed(
    database: str, room: Room
) -> None:
    await desk_of(room).submit([a_note("s", "e")])
    async with client_of(room, "ops:360000") as client:
        follower = Follower(client, 1)
        await follower.page()
        owner = await asyncpg.connect(database)  # a service may not raise it
        await owner.execute("UPDATE orders.log_head SET epoch = 2")
        await owner.close()
        gone = await client.get(PATH, params={"after": follower.after})
        assert (gone.status_code, gone.json()["code"]) == (410, "cursor_epoch")
        for odd in ("x", "W10", follower.after + "x"):
            assert (await client.get(PATH, params={"after": odd})).status_code == 422


async def test_every_actor_gets_exactly_its_own_facts(orders_room: Room) -> None:
    """A played history: hospital, distributor, manufacturer, county and city by the log's columns."""
    told = history(7, orders=20, days=20)
    await play(orders_room, told, awake=True)
    rows = await orders_room.pool.fetch("SELECT * FROM events ORDER BY events.xid, position")
    rows = [row for row in rows if row["topic"] != MARKS]
    hospital, distributor = next(iter(told.land.hospitals)), told.land.distributors[0]
    maker = told.land.manufacturers[0]
    sees = {
        f"hospital:{hospital}": lambda r: r["hospital_id"] == hospital,
        f"distributor:{distributor}": lambda r: r["distributor_id"] == distributor,
        f"manufacturer:{maker}": lambda r: maker in r["manufacturers"].split(),
        "bureau:360102": lambda r: r["hospital_id"].startswith("H360102"),
        "bureau:360100": lambda r: r["hospital_id"].startswith("H3601"),
        "bureau:360000": lambda r: True,
        "regulator:360000": lambda r: True,
    }
    counts = set()
    for actor, mine in sees.items():
        async with client_of(orders_room, actor) as client:
            follower = Follower(client, 3)
            await follower.to_the_end()
        always = actor.startswith(("bureau", "regulator"))
        expected = [
            r["event_id"] for r in rows if (always if r["hospital_id"] is None else mine(r))
        ]
        assert follower.ids == expected, actor
        counts.add(len(expected))
    assert len(counts) > 3
