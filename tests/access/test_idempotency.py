"""`Idempotency-Key` (section 12): one act, one answer, however often, wherever and whenever it is sent."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from shared.runtime.time import ManualTime
from shared.store.access.answers import Claim, KeptAnswer, claim_answer, hold
from shared.store.database import open_pool
from shared.testing.postgres import MONDAY
from tests.access.toy_door import Installation, installed

ACTOR = "bureau:360000"
KEY = {"Idempotency-Key": "k-1"}


@pytest_asyncio.fixture
async def door(database: str) -> AsyncIterator[Installation]:
    async with installed(database, trust_actor_header=True) as installation:
        yield installation


async def test_the_same_request_again_is_answered_as_the_first_time(door: Installation) -> None:
    async with door.client(**{"X-Jicai-Actor": ACTOR}) as client:
        first = await client.post("/toy/act", json={"a": 1}, headers=KEY)
        again = await client.post("/toy/act", json={"a": 1}, headers=KEY)
        assert (first.status_code, first.json()) == (201, {"ran": 1})
        assert (again.status_code, again.content) == (201, first.content)
        for name in ("location", "content-type", "content-length"):
            assert again.headers[name] == first.headers[name]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        # Without a key, and under another, it is another act.
        assert (await client.post("/toy/act", json={"a": 1})).json() == {"ran": 2}
        other = {"Idempotency-Key": "k-2"}
        assert (await client.post("/toy/act", json={"a": 1}, headers=other)).json() == {"ran": 3}


async def test_other_content_under_the_same_key_is_refused(door: Installation) -> None:
    async with door.client(**{"X-Jicai-Actor": ACTOR}) as client:
        await client.post("/toy/act", json={"a": 1}, headers=KEY)
        for path, body in (("/toy/act", {"a": 2}), ("/toy/act?b=1", {"a": 1})):
            told = await client.post(path, json=body, headers=KEY)
            assert (told.status_code, told.json()["code"]) == (422, "idempotency_key_reused")
    assert door.toy.ran == 1


async def test_a_key_belongs_to_its_actor_and_its_path(door: Installation) -> None:
    async with door.client(**KEY) as client:
        for actor in (ACTOR, ACTOR + "/zhang", "bureau:360100"):
            told = await client.post("/toy/act", headers={"X-Jicai-Actor": actor})
            assert "idempotent-replayed" not in told.headers
        told = await client.post("/toy/object", json={}, headers={"X-Jicai-Actor": ACTOR})
        assert told.status_code == 200
        assert "idempotent-replayed" not in told.headers
    assert door.toy.ran == 3


async def test_the_same_body_compressed_anew_is_the_same_body(door: Installation) -> None:
    headers = {"X-Jicai-Actor": ACTOR, "content-encoding": "gzip", **KEY}
    async with door.client(**headers) as client:
        for mtime, replayed in ((1, None), (2, "true")):
            told = await client.post("/toy/echo/a", content=gzip.compress(b"x" * 99, mtime=mtime))
            assert (told.status_code, told.json()["bytes"]) == (200, 99)
            assert told.headers.get("idempotent-replayed") == replayed


async def test_a_refusal_is_kept_and_a_breakdown_is_not(door: Installation) -> None:
    door.toy.answers = [404, 500, 201]
    async with door.client(**{"X-Jicai-Actor": ACTOR, "Idempotency-Key": "refused"}) as client:
        assert (await client.post("/toy/act")).status_code == 404
        again = await client.post("/toy/act")
        assert (again.status_code, again.headers["idempotent-replayed"]) == (404, "true")
        assert again.headers["content-type"] == "application/problem+json"
    async with door.client(**{"X-Jicai-Actor": ACTOR, "Idempotency-Key": "broken"}) as client:
        assert (await client.post("/toy/act")).status_code in (500, 503)
        assert (await client.post("/toy/act")).json() == {"ran": 3}
        assert (await client.post("/toy/act")).headers["idempotent-replayed"] == "true"


async def test_nobody_claims_a_key_unknown_callers_included(door: Installation) -> None:
    async with door.client(**KEY) as client:
        assert (await client.post("/toy/act")).status_code == 401
        told = await client.post("/toy/act", headers={"X-Jicai-Actor": ACTOR})
        assert told.status_code == 201


async def test_a_signed_retry_is_signed_anew_and_gets_the_first_answer(database: str) -> None:
    async with installed(database) as door:
        async with door.client(await door.signer(ACTOR), **KEY) as client:
            first, again = [await client.post("/toy/act", json={"a": 1}) for _ in range(2)]
        assert first.content == again.content
        assert again.headers["idempotent-replayed"] == "true"


async def test_only_one_of_many_at_once_acts_whichever_process_it_meets(database: str) -> None:
    async with (
        installed(database, trust_actor_header=True) as one,
        installed(database, trust_actor_header=True) as two,
    ):
        async with (
            one.client(**{"X-Jicai-Actor": ACTOR, **KEY}) as first,
            two.client(**{"X-Jicai-Actor": ACTOR, **KEY}) as second,
        ):
            tasks = [asyncio.create_task(c.post("/toy/slow")) for c in (first, second) * 10]
            done: set[asyncio.Task] = set()
            while len(done) < 19:
                done, _ = await asyncio.wait(
                    tasks, timeout=0.1, return_when=asyncio.FIRST_COMPLETED
                )
                await asyncio.sleep(0.01)
                assert one.toy.ran + two.toy.ran <= 1, "two act at once"
            for task in done:
                told = task.result()
                assert (told.status_code, told.json()["code"]) == (409, "idempotency_in_flight")
                assert told.headers["retry-after"] == "1"
            one.toy.go_on.set()
            two.toy.go_on.set()
            answers = [await task for task in tasks]
            assert sorted(a.status_code for a in answers) == [200] + [409] * 19
            late = await second.post("/toy/slow")
            assert (late.status_code, late.headers["idempotent-replayed"]) == (200, "true")
        assert one.toy.ran + two.toy.ran == 1


CLAIMING = """
import asyncio, sys, uuid
from shared.runtime.access import open_access
from shared.runtime.time import DatabaseTime
from shared.store.access.answers import Claim

