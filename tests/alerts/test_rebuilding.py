"""A close waits for its facts, and a rebuild never alerts again: over whole histories."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.events.alerts import ALERT_CLEARED, ALERT_RAISED, LATE_LIST_ISSUED
from shared.events.orders import PLACED
from shared.events.topics import ORDERS
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.testing.postgres import fresh_database
from tests.alerts.closing import facts_of
from tests.alerts.living import Town, town
from tests.oracle.alarms import alarming_history

HISTORY = alarming_history(5, orders=60, days=30)


@pytest_asyncio.fixture
async def lived(database: str) -> AsyncIterator[Town]:
    """A town whose alerts slept through the whole history, and then took it all at once."""
    async with town(database, HISTORY) as lagging:
        await lagging.live(HISTORY, punctual=False)
        yield lagging


async def test_alerts_that_lag_say_what_punctual_ones_say(postgres: str, lived: Town) -> None:
    """Instants, figures, order and all: a close stands on the facts before it, whoever is late."""
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as punctual:
        await punctual.live(HISTORY, punctual=True)
        said = await lived.said()
        assert said == await punctual.said()
        assert await lived.figures() == await punctual.figures()
    for type_ in (ALERT_RAISED, ALERT_CLEARED, LATE_LIST_ISSUED):
        assert await facts_of(lived.alerts, type_), type_
    late = await lived.alerts.pool.fetch("SELECT ran_at - close_at AS late FROM closes ORDER BY 1")
    assert late[-1]["late"].days >= 20  # and it says so


REBUILDS = [
    ("lines", "orders", "registers", "checkpoints"),
    ("lines", "orders", "registers", "checkpoints", "waiting"),
    ("lines", "orders", "registers", "checkpoints", "waiting", "closes", "met"),
    ("lines", "orders", "checkpoints", "closes", "met", "day_closes", "small_samples"),
]


async def test_a_rebuild_never_alerts_again(lived: Town) -> None:
    """Whether its closes stand or run again: the same figures, and no new fact."""
    said, figures = await lived.said(), await lived.figures()
    for forgotten in REBUILDS:
        await lived.forget(*forgotten)
        assert await lived.said() == said, forgotten
        assert await lived.figures() == figures, forgotten
        assert await lived.alerts.pool.fetchval("SELECT count(*) FROM closes") > 50


async def test_a_parked_key_holds_back_nothing_and_is_named(postgres: str, lived: Town) -> None:
    """An order that cannot be read: every alert and list is raised all the same, and says so."""
    said = await lived.said()
    async with fresh_database(postgres) as dsn, town(dsn, HISTORY) as poisoned:
        at, stream = HISTORY.start, "order-poison"
        async with poisoned.orders.pool.acquire() as tx, tx.transaction():
            await lock_streams(tx, "orders", [stream])
            await load(tx, [stream])
            event = NewEvent(ORDERS, stream, 1, "s", "e", PLACED, at, at, b"", b"{}", b"{}")
            await append(tx, [event], await take_positions(tx, 1))
        await poisoned.live(HISTORY, punctual=False)
        told = await poisoned.said()
        assert await poisoned.alerts.pool.fetchval("SELECT count(*) FROM parked") == 1
        parked = await poisoned.alerts.pool.fetch("SELECT DISTINCT parked FROM closes")
        assert [row["parked"] for row in parked] == [[stream]]
    assert {tuple(fact.incomplete) for fact in told} == {(stream,)}
    assert len(told) == len(said)
    for one, other in zip(told, said, strict=True):
        assert type(one) is type(other)
        assert (one.alert_id if hasattr(one, "alert_id") else one.list_id) == (
            other.alert_id if hasattr(other, "alert_id") else other.list_id
        )
