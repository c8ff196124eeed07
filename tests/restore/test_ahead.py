"""A consumer that stands where its log does not go does not serve, and says which command to run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jicai.recover import recover
from jicai.rooms import SERVICES
from shared.bus.kafka import KafkaBus
from shared.events.topics import ORDERS
from shared.runtime.house import NotServable
from shared.runtime.lost import accept, beyond_ends, lost_facts, sentence, topics_fed_by
from shared.runtime.relay import messages
from shared.store.database import BUS_ROLE, open_pool
from shared.store.reader import LogReader
from shared.testing.broker import Broker
from shared.testing.postgres import prepare
from tests.oracle.histories import history
from tests.restore.logs import write
from tests.restore.rooms import asked, everything, live, serving
from tests.shared.kafka_case import own_topics
from tests.shared.playing import put

TOLD = history(7, orders=4, days=2)
LOSE_THE_END = """
DELETE FROM orders.events WHERE (xid, position) > (
    SELECT xid, position FROM orders.events e ORDER BY e.xid, e.position OFFSET 30 LIMIT 1)"""


async def test_a_checkpoint_ahead_of_its_log_or_of_another_epoch_is_refused_and_begins_anew(
    database: str,
) -> None:
    """The log of orders is put back by hand, beside consumers that had read all of it."""
    async with serving(database, now=TOLD.start) as house:
        await put(house.rooms["orders"], TOLD.puts)
        await live(house, TOLD.steps)
    now = [step[1] for step in TOLD.steps if step[0] == "clock"][-1]
    before = await everything(database)
    async with asked(database) as connection:
        rows = await connection.fetch("SELECT * FROM orders.events")
        await connection.execute(LOSE_THE_END)
        assert await connection.fetchval("SELECT count(*) FROM orders.events") == 31 < len(rows)
        await refused(database, now, r"checkpoint alerts: alerts .* run `jicai recover`")
        columns = list(rows[0].keys())
        lost = [row for row in rows if row["event_id"] not in await ids(connection)]
        await connection.copy_records_to_table(
            "events", schema_name="orders", columns=columns, records=[tuple(r) for r in lost]
        )
        async with serving(database, now=now):
            pass
        await connection.execute("UPDATE orders.log_head SET epoch = epoch + 1")
    await refused(database, now, r"checkpoint settlement: settlement .* `jicai recover`")
    found = await recover(database, None, accept_all=True)
    assert {one.service for one in found.checkpoints} == {"alerts", "feedback", "settlement"}
    async with serving(database, now=now) as house:
        await live(house, [])
    assert await everything(database) == before


async def ids(connection: Any) -> set[str]:
    return {row[0] for row in await connection.fetch("SELECT event_id FROM orders.events")}


async def refused(dsn: str, now: Any, said: str) -> None:
    with pytest.raises(NotServable, match=said):
        async with serving(dsn, now=now):
            pass


async def test_a_topic_that_knows_more_than_its_log_or_of_another_life_is_named(
    database: str, broker: Broker
) -> None:
    """Whether the log has never heard of a fact, or it was published before a restore."""
    await prepare(database, SERVICES["orders"])
    await write(database, "a", "b", "c")
    pool = await open_pool(database, "public", size=2, role=BUS_ROLE)
    [a, b, c], _ = await LogReader(pool).read("orders", "", 10, [ORDERS])
    await pool.close()
    async with own_topics(broker.bootstrap, partitions=1) as address, asked(database) as log:
        bus = KafkaBus(address)
        publisher = bus.publisher()

        async def publish(*records: Any) -> None:
            await publisher.publish(list(messages("orders", records, partitions=1)))

        async def found() -> list[str]:
            return [one.event_id for one in await lost_facts(log, bus, "orders")]

        try:
            await publish(a, b)
            assert await found() == []
            assert sentence([]) == ""
            await publish(msgspec.structs.replace(c, event_id="lost"), c)
            assert await found() == ["lost"]
            said = sentence(await lost_facts(log, bus, "orders"))
            assert "lost" in said
            assert "run `jicai recover`" in said
            await accept(log, "orders", await bus.offsets(topics_fed_by("orders")))
            assert await found() == []
            await log.execute("UPDATE orders.log_head SET epoch = 2")
            await publish(c)
            assert await found() == ["c"]
            again = msgspec.structs.replace(c, place=c.place.replace("1:", "2:", 1))
            await accept(log, "orders", await bus.offsets(topics_fed_by("orders")))
            await publish(again)
            assert await found() == []
        finally:
            await publisher.close()


async def test_an_offset_behind_the_end_of_its_partition_is_named(
    database: str, broker: Broker
) -> None:
    """The broker has lost records, or is another one."""
    await prepare(database, SERVICES["alerts"])
    async with own_topics(broker.bootstrap, partitions=1) as address, asked(database) as room:
        bus = KafkaBus(address)
        await room.execute(
            """INSERT INTO alerts.checkpoints (group_name, partition, cursor)
               VALUES ('alerts', 'jicai.orders.v1/0:orders', '0')"""
        )
        assert await beyond_ends(room, bus, "alerts", [ORDERS]) == ""
        await room.execute("UPDATE alerts.checkpoints SET cursor = '40'")
        said = await beyond_ends(room, bus, "alerts", [ORDERS])
        assert "ends at 0, before what was read: run `jicai recover`" in said
