"""Arrivals as stored and as shown with a ticket: over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.feedback.api.measured import measured
from services.feedback.consumer import fold
from services.feedback.projections import deliveries
from shared.events.envelope import Record
from shared.runtime.actors import Actor
from shared.store import migrations
from shared.store.database import open_pool
from shared.store.migrations import migrate, migrations_of
from tests.feedback.order_facts import (
    DISTRIBUTOR,
    HOSPITAL,
    MAKER,
    ORDER,
    SENT,
    arrived,
    cancelled,
    dispatched,
    ordered,
    placed,
    received,
    record,
    records,
    voided,
)

DAY = timedelta(days=1)
OWNER = Actor("hospital", HOSPITAL)
RIVAL = "91360000MA00000D1N"


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Feedback's tables, empty, in its own rights."""
    owner = await asyncpg.connect(database)
    await migrate(owner, "feedback", "services.feedback")
    await owner.close()
    opened = await open_pool(database, "feedback", size=4)
    yield opened
    opened.terminate()


async def take(pool: asyncpg.Pool, batch: Sequence[Record], size: int = 1000) -> None:
    """Fold in batches of this size, each in its transaction."""
    for start in range(0, len(batch), size):
        async with pool.acquire() as tx, tx.transaction():
            await fold(tx, batch[start : start + size], None)


async def stored(pool: asyncpg.Pool, columns: str = "*") -> list[list[tuple[Any, ...]]]:
    return [
        [tuple(row) for row in await pool.fetch(f"SELECT {columns} FROM {table} ORDER BY {keys}")]
        for table, keys in (
            ("placed_orders", "order_id"),
            ("ended_lines", "order_id, line_id"),
            ("arrivals", "order_id, delivery_id"),
        )
    ]


def some_records(random: Random, orders: int) -> list[Record]:
    """Orders of two lines, some of which arrive in parts, end, or never hear of again."""
    found = []
    for number in range(orders):
        order_id = f"{HOSPITAL}-{number}"
        facts: list[Any] = [placed(ordered("1"), ordered("2"), order_id=order_id)]
        for delivery in ("D1", "D2")[: random.randint(0, 2)]:
            units = {"_1": random.randint(1, 100)}
            facts.append(dispatched(delivery, order_id, **units))
            facts.append(arrived(SENT + random.randint(1, 9) * DAY, delivery, order_id, **units))
            facts.append(received(SENT + random.randint(1, 9) * DAY, delivery, order_id, **units))
        if random.random() < 0.3:
            facts.append(random.choice([cancelled, voided])("2", order_id))
        found += records(*facts)
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_any_repetition_any_batching_gives_the_same_rows(
    pool: asyncpg.Pool, seed: int
) -> None:
    random = Random(seed)
    batch = some_records(random, 40)
    await take(pool, batch)
    expected = await stored(pool)
    assert [len(rows) > 5 for rows in expected] == [True] * 3
    for _ in range(3):
        await pool.execute("DELETE FROM placed_orders")
        await pool.execute("DELETE FROM ended_lines")
        await pool.execute("DELETE FROM arrivals")
        shuffled = [*batch, *random.sample(batch, 50)]
        random.shuffle(shuffled)
        await take(pool, shuffled, random.randint(1, 120))
        assert await stored(pool) == expected


async def test_a_replay_writes_nothing(pool: asyncpg.Pool) -> None:
    batch = some_records(Random(3), 20)
    await take(pool, batch)
    before = await stored(pool, "ctid, xmin")
    await take(pool, batch)
    # A lock leaves a trace in a row that is not written: what was written would stand elsewhere.
    assert [[row[0] for row in rows] for rows in await stored(pool, "ctid")] == [
        [row[0] for row in rows] for rows in before
    ]


async def test_facts_that_overtake_their_order_are_kept_for_it(pool: asyncpg.Pool) -> None:
    order, arrival = records(placed(), arrived(SENT + DAY))
    await take(pool, [arrival])
    assert (await shown(pool, OWNER))["state"] == "unknown"
    await take(pool, [order])
    assert (await shown(pool, OWNER))["state"] == "arrived"


