"""Rate limits: what a bucket lets through, whose bucket it is, and that a refused body is not read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.errors import Problem
from shared.runtime import limits
from shared.runtime.bodies import BODY_BYTES_MAX
from shared.runtime.limits import Meter, Rate, RateLimits
from shared.runtime.room import Room
from shared.runtime.settings import Settings
from shared.runtime.web import create_app
from tests.access.toy_door import installed

HOSPITAL, OTHER = "hospital:H36010200001", "hospital:H36010200002"
ECHO = "/toy/echo/a"


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


gaps = st.lists(st.floats(min_value=0, max_value=3, allow_nan=False), min_size=1, max_size=60)
rates_ = st.builds(Rate, st.sampled_from([0.5, 1.0, 7.0, 100.0]), st.sampled_from([1.0, 2.0, 10.0]))


@settings(max_examples=300, deadline=None)
@given(rates_, gaps)
def test_no_stretch_of_time_lets_in_more_than_the_burst_and_its_rate(
    rate: Rate, waits: list[float]
) -> None:
    meter, now, let_in = Meter(rate), 0.0, []
    for gap in waits:
        now += gap
        if meter.wait("a", now, 1) < 1e-9:
            meter.spend("a", now, 1)
            let_in.append(now)
    for first, began in enumerate(let_in):
        for last, ended in enumerate(let_in[first:], first):
            assert last - first + 1 <= rate.burst + rate.per_second * (ended - began) + 1e-6


@settings(max_examples=200, deadline=None)
@given(rates_, gaps)
def test_who_waits_as_told_is_let_in_then_and_not_before(rate: Rate, waits: list[float]) -> None:
    meter, now = Meter(rate), 0.0
    for gap in waits:
        now += gap
        wait = meter.wait("a", now, 1)
        if wait > 1e-6:
            assert meter.wait("a", now + wait * 0.9, 1) > 0
        now += wait
        assert meter.wait("a", now, 1) < 1e-6
        meter.spend("a", now, 1)


def test_debt_is_waited_for_to_its_end_and_no_longer() -> None:
    clock = Hand()
    bound = RateLimits(events=Rate(10, 100), clock=clock)
    bound.take("a", 0)
    bound.spend_events("a", 1000)
    with pytest.raises(Problem) as told:
        bound.take("a", 0)
    assert (told.value.status, told.value.headers) == (429, {"Retry-After": "90"})
    clock.now += 90
    bound.take("a", 0)
    bound.spend_events("a", 1)
    with pytest.raises(Problem):
        bound.take("a", 0)


def test_asking_costs_nothing() -> None:
    """Who knows no more than a key's name must not be able to spend what its organisation has."""
    clock = Hand()
    bound = RateLimits(requests=Rate(1, 1), clock=clock)
    for _ in range(100):
        bound.ask("a")
    bound.take("a", 0)
    with pytest.raises(Problem):
        bound.ask("a")


def test_buckets_that_are_full_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_MAX", 100)
    meter = Meter(Rate(1, 1))
    meter.spend("in debt", 0, 1e6)
    for number in range(1000):
        meter.spend(str(number), number * 10.0, 1)
    assert len(meter) <= 100
    assert meter.wait("in debt", 10_000.0) > 0


def test_a_backlog_in_full_batches_passes_under_the_settings_that_are_shipped() -> None:
    """Twenty times what a large hospital sends at its peak, for as long as it takes."""
    shipped, clock = Settings(_env_file=None), Hand()
    bound = RateLimits(
        requests=Rate(shipped.rate_requests, shipped.rate_requests * shipped.rate_burst_seconds),
        body_bytes=Rate(shipped.rate_bytes, shipped.rate_bytes * shipped.rate_burst_seconds),
        events=Rate(shipped.rate_events, shipped.rate_events * shipped.rate_burst_seconds),
        clock=clock,
    )
    at_its_peak = 20.0
    for _ in range(600):
        bound.take("a", 600 * 1024)
        bound.spend_events("a", 1000)
        clock.now += 1000 / (20 * at_its_peak)


