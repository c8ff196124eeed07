"""Under load: one organisation's flood is its own trouble, and keys are changed while requests fly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
import pytest

from shared.store.access.keys import NewKey, add_key, revoke_key
from shared.store.access.sealing import Sealing
from tests.access.signer import Signer
from tests.hostile.served import Served, an_order, fill, serving
from tests.journeys.goods import FAR, H2, H

EVENTS = "/orders/v1/events"
RATE = 15
"""Requests a second and at once: few, so that one sender of a test can be too many."""
EFFECTIVE_SECONDS = 5.0
"""Within so long a revoked key is refused by every process."""


@pytest.fixture(scope="module")
def two(migrated: str) -> Iterator[list[Served]]:
    """Two processes over one database, the market filled; callers sign."""
    with serving(migrated, trust_actor_header="true") as filling:
        fill(filling)
    bound = {"rate_requests": RATE, "rate_burst_seconds": 1}
    with serving(migrated, **bound) as one, serving(migrated, "orders", **bound) as other:
        yield [one, other]


async def make_key(dsn: str, actor: str) -> NewKey:
    connection = await asyncpg.connect(dsn)
    try:
        return await add_key(connection, actor, "sm3", Sealing())
    finally:
        await connection.close()


async def revoke(dsn: str, key: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await revoke_key(connection, key)
    finally:
        await connection.close()


@asynccontextmanager
async def speaking(served: Served, key: NewKey, **more: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=served.url, auth=Signer(key.key, key.secret, **more), timeout=60
    ) as client:
        yield client


async def test_a_flood_of_one_hospital_is_refused_and_nobody_else_notices(
    two: list[Served],
) -> None:
    served = two[0]
    flooder = await make_key(served.dsn, f"hospital:{H}")
    others = [await make_key(served.dsn, f"hospital:{name}") for name in (H2, FAR)]
    told: list[httpx2.Response] = []
    over = asyncio.Event()

    async def flood(client: httpx2.AsyncClient) -> None:
        while not over.is_set():
            told.append(await client.post(EVENTS, json=[]))

    async def ask(key: NewKey) -> list[int]:
        """Less than it may, one after the other, while the flood is on."""
        async with speaking(served, key) as client:
            statuses = []
            for _ in range(RATE):
                statuses.append((await client.get("/orders/v1/orders?limit=1")).status_code)
                await asyncio.sleep(1.5 / RATE)
            return statuses

    began = time.monotonic()
    async with speaking(served, flooder) as client:
        floods = [asyncio.create_task(flood(client)) for _ in range(16)]
        answered = await asyncio.gather(*map(ask, others))
        over.set()
        await asyncio.gather(*floods)
    lasted = time.monotonic() - began
    assert answered == [[200] * RATE] * 2
    let_in = [answer for answer in told if answer.status_code == 200]
    refused = [answer for answer in told if answer.status_code == 429]
    assert len(let_in) + len(refused) == len(told)
    assert RATE <= len(let_in) <= RATE * (1 + lasted)
    assert len(refused) > len(let_in)
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}


@dataclass
class Sender:
    """A hospital's program: each id is kept until it is answered, whichever key signs the next attempt."""

    served: list[Served]
    keys: list[NewKey]
    accepted: dict[str, int] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)
    used: list[tuple[float, str, int]] = field(default_factory=list)
    over: bool = False

    async def send_on(self, number: int) -> None:
        """One event after the other, to the processes in turn."""
        async with httpx2.AsyncClient(timeout=60) as client:
            count = 0
            while not self.over:
                event = an_order(f"rotating-{number}-{count}")
                await self._send(client, event, number + count)
                count += 1

    async def _send(self, client: httpx2.AsyncClient, event: dict[str, Any], turn: int) -> None:
        while True:
            turn += 1
            which = turn % len(self.served)
            key = self.keys[turn // 2 % len(self.keys)]
            sent = time.monotonic()
            answer = await client.post(
                self.served[which].url + EVENTS, json=[event], auth=Signer(key.key, key.secret)
            )
            if answer.status_code == 200:
                (result,) = answer.json()["results"]
                self.verdicts.append(result["status"])
                self.accepted[event["id"]] = result["position"]
                self.used.append((sent, key.key, which))
                return
            code = answer.json()["code"]
            assert (answer.status_code, code) in ((429, "rate_limited"), (401, "key_unknown")), code
            if answer.status_code == 429:
                await asyncio.sleep(float(answer.headers["retry-after"]))

    def uses(self, key: NewKey, which: int) -> list[float]:
        """When requests were sent that this process took under this key."""
        return [at for at, name, process in self.used if (name, process) == (key.key, which)]

    async def until_used(self, *keys: NewKey) -> None:
        """Until each process has taken some requests under each of these keys from now on."""
        since = time.monotonic()
        while any(  # noqa: ASYNC110 - what others did is looked at
            sum(at > since for at in self.uses(key, which)) < 3
            for key in keys
            for which in range(len(self.served))
        ):
            await asyncio.sleep(0.05)


async def test_keys_are_rotated_under_load_and_no_request_is_lost_or_doubled(
    two: list[Served],
) -> None:
    """The old key, both, the new one alone; a revocation counts in every process within five seconds."""
    dsn = two[0].dsn
    old = await make_key(dsn, f"hospital:{H}")
    sender = Sender(two, [old])
    tasks = [asyncio.create_task(sender.send_on(number)) for number in range(6)]
    try:
        async with asyncio.timeout(120):
            await sender.until_used(old)
            new = await make_key(dsn, f"hospital:{H}")
            sender.keys = [old, new]
            await sender.until_used(old, new)
            await revoke(dsn, old.key)
            revoked = time.monotonic()
            await asyncio.sleep(EFFECTIVE_SECONDS + 1)
            await sender.until_used(new)
    finally:
        sender.over = True
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert ended == [None] * 6
    for which in (0, 1):
        assert max(sender.uses(old, which)) < revoked + EFFECTIVE_SECONDS
        assert max(sender.uses(new, which)) > revoked + EFFECTIVE_SECONDS
    assert set(sender.verdicts) == {"accepted"}
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT event_id, position FROM orders.events WHERE event_id LIKE 'rotating-%'"
        )
    finally:
        await connection.close()
    assert sorted((row["event_id"], row["position"]) for row in rows) == sorted(
        sender.accepted.items()
    )


async def test_nonces_and_revocations_are_remembered_across_keys_processes_and_restarts(
    two: list[Served],
) -> None:
    dsn = two[0].dsn
    # An organisation of its own, and few requests: what the others have sent is not counted here.
    old, new = [await make_key(dsn, f"hospital:{H2}/zhang") for _ in range(2)]
    path, same = "/orders/v1/orders?limit=1", {"nonce": "same"}

    async def ask(served: Served, key: NewKey, **more: Any) -> tuple[int, str | None]:
        async with speaking(served, key, **more) as client:
            answer = await client.get(path)
        return answer.status_code, answer.json().get("code")

    # A nonce belongs to its key: the other key may use the same, each of them once everywhere.
    for key in (old, new):
        assert await ask(two[0], key, changes=same) == (200, None)
        for served in two:
            assert await ask(served, key, changes=same) == (401, "nonce_used")
    await revoke(dsn, old.key)
    with serving(dsn, "orders") as started:
        assert await ask(started, old) == (401, "key_unknown")
        assert await ask(started, old, changes=same) == (401, "key_unknown")
        assert await ask(started, new, changes=same) == (401, "nonce_used")
        assert await ask(started, new) == (200, None)
        for skew in (-310, 310):
            assert await ask(started, new, skew=skew) == (401, "timestamp_out_of_window")