async def both_at_once(pool: asyncpg.Pool, first: Record, second: Record) -> None:
    """Two owners fold one record each; the second comes to the row while the first is not done."""
    async with pool.acquire() as one, pool.acquire() as other:
        writing = one.transaction()
        await writing.start()
        await fold(one, [first], None)

        async def follow() -> None:
            async with other.transaction():
                await fold(other, [second], None)

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.2)  # it stands at the locked row
        await writing.commit()
        await following


PAIR = (record(arrived(SENT + DAY), 3), record(received(SENT + 2 * DAY, rejected=60), 4))


async def test_of_two_owners_at_one_delivery_the_later_fact_stands(pool: asyncpg.Pool) -> None:
    """As when a partition changes hands: whoever commits last may hold the older fact."""
    for pair in (PAIR, PAIR[::-1]):
        await pool.execute("DELETE FROM arrivals")
        await both_at_once(pool, *pair)
        assert await pool.fetchval("SELECT version FROM arrivals") == 4


async def test_without_its_version_the_older_fact_would_stand(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded, _, guard = deliveries._PUT_ARRIVALS.rpartition("\n")
    assert guard == "WHERE a.version < excluded.version"
    monkeypatch.setattr(deliveries, "_PUT_ARRIVALS", guarded)
    await both_at_once(pool, *PAIR[::-1])
    assert await pool.fetchval("SELECT version FROM arrivals") == 3


async def test_two_owners_of_the_two_topics_of_many_orders_lose_nothing(
    pool: asyncpg.Pool,
) -> None:
    batch = some_records(Random(5), 60)
    await take(pool, batch)
    expected = await stored(pool)
    for table in ("placed_orders", "ended_lines", "arrivals"):
        await pool.execute(f"DELETE FROM {table}")
    orders = [one for one in batch if one.topic == "jicai.orders.v1"]
    others = [one for one in batch if one.topic != "jicai.orders.v1"]
    await asyncio.gather(take(pool, orders, 7), take(pool, others, 11), take(pool, batch[::-1], 13))
    assert await stored(pool) == expected


def ticket(*order_ids: str, state: str = "open", hospital_id: str = HOSPITAL) -> Any:
    """As much of a ticket as is looked at: about P1, naming these orders."""
    return SimpleNamespace(
        hospital_id=hospital_id, product_id="P1", order_ids=list(order_ids), state=state
    )


async def shown(pool: asyncpg.Pool, actor: Actor, about: Any = None) -> dict[str, Any]:
    """What stands with the ticket for this reader."""
    [document] = await measured(pool, [about or ticket(ORDER)], actor)
    assert document is not None
    return document


async def test_a_ticket_that_names_no_order_has_nothing_measured(pool: asyncpg.Pool) -> None:
    assert await measured(pool, [ticket()], OWNER) == [None]


async def test_a_ticket_shows_of_its_orders_the_lines_of_its_product(pool: asyncpg.Pool) -> None:
    order = placed(ordered("1"), ordered("2", product_id="P2"), ordered("3", units=8))
    await take(pool, records(order, arrived(SENT + DAY, _1=40, _2=100), voided("3")))
    assert await shown(pool, OWNER, ticket(ORDER, f"{HOSPITAL}-2", ORDER)) == {
        "state": "partly",
        "message_zh": "平台记录: 所列订单中该产品仅部分到货; 1 张订单无可见记录; 1 条明细已作废",
        "message_en": "on record, only part of this product in the named orders has arrived; "
        "orders without a visible record: 1; lines void: 1",
        "orders": [
            {
                "order_id": ORDER,
                "state": "partly",
                "lines": [
                    {
                        "line_id": "1",
                        "product_id": "P1",
                        "ordered": "100",
                        "arrived": "40",
                        "arrived_at": "2026-01-06T09:00:00+08:00",
                        "state": "partly",
                    },
                    {
                        "line_id": "3",
                        "product_id": "P1",
                        "ordered": "8",
                        "arrived": "0",
                        "arrived_at": None,
                        "state": "void",
                    },
                ],
            },
            {"order_id": f"{HOSPITAL}-2", "state": "unknown", "lines": []},
        ],
    }


async def test_a_page_of_tickets_shows_each_what_it_shows_alone(pool: asyncpg.Pool) -> None:
    """One question for the page: nobody is shown what another ticket of it names."""
    await take(pool, records(placed(), arrived(SENT + DAY)))
    stranger = ticket(ORDER, hospital_id="H36010200009")
    page = [ticket(ORDER), ticket(), stranger, ticket(f"{HOSPITAL}-2")]
    together = await measured(pool, page, OWNER)
    assert together == [(await measured(pool, [one], OWNER))[0] for one in page]
    assert [one and one["state"] for one in together] == ["arrived", None, "unknown", "unknown"]


async def test_the_hospital_that_is_asked_to_confirm_is_told_what_was_measured(
    pool: asyncpg.Pool,
) -> None:
    await take(pool, records(placed(), dispatched()))
    solved = ticket(ORDER, state="solved")
    document = await shown(pool, OWNER, solved)
    assert document["state"] == "not_arrived"
    assert document["message_zh"] == (
        "平台记录: 所列订单中该产品尚未到货; 供方称已解决, 请据此确认, 或重新打开"
    )
    assert document["message_en"].endswith("solved: confirm it, or reopen it")
    for other in (Actor("distributor", DISTRIBUTOR), Actor("bureau", "360102")):
        assert "confirm" not in (await shown(pool, other, solved))["message_en"]
    assert "confirm" not in (await shown(pool, OWNER))["message_en"]


async def test_another_hospitals_order_looks_like_one_that_nobody_knows(
    pool: asyncpg.Pool,
) -> None:
    await take(pool, records(placed(), arrived(SENT + DAY)))
    peeping = "H36010200002"
    theirs = await shown(pool, Actor("hospital", peeping), ticket(ORDER, hospital_id=peeping))
    nobodys = await shown(pool, OWNER, ticket(f"{HOSPITAL}-none"))
    assert theirs["orders"] == [{"order_id": ORDER, "state": "unknown", "lines": []}]
    assert theirs | {"orders": []} == nobodys | {"orders": []}


async def test_addressees_see_no_more_of_an_order_than_they_may_see_of_orders(
    pool: asyncpg.Pool,
) -> None:
    """A distributor its own orders, a manufacturer the lines of its products: section 2."""
    lines = ordered("1"), ordered("2", manufacturer_id=RIVAL)
    await take(pool, records(placed(*lines), arrived(SENT + DAY, _1=100)))

    async def seen(role: str, organisation: str) -> tuple[str, list[str]]:
        document = await shown(pool, Actor(role, organisation))
        return document["state"], [line["line_id"] for line in document["orders"][0]["lines"]]

    assert await seen("distributor", DISTRIBUTOR) == ("partly", ["1", "2"])
    assert await seen("bureau", "360102") == ("partly", ["1", "2"])
    assert await seen("manufacturer", MAKER) == ("arrived", ["1"])
    assert await seen("manufacturer", RIVAL) == ("not_arrived", ["2"])
    assert await seen("distributor", RIVAL) == ("unknown", [])


async def test_a_house_that_is_renewed_reads_the_orders_from_their_beginning(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log of orders had been read for the registers alone; the relay's place is not touched."""

    def before(package: str) -> list[migrations.Migration]:
        found = migrations_of(package)
        return [one for one in found if not one.name.endswith("0003_deliveries.sql")]

    owner = await asyncpg.connect(database)
    with monkeypatch.context() as older:
        older.setattr(migrations, "migrations_of", before)
        await migrate(owner, "feedback", "services.feedback")
    await owner.execute(
        """INSERT INTO feedback.checkpoints (group_name, partition, cursor)
           VALUES ('feedback', 'orders', '7'), ('feedback', 'feedback', '8'), ('relay', 'orders', '9')"""
    )
    assert await migrate(owner, "feedback", "services.feedback") == [
        "services.feedback/0003_deliveries.sql"
    ]
    rows = await owner.fetch(
        "SELECT cursor FROM feedback.checkpoints ORDER BY group_name, partition"
    )
    assert [row["cursor"] for row in rows] == ["8", "", "9"]
    await owner.close()
