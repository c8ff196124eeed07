"""A stored state is nothing but its facts: replaying a stream gives the row, byte for byte."""

from __future__ import annotations

import msgspec
import pytest

from services.orders.app import service
from services.orders.domain.evolving import evolve
from services.orders.domain.order import decode, encode
from shared.events.orders import FACTS
from shared.events.topics import MARKS
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.testing.postgres import desk_of, fresh_database, open_room, whole_log
from shared.testing.toys import NOTED, TOY_RULES, Fired, Noted, Toy, a_note, noting
from tests.oracle.histories import history
from tests.shared.playing import play


async def _replayed(room: Room) -> dict[str, tuple[int, bytes]]:
    """Each order from its facts alone, through the same `evolve`."""
    states: dict[str, tuple[int, object]] = {}
    for row in await whole_log(room.pool):
        if row["topic"] != MARKS and row["stream"].startswith("order-"):
            version, state = states.get(row["stream"], (0, None))
            assert row["version"] == version + 1
            fact = msgspec.json.decode(row["fact"], type=FACTS[row["type"]])
            states[row["stream"]] = (version + 1, evolve(state, row["type"], fact))  # type: ignore[arg-type]
    return {name: (version, encode(state)) for name, (version, state) in states.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize(("seed", "importer"), [(1, False), (2, False), (3, True)])
async def test_the_state_of_an_order_is_the_replay_of_its_facts(
    database: str, seed: int, importer: bool
) -> None:
    """Random histories with mischief, migrations, voids: state, version, due and columns."""
    told = history(seed, orders=25, days=25, importer=importer)
    async with open_room(database, service, time=ManualTime(told.start)) as room:
        await play(room, told, awake=False)
        rows = await room.pool.fetch("SELECT * FROM streams WHERE stream LIKE 'order-%'")
        replayed = await _replayed(room)
        decider = desk_of(room).kit.decider
    assert len(rows) == len(replayed) > 15
    for row in rows:
        assert (row["version"], row["state"]) == replayed[row["stream"]], row["stream"]
        order = decode(row["state"])
        assert row["next_due"] == decider.due(order)
        shown = ("hospital_id", "distributor_id", "manufacturers", "states", "last_due")
        assert tuple(row[name] for name in shown) == decider.columns(order)


@pytest.mark.parametrize("seed", [4, 5])
async def test_the_log_of_orders_does_not_tell_whether_anybody_was_awake(
    postgres: str, seed: int
) -> None:
    """The real rules, not the toys': voids of a sleeping worker are those of a punctual one."""
    logs = []
    for awake in (True, False):
        async with fresh_database(postgres) as dsn, open_room(dsn, service) as room:
            await play(room, history(seed, orders=25, days=25), awake=awake)
            rows = await whole_log(room.pool)
            logs.append(
                sorted(
                    (r["stream"], r["version"], r["event_id"], r["recorded_at"], r["fact"])
                    for r in rows
                )
            )
    assert any("void-" in row[2] for row in logs[0])
    assert logs[0] == logs[1]


async def test_the_replay_would_notice_a_state_that_was_stored_by_other_means(
    database: str,
) -> None:
    """A row that somebody wrote by hand is not the replay of its facts."""
    async with open_room(database, noting()) as room:
        await desk_of(room).submit([a_note("s", f"e{n}", n) for n in range(5)])
        stored = await room.pool.fetchval("SELECT state FROM streams")
        state: Toy | None = None
        for row in await whole_log(room.pool):
            kind = Noted if row["type"] == NOTED else Fired
            state = TOY_RULES.evolve(
                state, row["type"], msgspec.json.decode(row["fact"], type=kind)
            )
        assert state is not None
        assert TOY_RULES.encode(state) == stored
        state.total += 1
        assert TOY_RULES.encode(state) != stored
