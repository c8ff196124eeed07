"""Mechanisms 3, 14 and 15: joined commits keep fates apart, the database helps, faults end well."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from shared.kernel.errors import Problem
from shared.runtime.desk import JOINED_MAX
from shared.runtime.room import Room
from shared.store.embedded import EmbeddedPostgres
from shared.store.locks import STREAMS_MAX, lock_gate
from shared.testing.bus_cases import eventually
from shared.testing.postgres import desk_of, open_room, whole_log
from shared.testing.toys import POISON, a_note, noting


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    async with open_room(database, noting()) as room:
        yield room


@asynccontextmanager
async def closed_gate(room: Room) -> AsyncIterator[None]:
    """While inside nobody commits, so that requests pile up at the desk."""
    async with room.pool.acquire() as tx, tx.transaction():
        await lock_gate(tx, room.service.name)
        yield


async def _piled_up(room: Room, batches: list) -> list[asyncio.Task]:  # type: ignore[type-arg]
    async with closed_gate(room):
        desk = desk_of(room)
        tasks = [asyncio.create_task(desk.submit(batch)) for batch in batches]
        await asyncio.sleep(0)
    await asyncio.wait(tasks)
    return tasks


async def test_joined_requests_get_each_its_own_verdicts(room: Room) -> None:
    """Sixty requests of one to four notes, good and bad mixed: few commits, no verdict astray."""
    batches = []
    for n in range(60):
        batches.append(
            [
                a_note(f"s{n % 7}", f"{n}-{k}", -1 if (n + k) % 5 == 0 else n)
                for k in range(1 + n % 4)
            ]
        )
    tasks = await _piled_up(room, batches)
    rows = {row["event_id"]: row for row in await whole_log(room.pool)}
    for batch, task in zip(batches, tasks, strict=True):
        for sent, verdict in zip(batch, task.result(), strict=True):
            good = sent.command.number >= 0
            assert verdict.status == ("accepted" if good else "rejected")
            assert (sent.event_id in rows) == good
            if good:
                assert verdict.position == rows[sent.event_id]["position"]
            else:
                assert verdict.refusal.code == "negative"
    assert len({row["xid"] for row in rows.values()}) < 10


async def test_a_bug_that_one_request_trips_over_hurts_no_neighbour(room: Room) -> None:
    """A batch that fails as a whole is tried again request by request."""
    batches = [[a_note(f"s{n}", f"e{n}", POISON if n == 5 else n)] for n in range(12)]
    tasks = await _piled_up(room, batches)
    assert isinstance(tasks[5].exception(), RuntimeError)
    assert [t.result()[0].status for t in tasks if t is not tasks[5]] == ["accepted"] * 11
    assert len(await whole_log(room.pool)) == 11


async def test_what_is_joined_keeps_within_a_transactions_bounds(room: Room) -> None:
    """At most a thousand events and a thousand streams are joined, however many wait."""
    batches = [[a_note(f"s{n}-{k}", f"{n}-{k}") for k in range(400)] for n in range(6)]
    tasks = await _piled_up(room, batches)
    assert all(v.status == "accepted" for task in tasks for v in task.result())
    sizes = await room.pool.fetch("SELECT count(*) AS n FROM events GROUP BY xid")
    assert max(row["n"] for row in sizes) <= min(JOINED_MAX, STREAMS_MAX)


async def test_racing_resends_are_accepted_exactly_once(database: str, room: Room) -> None:
    """Four replicas get the same notes in any order: one acceptance each, the rest duplicates of it."""
    notes = [a_note(f"s{n % 11}", f"e{n}") for n in range(60)]
    async with (
        open_room(database, noting()) as second,
        open_room(database, noting()) as third,
    ):
        desks = [desk_of(r) for r in (room, second, third)]
        tasks = [
            asyncio.create_task(desks[n % 3].submit(order[k : k + 7]))
            for n, order in enumerate([notes, notes[::-1], notes[30:] + notes[:30], notes[::-1]])
            for k in range(0, 60, 7)
        ]
        await asyncio.wait(tasks)
    positions: dict[int, list[str]] = {}
    for task in tasks:
        for verdict in task.result():
            positions.setdefault(verdict.position, []).append(verdict.status)
    assert len(positions) == 60
    for statuses in positions.values():
        assert sorted(statuses) == ["accepted"] + ["duplicate"] * 3
    assert len(await whole_log(room.pool)) == 60


async def test_the_same_id_under_two_streams_is_one_acceptance_and_one_conflict(
    database: str, room: Room
) -> None:
    """No common lock covers them: the unique identity does, and the loser is told, not failed."""
    async with open_room(database, noting()) as second:
        for n in range(25):
            one, other = a_note(f"a{n}", f"e{n}"), a_note(f"b{n}", f"e{n}")
            verdicts = await asyncio.gather(
                desk_of(room).submit([one, a_note(f"c{n}", f"c{n}")]),
                desk_of(second).submit([other, a_note(f"d{n}", f"d{n}")]),
            )
            statuses = sorted(v[0].status for v in verdicts)
            assert statuses == ["accepted", "rejected"]
            [refusal] = [v[0].refusal for v in verdicts if v[0].refusal is not None]
            assert refusal.code == "conflicting_duplicate"
            assert {v[1].status for v in verdicts} == {"accepted"}  # the neighbours
    assert len(await whole_log(room.pool)) == 75


async def test_the_same_id_of_two_sources_is_two_facts(room: Room) -> None:
    """Senders number for themselves: nobody knows what another has used."""
    notes = [a_note("s", "e", n, source=f"urn:jicai:toy:{n}") for n in (1, 2)]
    for note in notes:
        assert [v.status for v in await desk_of(room).submit([note])] == ["accepted"]
    assert [v.status for v in await desk_of(room).submit(notes)] == ["duplicate"] * 2
    assert len(await whole_log(room.pool)) == 2


async def test_a_resend_inside_one_batch_is_a_duplicate_of_its_first(room: Room) -> None:
    note, other = a_note("s", "e"), a_note("s", "e", 2)
    verdicts = await desk_of(room).submit([note, note, other])
    assert [v.status for v in verdicts] == ["accepted", "duplicate", "rejected"]
    assert verdicts[0].position == verdicts[1].position is not None


async def test_a_client_that_goes_away_leaves_its_notes_committed(room: Room) -> None:
    """Its neighbours' commit does not depend on it, nor its own."""
    async with closed_gate(room):
        gone = asyncio.create_task(desk_of(room).submit([a_note("s", "gone")]))
        stays = asyncio.create_task(desk_of(room).submit([a_note("s", "stays")]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    assert (await stays)[0].status == "accepted"
    await desk_of(room).drain()
    assert {row["event_id"] for row in await whole_log(room.pool)} == {"gone", "stays"}


async def test_a_dry_run_tells_the_truth_and_stores_nothing(room: Room) -> None:
    await desk_of(room).submit([a_note("s", "known")])
    before = await whole_log(room.pool)
    streams = await room.pool.fetch("SELECT *, xmin::text FROM streams")
    batch = [a_note("s", "new"), a_note("s", "new"), a_note("s", "bad", -1), a_note("s", "known")]
    verdicts = await desk_of(room).dry_run(batch)
    assert [v.status for v in verdicts] == ["accepted", "duplicate", "rejected", "duplicate"]
    assert before == await whole_log(room.pool)
    assert streams == await room.pool.fetch("SELECT *, xmin::text FROM streams")
    assert (await desk_of(room).submit(batch))[0].status == "accepted"


async def test_a_desk_says_when_too_much_waits_and_recovers(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.desk.WAITING_MAX", 50)
    desk = desk_of(room)
    async with closed_gate(room):
        tasks = []
        for n in range(60):
            tasks.append(asyncio.create_task(desk.submit([a_note(f"s{n}", f"e{n}")])))
            await asyncio.sleep(0)
        assert desk.is_full
    await asyncio.wait(tasks)
    assert not desk.is_full
    assert len(await whole_log(room.pool)) == 60


async def test_a_connection_that_dies_in_the_middle_is_a_503_and_a_resend_records_once(
    database: str, room: Room
) -> None:
    """Whether it had committed nobody knows; the same content again settles it."""
    async with closed_gate(room):
        task = asyncio.create_task(desk_of(room).submit([a_note("s", "e")]))
        ask = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        pid = await eventually(lambda: room.pool.fetchval(ask))
        owner = await asyncpg.connect(database)
        await owner.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(Problem) as caught:
            await task
        await owner.close()
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]
    verdicts = await desk_of(room).submit([a_note("s", "e")])
    assert verdicts[0].status in ("accepted", "duplicate")
    assert len(await whole_log(room.pool)) == 1


async def test_a_dead_database_is_a_503_until_it_is_back() -> None:
    """Nothing is lost, nothing is recorded twice, and nobody needs to restart the service."""
    with tempfile.TemporaryDirectory(prefix="jicai-test-") as place:
        server = EmbeddedPostgres(Path(place) / "pg", durable=False)
        try:
            dsn = await asyncio.to_thread(server.start)
            async with open_room(dsn, noting()) as room:
                assert (await desk_of(room).submit([a_note("s", "one")]))[0].status == "accepted"
                await asyncio.to_thread(server.stop)
                for _ in range(3):
                    with pytest.raises(Problem) as caught:
                        await desk_of(room).submit([a_note("s", "two")])
                    assert (caught.value.status, caught.value.code) == (503, "unavailable")
                assert await asyncio.to_thread(server.start) == dsn
                verdicts = await desk_of(room).submit([a_note("s", "one"), a_note("s", "two")])
                assert [v.status for v in verdicts] == ["duplicate", "accepted"]
        finally:
            await asyncio.to_thread(server.remove)
