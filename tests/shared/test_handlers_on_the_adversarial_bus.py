"""Mechanism 9: no handler's rows depend on how its facts arrived. Every service that folds is tried."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from jicai.rooms import SERVICES
from services.orders.app import service as orders
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, ORDERS, REFERENCE
from shared.runtime.room import Room
from shared.runtime.service import Service
from shared.runtime.time import ManualTime
from shared.testing.adversarial import TAME, AdversarialBus, Manners
from shared.testing.faults import Faults
from shared.testing.postgres import fresh_database, open_room
from shared.testing.storms import fine_weather, weather
from shared.testing.toys import hearing
from tests.oracle.histories import history
from tests.shared.playing import play, records_of

FOLDING = [
    service
    for name, service in SERVICES.items()
    if name in ("alerts", "settlement") and service.fold is not None
]
MASONRY = frozenset(
    {
        "streams",
        "log_head",
        "checkpoints",
        "met",
        "closes",
        "suspects",
        "schema_migrations",
        "calendar_years",
    }
)
HOW_OFTEN = frozenset({"revision", "position", "xid", "first_xid", "first_position", "applied_at"})
"""Columns that say how often or where a row was written, not what it says."""


RUDE = Manners(partitions=2, hide=0.3)


@pytest_asyncio.fixture(scope="session")
async def facts(postgres: str) -> dict[int, list[Record]]:
    """The log of orders after each of two random histories, marks and all."""
    logs = {}
    for seed in (1, 2):
        told = history(seed, orders=25, days=3)
        async with (
            fresh_database(postgres) as dsn,
            open_room(dsn, orders, time=ManualTime(told.start)) as room,
        ):
            await play(room, told, awake=seed == 1)
            logs[seed] = await records_of(room, (ORDERS, DELIVERIES, REFERENCE))
    return logs


async def _rows(room: Room) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the service's own tables hold."""
    tables = await room.pool.fetch(
        """SELECT table_name AS name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
           FROM information_schema.columns WHERE table_schema = $1 GROUP BY 1 ORDER BY 1""",
        room.service.name,
    )
    rows = {}
    for table in tables:
        if table["name"] in MASONRY:
            continue
        names = [name for name in table["columns"] if name not in HOW_OFTEN]
        quoted = ", ".join(f'"{name}"' for name in names)
        found = await room.pool.fetch(f'SELECT {quoted} FROM "{table["name"]}"')
        rows[table["name"]] = sorted(map(tuple, found), key=repr)
    return rows


async def _taken(
    postgres: str,
    service: Service,
    records: list[Record],
    bus: AdversarialBus,
    faults: Faults | None,
) -> dict[str, list[tuple[Any, ...]]]:
    """The service's rows after this bus has brought everything, and how far each mark got."""
    time = ManualTime(records[-1].recorded_at)
    async with fresh_database(postgres) as dsn, open_room(dsn, service, time=time) as room:
        bus.publish("orders", records)
        if faults is None:
            await fine_weather(room, bus, batch_max=500)
        else:
            await weather(room, bus, faults, consumers=2, batch_max=bus.random.randint(1, 200))
        rows = await _rows(room)
        rows["closes"] = [tuple(r) for r in await room.pool.fetch("SELECT close_at FROM closes")]
        rows["closes"].sort()
        return rows


@pytest.mark.parametrize("story", [1, 2])
@pytest.mark.parametrize("service", FOLDING, ids=lambda service: service.name)
async def test_rows_and_closes_are_those_of_plain_order(
    postgres: str, facts: dict[int, list[Record]], service: Service, story: int
) -> None:
    """Partitions apart, topics overtaking, stretches and marks again, owners changing, deaths."""
    records = facts[story]
    plain = await _taken(
        postgres, service, records, AdversarialBus(["orders"], seed=0, manners=TAME), None
    )
    assert sum(map(len, plain.values())) > 10
    if service.close is not None:
        assert len(plain["closes"]) > 20
    for seed in (story, story + 2):
        bus = AdversarialBus(["orders"], seed=seed, manners=RUDE)
        rude = await _taken(postgres, service, records, bus, Faults(seed, 0.005 * (seed - story)))
        assert rude.keys() == plain.keys()
        for table, rows in plain.items():
            assert rude[table] == rows, f"{service.name}.{table} with seed {seed}"


async def test_a_handler_that_minds_repeats_is_found_out(
    postgres: str, facts: dict[int, list[Record]]
) -> None:
    """The toy hearer counts every sighting: on this bus its rows are not those of plain order."""
    service = hearing((ORDERS, DELIVERIES, REFERENCE))
    plain, rude = [
        await _taken(
            postgres, service, facts[1], AdversarialBus(["orders"], seed=1, manners=manners), None
        )
        for manners in (TAME, RUDE)
    ]
    assert rude["tally"] > plain["tally"]
    # But what a close stands on is the same however often it came.
    assert rude["closed"] == plain["closed"]
