"""The feed: cursors, long polls, and pages that neither skip nor repeat while others write."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import DISTRIBUTOR, HOSPITAL, OPS, PUTS
from tests.journeys.market import Market

SERVICES = ("orders", "alerts", "feedback", "settlement")


@pytest.fixture
def fresh():
    with running_sandbox() as sandbox:
        yield Market(sandbox)


def page(market: Market, actor: str = OPS, **query: Any) -> Any:
    answer = market[actor].get("/orders/v1/changes", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_a_feed_whose_next_is_never_null(market, service):
    first = market[OPS].get(f"/{service}/v1/changes").json()
    assert isinstance(first["next"], str)
    again = market[OPS].get(f"/{service}/v1/changes", params={"after": first["next"]}).json()
    assert isinstance(again["next"], str)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("bad", ["", "x", "!", "W10", "bnVsbA", "WzEsMl0", "WyIxIiwyLDNd", "é"])
def test_a_bad_cursor_is_422(market, service, bad):
    answer = market[OPS].get(f"/{service}/v1/changes", params={"after": bad})
    assert answer.status_code == 422
    assert answer.json()["code"] == "malformed"


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"wait": "31"}, {"wait": "-1"}]
)
def test_limits_are_told(market, query):
    assert market[OPS].get("/orders/v1/changes", params=query).status_code == 422


def test_pages_of_any_size_tell_the_same_in_the_same_order(fresh):
    for _ in range(5):
        tale = fresh.placed()
        assert tale.answer()["status"] == "accepted"
    whole = page(fresh, limit=1000)["items"]
    assert len(whole) == len(PUTS) + 10
    for size in (1, 3, 26, 27):
        found, after = [], {}
        while items := (one := page(fresh, limit=size, **after))["items"]:
            assert len(items) <= size
            found += items
            after = {"after": one["next"]}
        assert found == whole
    tale = fresh.placed()
    [new] = page(fresh, **after)["items"]
    assert new["data"]["order_id"] == tale.order_id


def test_a_fact_is_an_event_with_what_we_add(fresh):
    tale = fresh.placed()
    item = page(fresh, HOSPITAL)["items"][-1]
    assert item["specversion"] == "1.0"
    assert item["type"] == "jicai.order.placed.v1"
    assert item["data"]["order_id"] == tale.order_id
    assert item["streamversion"] == 1
    assert item["recordedtime"] in ("2026-01-05T01:00:00Z", "2026-01-05T09:00:00+08:00")


def test_a_long_poll_ends_with_the_fact_and_an_empty_one_with_its_time(fresh):
    after = page(fresh, limit=1000)["next"]
    began = time.monotonic()
    assert page(fresh, after=after, wait=0.3)["items"] == []
    assert 0.25 < time.monotonic() - began < 5
    answers: list[Any] = []
    asked = threading.Thread(target=lambda: answers.append(page(fresh, after=after, wait=30)))
    began = time.monotonic()
    asked.start()
    tale = fresh.tale()
    with fresh.sandbox.client(HOSPITAL) as client:
        placing = tale.placing(time="2026-01-05T09:00:00+08:00")
        assert client.post("/orders/v1/events", json=placing).status_code == 200
    asked.join(30)
    assert time.monotonic() - began < 15
    assert [i["id"] for i in answers[0]["items"]] == [placing["id"]]


def test_readers_neither_skip_nor_repeat_while_writers_are_active(fresh):
    """Writers of big and small batches, readers of small pages: everybody reads everything once."""
    start = page(fresh, limit=1000)["next"]
    written: list[list[str]] = [[], [], []]
    done = threading.Event()

    def write(number: int, size: int, rounds: int) -> None:
        with fresh.sandbox.client(HOSPITAL) as client:
            for _ in range(rounds):
                events = [
                    fresh.tale().placing(time="2026-01-05T09:00:00+08:00") for _ in range(size)
                ]
                assert client.post("/orders/v1/events", json=events).status_code == 200
                written[number] += [e["id"] for e in events]

    def read(found: list[str], limit: int) -> None:
        after = start
        with fresh.sandbox.client(DISTRIBUTOR) as client:
            while True:
                finished = done.is_set()
                query = {"after": after, "limit": limit, "wait": 0 if finished else 1}
                got = client.get("/orders/v1/changes", params=query).json()
                found.extend(item["id"] for item in got["items"])
                after = got["next"]
                if finished and not got["items"]:
                    return

    found: list[list[str]] = [[], [], []]
    writers = [
        threading.Thread(target=write, args=(n, size, rounds))
        for n, (size, rounds) in enumerate([(1, 250), (7, 80), (300, 5)])
    ]
    readers = [
        threading.Thread(target=read, args=(found[n], limit))
        for n, limit in enumerate([3, 50, 999])
    ]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    everything = [event_id for ids in written for event_id in ids]
    assert len(everything) == 250 + 560 + 1500
    for ids in found:
        assert len(ids) == len(set(ids))
        assert set(ids) == set(everything)
    assert found[0] == found[1] == found[2]
    for ids in written:
        order = {event_id: n for n, event_id in enumerate(found[0])}
        assert [order[i] for i in ids] == sorted(order[i] for i in ids)