async def test_who_sends_too_much_is_told_when_to_come_again_and_others_are_not_touched(
    database: str,
) -> None:
    clock = Hand()
    bound = RateLimits(requests=Rate(1, 5), clock=clock)
    async with installed(database, limits=bound) as door:
        mine, twin = await door.signer(HOSPITAL), await door.signer(HOSPITAL + "/zhang", "sha256")
        async with (
            door.client(mine) as by_one, door.client(twin) as by_twin,
            door.client(await door.signer(OTHER)) as by_other,
        ):  # fmt: skip
            told = [await client.get(ECHO) for client in (by_one, by_twin) * 3]
            # All keys of an organisation, and all its people, draw from one bucket.
            assert [answer.status_code for answer in told] == [200] * 5 + [429]
            for language, word in (("zh", "请求过于频繁"), ("en", "too much at once")):
                told = await by_one.get(ECHO, headers={"Accept-Language": language})
                problem = told.json()
                assert (told.status_code, problem["code"]) == (429, "rate_limited")
                assert told.headers["retry-after"] == "1"
                assert told.headers["content-type"] == "application/problem+json"
                assert word in problem["detail"]
            assert [(await by_other.get(ECHO)).status_code for _ in range(5)] == [200] * 5
            clock.now += 1
            assert [(await by_one.get(ECHO)).status_code for _ in range(2)] == [200, 429]


async def test_a_body_that_is_not_let_in_is_not_read(database: str) -> None:
    bound = RateLimits(body_bytes=Rate(1, 1), clock=Hand())
    async with installed(database, limits=bound) as door:
        signer = await door.signer(HOSPITAL)
        read = 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(100):
                read += 1
                yield b"x" * 1000

        async with door.client(signer) as client:
            assert (await client.post(ECHO, content=b"x" * 1000)).status_code == 200
            headers = {
                "x-ca-key": signer.key, "x-ca-nonce": "n", "x-ca-signature": "0",
                "x-ca-timestamp": (await _now(door.dsn)),
            }  # fmt: skip
            told = await client.post(ECHO, content=body(), headers=headers, auth=None)
        assert (told.status_code, read) == (429, 0)


async def test_a_length_that_was_only_claimed_costs_no_more_than_the_largest_body(
    database: str,
) -> None:
    """Found by raw requests: a mistaken Content-Length kept its sender out for days."""
    bound = RateLimits(body_bytes=Rate(BODY_BYTES_MAX, 1), clock=Hand())
    headers = {"X-Jicai-Actor": HOSPITAL, "Content-Length": "999999999999"}
    async with (
        installed(database, trust_actor_header=True, limits=bound) as door,
        door.client(**headers) as client,
    ):
        assert (await client.post(ECHO, content=b"x")).status_code == 413
        told = await client.post(ECHO, content=b"x")
        assert (told.status_code, told.headers["retry-after"]) == (429, "1")


async def _now(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT extract(epoch FROM now())::bigint"))
    finally:
        await connection.close()


async def test_a_refusal_for_haste_is_not_kept_under_an_idempotency_key(database: str) -> None:
    clock = Hand()
    bound = RateLimits(requests=Rate(1, 1), clock=clock)
    async with (
        installed(database, trust_actor_header=True, limits=bound) as door,
        door.client(**{"X-Jicai-Actor": HOSPITAL, "Idempotency-Key": "k"}) as client,
    ):
        assert (await client.get(ECHO)).status_code == 200
        assert (await client.post("/toy/act", json={})).status_code == 429
        clock.now += 1
        assert (await client.post("/toy/act", json={})).json() == {"ran": 1}


async def test_the_events_of_a_batch_and_of_a_sheet_are_counted(orders_room: Room) -> None:
    clock = Hand()

    async def ready() -> dict[str, str]:
        return {}

    app = create_app(
        {"orders": orders_room},
        trust_actor_header=True,
        readiness=ready,
        limits=RateLimits(events=Rate(10, 50), clock=clock),
    )
    batch = json.dumps([{"id": str(n)} for n in range(100)])
    headings = "订单编号,医疗机构代码,配送企业代码,明细编号,产品编号,数量,单价"
    sheet = "\n".join([headings, *(f"H36010200001-{n},H36010200001,D,1,P,1,1" for n in range(100))])
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://jicai"
    ) as client:
        for path, kind, body in (
            ("/orders/v1/events", "application/json", batch),
            ("/orders/v1/import", "text/csv", sheet),
        ):
            headers = {"X-Jicai-Actor": HOSPITAL, "Content-Type": kind}
            assert (await client.post(path, content=body, headers=headers)).status_code == 422
            told = await client.post(path, content=body, headers=headers)
            assert (told.status_code, told.headers["retry-after"]) == (429, "5"), path
            other = {"X-Jicai-Actor": OTHER, "Content-Type": kind}
            clock.now += 4.5
            told = await client.post(path, content=body, headers=headers)
            assert (told.status_code, told.headers["retry-after"]) == (429, "1"), path
            assert (await client.post(path, content=b"[]", headers=other)).status_code != 429
            clock.now += 5.5