async def main():
    access = await open_access(sys.argv[1], DatabaseTime())
    claim = Claim("bureau:360000", "/toy/act", "k-1", b"same", uuid.uuid4())
    print(await access.claim(claim), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_claim_dies_with_its_process_and_not_before(door: Installation) -> None:
    """`kill -9` between claim and answer: the next one goes on at once, with the same content only."""
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", CLAIMING, door.dsn],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "None\n"

        def mine(request: bytes = b"same") -> Claim:
            return Claim("bureau:360000", "/toy/act", "k-1", request, uuid.uuid4())

        assert await door.access.claim(mine()) == "in_flight"
        process.kill()
        process.wait(10)
        assert await door.access.claim(mine(b"other")) == "reused"
        for _ in range(100):  # the server notices the dead connection in its own time
            told = await door.access.claim(mine())
            if told is None:
                break
            await asyncio.sleep(0.05)
        assert told is None
        assert await door.access.claim(mine()) == "in_flight"
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


async def test_keys_are_claimed_again_once_the_database_has_come_back(door: Installation) -> None:
    """The session by which a process is seen to live ends with its server; it opens another one."""
    async with door.client(**{"X-Jicai-Actor": ACTOR}) as client:
        assert (await client.post("/toy/act", json={"a": 1}, headers=KEY)).status_code == 201
        server = await asyncpg.connect(door.dsn)
        try:
            ended = await server.fetchval(
                """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                   WHERE application_name = 'jicai-access' AND datname = current_database()"""
            )
        finally:
            await server.close()
        assert ended > 0
        again = await client.post("/toy/act", json={"a": 1}, headers=KEY)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
        other = {"Idempotency-Key": "k-2"}
        assert (await client.post("/toy/act", json={"a": 1}, headers=other)).status_code == 201


async def test_without_the_lock_a_slow_request_is_overtaken(door: Installation) -> None:
    """Why a holder shows that it lives: a number alone is taken for dead, and the act runs twice."""
    pool = await open_pool(door.dsn, "access", size=4)

    def claim(key: str) -> Claim:
        return Claim("a", "/p", key, b"", uuid.uuid4())

    assert await claim_answer(pool, claim("naive"), 1, MONDAY) is None
    assert await claim_answer(pool, claim("naive"), 2, MONDAY) is None
    connection = await pool.acquire()
    await hold(connection, 3)
    assert await claim_answer(pool, claim("held"), 3, MONDAY) is None
    told = await asyncio.gather(*(claim_answer(pool, claim("held"), 4, MONDAY) for _ in range(4)))
    assert told == ["in_flight"] * 4
    pool.terminate()


async def test_an_overtaken_claim_cannot_put_its_answer_in_the_others_place(
    door: Installation,
) -> None:
    slow = Claim("a", "/p", "k", b"", uuid.uuid4())
    assert await door.access.claim(slow) is None
    await door.access.release(slow)
    quick = Claim("a", "/p", "k", b"", uuid.uuid4())
    assert await door.access.claim(quick) is None
    await door.access.keep(slow, KeptAnswer(200, b"[]", b"slow"))
    await door.access.release(slow)
    assert await door.access.claim(slow) == "in_flight"
    await door.access.keep(quick, KeptAnswer(200, b"[]", b"quick"))
    assert await door.access.claim(slow) == KeptAnswer(200, b"[]", b"quick")


async def test_an_answer_is_kept_for_72_hours_of_the_services_time(database: str) -> None:
    time = ManualTime(MONDAY)
    async with (
        installed(database, is_sandbox=True, time=time) as door,
        door.client(**{"X-Jicai-Actor": ACTOR, **KEY}) as client,
    ):
        assert (await client.post("/toy/act")).json() == {"ran": 1}
        time.set(MONDAY + timedelta(hours=71, minutes=59))
        assert (await client.post("/toy/act")).headers["idempotent-replayed"] == "true"
        time.set(MONDAY + timedelta(hours=72))
        assert (await client.post("/toy/act")).json() == {"ran": 2}


async def test_doors_for_facts_take_no_key(door: Installation) -> None:
    """An event's own id does the same."""
    async with door.client(**{"X-Jicai-Actor": ACTOR, **KEY}) as client:
        for ran in (1, 2):
            told = await client.post("/toy/events")
            assert (told.json(), "idempotent-replayed" in told.headers) == ({"ran": ran}, False)


@pytest.mark.parametrize("key", ["", "x" * 256, "键"])
async def test_a_key_is_a_short_line_of_ascii(door: Installation, key: str) -> None:
    headers = [(b"X-Jicai-Actor", ACTOR.encode()), (b"Idempotency-Key", key.encode())]
    async with door.client() as client:
        told = await client.post("/toy/act", headers=headers)
        assert (told.status_code, told.json()["code"]) == (422, "malformed")
