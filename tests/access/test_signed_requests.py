"""Signed requests (section 12): who is let in, who is not and why, and what a signature covers."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio

from shared.runtime.access import migrate_access
from shared.runtime.bodies import BODY_BYTES_MAX
from shared.runtime.key_ring import REMEMBERED_SECONDS
from shared.runtime.room import Room
from shared.store.access.keys import revoke_key
from shared.store.access.nonces import prune_nonces, use_nonce
from shared.store.access.sealing import Sealing
from shared.store.database import open_pool
from tests.access.signer import Signer, sign
from tests.access.toy_door import Installation, installed

HOSPITAL = "hospital:H36010200001"
ECHO = "/toy/echo/a"


@pytest_asyncio.fixture
async def door(database: str) -> AsyncIterator[Installation]:
    async with installed(database) as installation:
        yield installation


@pytest.mark.parametrize("algorithm", ["sm3", "sha256"])
@pytest.mark.parametrize(
    "target",
    [
        ECHO,
        ECHO + "?a=1&a=2&b=",
        ECHO + "?name=%E5%8C%BB%E9%99%A2&plus=a+b%20c&slash=%2F",
        "/toy/echo/%E4%B8%AD%20%2e?x=%61",
        ECHO + "?a=1;b=2&c=%7e~&after=eyJh==",
    ],
)
async def test_a_signed_request_is_its_keys_actor(
    door: Installation, algorithm: str, target: str
) -> None:
    """Path and query count as they travelled: encoded, repeated, in the order sent."""
    async with door.client(await door.signer(HOSPITAL, algorithm)) as client:
        assert (await client.get(target)).json()["actor"] == HOSPITAL
        told = await client.post(target, content="正文".encode())
        assert (told.status_code, told.json()["bytes"]) == (200, 6)


async def test_bodies_arrive_whole_whichever_way_the_handler_reads_them(door: Installation) -> None:
    async with door.client(await door.signer(HOSPITAL)) as client:
        body = {"名称": "甲" * 50_000}
        for path in ("/toy/object", "/toy/parsed"):
            assert (await client.post(path, json=body)).json()["body"] == body

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(7):
                yield b"x" * 1000

        whole = b"x" * 7000
        stamp, nonce, its = str(int(time.time())), "n-parts", client.auth
        assert isinstance(its, Signer)
        headers = {
            "x-ca-key": its.key,
            "x-ca-timestamp": stamp,
            "x-ca-nonce": nonce,
            "x-ca-signature": sign(its.secret, "POST", ECHO, stamp, nonce, whole, "sm3"),
        }
        told = await client.post(ECHO, content=parts(), headers=headers, auth=None)
        assert told.json()["bytes"] == 7000


async def test_a_compressed_body_is_hashed_as_it_travels(door: Installation) -> None:
    async with door.client(await door.signer(HOSPITAL)) as client:
        packed = gzip.compress(b"y" * 9000)
        told = await client.post(ECHO, content=packed, headers={"content-encoding": "gzip"})
        assert told.json()["bytes"] == 9000


async def test_a_body_too_large_is_413_before_it_is_all_read(door: Installation) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 40 * BODY_BYTES_MAX:
            sent += 65536
            yield b"x" * 65536

    signer = await door.signer(HOSPITAL)
    headers = {"x-ca-key": signer.key, "x-ca-timestamp": str(int(time.time())), "x-ca-nonce": "n"}
    async with door.client(**headers) as client:
        for path in (ECHO, "/toy/object", "/toy/parsed"):
            sent = 0
            told = await client.post(path, content=endless())
            assert (told.status_code, told.json()["code"]) == (413, "batch_too_large"), path
            assert sent < 2 * BODY_BYTES_MAX
        declared = {"content-length": str(BODY_BYTES_MAX + 1)}
        assert (await client.post(ECHO, content=b"x", headers=declared)).status_code == 413


BROKEN = {
    "key_unknown": [{"key": "jk00"}, {"key": ""}, {"key": "a" * 500}, {"key": "'; --"}],
    "signature_invalid": [
        {"signature": "0" * 64}, {"signature": ""}, {"signature": "ÿ"}, {"nonce": "a b"},
        {"nonce": ""}, {"nonce": "x" * 129},
    ],
    "timestamp_out_of_window": [
        {"timestamp": "1760000000"}, {"timestamp": "1760000000000"}, {"timestamp": "soon"},
        {"timestamp": ""}, {"timestamp": "9999999999"}, {"timestamp": "-176000000"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "changes"), [(code, changes) for code, many in BROKEN.items() for changes in many]
)
async def test_what_is_wrong_is_named(
    door: Installation, code: str, changes: dict[str, str]
) -> None:
    made = await door.key(HOSPITAL)
    async with door.client(Signer(made.key, made.secret, changes=changes)) as client:
        told = await client.get(ECHO)
    problem = told.json()
    assert (told.status_code, problem["code"]) == (401, code)
    assert abs(datetime.fromisoformat(problem["server_time"]).timestamp() - time.time()) < 5
    assert "string_to_sign" not in problem


@pytest.mark.parametrize(("skew", "status"), [(-290, 200), (290, 200), (-310, 401), (310, 401)])
async def test_the_window_is_300_seconds_either_way(
    door: Installation, skew: float, status: int
) -> None:
    signer = await door.signer(HOSPITAL)
    signer.skew = skew
    async with door.client(signer) as client:
        assert (await client.get(ECHO)).status_code == status


async def test_what_the_signature_covers_cannot_be_changed(door: Installation) -> None:
    """Method, path, query, timestamp, nonce, body, and the algorithm of the key."""
    signer = await door.signer(HOSPITAL)
    stamp, nonce = str(int(time.time())), "n1"
    signature = sign(signer.secret, "POST", ECHO, stamp, nonce, b"{}", "sm3")
    head = {
        "x-ca-key": signer.key, "x-ca-timestamp": stamp, "x-ca-nonce": nonce,
        "x-ca-signature": signature,
    }  # fmt: skip
    later = str(int(stamp) + 1)
    other_hash = sign(signer.secret, "POST", ECHO, stamp, nonce, b"{}", "sha256")
    async with door.client() as client:
        for method, target, body, changed in (
            ("GET", ECHO, b"{}", {}),
            ("POST", ECHO + "b", b"{}", {}),
            ("POST", ECHO + "?a=1", b"{}", {}),
            ("POST", "/toy/echo/%61", b"{}", {}),
            ("POST", ECHO, b"{ }", {}),
            ("POST", ECHO, b"{}", {"x-ca-timestamp": later}),
            ("POST", ECHO, b"{}", {"x-ca-nonce": "n2"}),
            ("POST", ECHO, b"{}", {"x-ca-signature": signature.upper()}),
            ("POST", ECHO, b"{}", {"x-ca-signature": other_hash}),
        ):
            told = await client.request(method, target, content=body, headers=head | changed)
            assert told.json().get("code") == "signature_invalid", (method, target, body, changed)
        # And none of these forgeries has used the nonce up.
        assert (await client.post(ECHO, content=b"{}", headers=head)).status_code == 200
        again = await client.post(ECHO, content=b"{}", headers=head)
        assert (again.status_code, again.json()["code"]) == (401, "nonce_used")


async def test_one_signature_passes_once_however_many_processes_see_it(database: str) -> None:
    async with installed(database) as one, installed(database) as two:
        made = await one.key(HOSPITAL)
        signer = Signer(made.key, made.secret, changes={"nonce": "same"})
        async with one.client(signer) as first, two.client(signer) as second:
            told = await asyncio.gather(*(c.get(ECHO) for c in (first, second) * 10))
    assert sorted(t.status_code for t in told) == [200] + [401] * 19
    assert {t.json()["code"] for t in told if t.status_code == 401} == {"nonce_used"}


async def test_looking_before_recording_lets_a_replay_through(door: Installation) -> None:
    """Why the nonce is one statement: the naive pair of statements lets both of two racers in."""
    pool = await open_pool(door.dsn, "access", size=4)

    async def naive(pause: asyncio.Event) -> bool:
        seen = await pool.fetchval("SELECT 1 FROM nonces WHERE key = 'k' AND nonce = 'n'")
        await pause.wait()
        await pool.execute(
            "INSERT INTO nonces VALUES ('k', 'n', now() + interval '1 h') ON CONFLICT DO NOTHING"
        )
        return seen is None

    pause = asyncio.Event()
    racers = [asyncio.create_task(naive(pause)) for _ in range(2)]
    await asyncio.sleep(0.1)
    pause.set()
    assert [await racer for racer in racers] == [True, True]
    ours = await asyncio.gather(*(use_nonce(pool, "k", "other") for _ in range(8)))
    assert sorted(ours) == [False] * 7 + [True]
    pool.terminate()


async def test_nonces_are_swept_when_their_timestamps_are_long_refused(door: Installation) -> None:
    pool = await open_pool(door.dsn, "access", size=2)
    assert await use_nonce(pool, "k", "old")
    assert await use_nonce(pool, "k", "new")
    await pool.execute("UPDATE nonces SET expires_at = now() - interval '1 s' WHERE nonce = 'old'")
    await prune_nonces(pool)
    assert [row["nonce"] for row in await pool.fetch("SELECT nonce FROM nonces")] == ["new"]
    pool.terminate()


async def test_a_revoked_key_is_refused_within_moments_and_its_twin_goes_on(
    door: Installation,
) -> None:
    """Rotation: two live keys of one actor, then the old one goes."""
    old, new = await door.signer(HOSPITAL), await door.signer(HOSPITAL, "sha256")
    async with door.client(old) as by_old, door.client(new) as by_new:
        assert (await by_old.get(ECHO)).json()["actor"] == HOSPITAL
        assert (await by_new.get(ECHO)).json()["actor"] == HOSPITAL
        connection = await asyncpg.connect(door.dsn)
        revoked = await revoke_key(connection, old.key)
        assert revoked is not None
        again = await revoke_key(connection, old.key)
        assert again is not None
        assert again.revoked_at == revoked.revoked_at
        await connection.close()
        await asyncio.sleep(REMEMBERED_SECONDS + 0.1)
        assert (await by_old.get(ECHO)).json()["code"] == "key_unknown"
        assert (await by_new.get(ECHO)).status_code == 200


async def test_outside_the_sandbox_the_actor_header_is_refused(door: Installation) -> None:
    signer = await door.signer(HOSPITAL)
    async with door.client(**{"X-Jicai-Actor": HOSPITAL}) as client:
        assert (await client.get(ECHO)).json()["code"] == "actor_header_refused"
        assert (await client.get(ECHO, auth=signer)).json()["code"] == "actor_header_refused"
    async with door.client() as client:
        told = await client.get(ECHO)
        assert (told.status_code, told.json()["code"]) == (401, "unauthenticated")


async def test_development_takes_the_header_and_signatures(database: str) -> None:
    async with installed(database, trust_actor_header=True) as door:
        signer = await door.signer("bureau:360000/zhang")
        async with door.client(**{"X-Jicai-Actor": HOSPITAL}) as client:
            assert (await client.get(ECHO)).json()["actor"] == HOSPITAL
            assert (await client.get(ECHO, auth=signer)).json()["actor"] == "bureau:360000/zhang"


async def test_the_sandbox_shows_its_string_when_a_signature_fails(database: str) -> None:
    async with installed(database, is_sandbox=True) as door:
        made = await door.key(HOSPITAL)
        target = ECHO + "?a=%20"
        empty = "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
        for wrong in ({"signature": "0"}, {"key": "nobody"}, {"timestamp": "1760000000"}):
            signer = Signer(made.key, made.secret, changes={"nonce": "n", **wrong})
            async with door.client(signer) as client:
                told = await client.get(target)
            stamp = told.request.headers["x-ca-timestamp"]
            assert told.status_code == 401
            assert told.json()["string_to_sign"] == f"GET\n{target}\n{stamp}\nn\n{empty}"
        async with door.client(Signer(made.key, made.secret)) as client:
            assert (await client.get(target)).json()["actor"] == HOSPITAL


async def test_secrets_are_sealed_where_a_key_for_them_is_set(database: str) -> None:
    async with installed(database, secrets_key="k" * 32) as door:
        made = await door.key(HOSPITAL, sealing=Sealing("k" * 32))
        async with door.client(Signer(made.key, made.secret)) as client:
            assert (await client.get(ECHO)).status_code == 200
        pool = await open_pool(database, "access", size=1)
        stored = await pool.fetchval("SELECT secret FROM keys")
        assert made.secret.encode() not in stored
        pool.terminate()
    for other in (None, "x" * 32):
        async with (
            installed(database, secrets_key=other) as door,
            door.client(Signer(made.key, made.secret)) as client,
        ):
            told = await client.get(ECHO)
            assert (told.status_code, told.json()["code"]) == (503, "secrets_key_missing")
            assert ("secrets key" in (await client.get("/readyz")).text) == (other is None)


async def test_a_secret_is_sealed_for_its_own_key_only() -> None:
    """A row's secret pasted under another key does not open: who writes the table gains no key."""
    sealing = Sealing("k" * 32)
    sealed = sealing.close("mine", "secret")
    assert sealing.open("mine", sealed, sealed=True) == "secret"
    with pytest.raises(Exception, match="not the one"):
        sealing.open("other", sealed, sealed=True)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO keys VALUES ('k', '', false, 'ops:360000', 'sm3')",
        "UPDATE keys SET revoked_at = NULL",
        "DELETE FROM keys",
        "UPDATE schema_migrations SET sha256 = ''",
        "SELECT * FROM orders.streams",
    ],
)
async def test_who_serves_uses_keys_and_makes_none(door: Installation, statement: str) -> None:
    connection = await asyncpg.connect(door.dsn)
    await connection.execute("CREATE SCHEMA orders; CREATE TABLE orders.streams ()")
    await connection.close()
    pool = await open_pool(door.dsn, "access", size=1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)
    pool.terminate()


async def test_no_service_reads_secrets(orders_room: Room, database: str) -> None:
    await migrate_access(database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await orders_room.pool.execute("SELECT * FROM access.keys")
