"""A client that loses its connection anywhere finds what was stored by /changes and reconciliation."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any

import httpx2
import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import HOSPITAL, IMPORTER, OPS, PROVINCE, H
from tests.journeys.losing import losing
from tests.journeys.market import Market
from tests.oracle.hashes import fact_hash, root

DAY = "2026-01-05"
FACT = ("source", "id", "type", "time", "subject", "data")


@pytest.fixture
def fresh():
    with running_sandbox() as sandbox:
        yield Market(sandbox)


def orders_of(market: Market, count: int) -> list[Any]:
    """The events of some orders of one hospital, each order's in order, orders interleaved."""
    tales = [market.tale() for _ in range(count)]
    rounds = [
        [t.placing(lines_note="€", time="2026-01-05 09:00:00") for t in tales],
        [t.answering(time="2026-01-05T01:00:00.000Z") for t in tales],
        [t.dispatching() for t in tales],
        [t.receiving(subject="s") for t in tales],
    ]
    return [event for told in rounds for event in told]


class LossyClient:
    """Knows its own events and a way out that loses requests; nothing else."""

    def __init__(self, url: str, events: list[Any]) -> None:
        self.events = events
        self.failures = 0
        self._http = httpx2.Client(
            base_url=url,
            timeout=20,
            headers={
                "X-Jicai-Actor": IMPORTER,
                "Connection": "close",
                "Accept-Encoding": "identity",
            },
        )

    def ask(self, method: str, path: str, **options: Any) -> Any | None:
        """The answer, or None when the connection was lost."""
        try:
            answer = self._http.request(method, path, **options)
            assert answer.status_code in (200, 207, 422), answer.text
            return answer.json()
        except httpx2.TransportError:
            self.failures += 1
            return None

    def insist(self, path: str, **parameters: Any) -> Any:
        """A GET again and again until it comes through."""
        for _ in range(100):
            answer = self.ask("GET", path, params=parameters)
            if answer is not None:
                return answer
        raise AssertionError("never came through")

    def read_feed(self) -> list[Any]:
        """Every fact there is to see, page by page."""
        items, query = [], {"limit": 150}
        while True:
            page = self.insist("/orders/v1/changes", **query)
            if not page["items"]:
                return items
            items += page["items"]
            query["after"] = page["next"]

    def send(self, events: list[Any], size: int) -> None:
        """Post once, in batches, and look at no answer."""
        for start in range(0, len(events), size):
            self.ask("POST", "/orders/v1/events", json=events[start : start + size])


def roots_of(items: list[Any]) -> dict[str, tuple[int, str]]:
    """Count and root of every order, recomputed from exported JSON by the oracle's hashes."""
    streams: dict[str, list[Any]] = {}
    for item in items:
        if "order_id" in item["data"]:
            streams.setdefault(item["data"]["order_id"], []).append(item)
    found = {}
    for order_id, facts in streams.items():
        facts.sort(key=lambda fact: fact["streamversion"])
        assert [f["streamversion"] for f in facts] == list(range(1, len(facts) + 1))
        hashes = [fact_hash({k: fact[k] for k in FACT if k in fact}) for fact in facts]
        found[order_id] = (len(hashes), root(hashes))
    return found


def reconciliation(market: Market, actor: str, day: str = DAY) -> dict[str, tuple[int, str]]:
    """The same as the platform publishes it."""
    found: dict[str, tuple[int, str]] = {}
    query = {"day": day, "limit": 7}
    while True:
        page = market[actor].get("/orders/v1/reconciliation", params=query).json()
        for item in page["items"]:
            assert item["order_id"] not in found
            found[item["order_id"]] = (item["facts"], item["sha256"])
        if page["next"] is None:
            return found
        query["after"] = page["next"]


@pytest.mark.parametrize("seed", [1])
def test_a_client_finds_its_own_gap_and_ends_with_everything_once(fresh, seed):
    stop = threading.Event()
    strangers: list[str] = []

    def others() -> None:
        """Another sender, whose facts come between ours all the time."""
        with fresh.sandbox.client(HOSPITAL) as client:
            while not stop.is_set() and len(strangers) < 1500:
                placing = fresh.tale().placing(time="2026-01-05T08:59:00+08:00")
                assert client.post("/orders/v1/events", json=[placing]).status_code == 200
                strangers.append(placing["id"])

    events = orders_of(fresh, 100)
    writer = threading.Thread(target=others)
    with losing(fresh.sandbox.url, seed) as proxy:
        client = LossyClient(proxy.url, events)
        writer.start()
        try:
            missing, rounds = events, 0
            while missing:
                rounds += 1
                assert rounds < 40
                client.send(missing, size=random.Random(seed + rounds).choice([7, 23, 60]))
                stored = {(item["source"], item["id"]) for item in client.read_feed()}
                missing = [e for e in events if (e["source"], e["id"]) not in stored]
        finally:
            stop.set()
            writer.join()
        assert rounds > 1
        assert client.failures > 20
        assert len(proxy.fates) == 5
        items = client.read_feed()
    seen = Counter((item["source"], item["id"]) for item in items)
    assert all(seen[e["source"], e["id"]] == 1 for e in events)
    mine = {e["data"]["order_id"] for e in events}
    assert set(seen.values()) == {1}
    assert {i["id"] for i in items if i["data"].get("order_id") not in mine} >= set(strangers)
    # And nothing was changed on the way: the roots of what we hold are the platform's.
    meant = {o: found for o, found in roots_of(items).items() if o in mine}
    told = reconciliation(fresh, IMPORTER)
    assert {o: told[o] for o in mine} == meant
    assert all(count == 4 for count, _ in meant.values())


def test_reconciliation_names_exactly_the_order_in_which_a_fact_is_missing(fresh):
    events = orders_of(fresh, 12)
    assert fresh.post(IMPORTER, *events).status_code == 200
    fresh.sandbox.move("2026-01-05T23:59:59+08:00")
    first = fresh[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()["items"]
    meant = roots_of(first)
    assert reconciliation(fresh, OPS) == meant == reconciliation(fresh, HOSPITAL)
    forgotten = next(i for i in first if i["type"] == "jicai.order.answered.v1")
    held = [i for i in first if i is not forgotten]
    streams = {i["data"]["order_id"]: [] for i in held if "order_id" in i["data"]}
    for item in held:
        if "order_id" in item["data"]:
            streams[item["data"]["order_id"]].append(item)
    mine = {o: root([fact_hash({k: f[k] for k in FACT if k in f}) for f in s])
            for o, s in streams.items()}  # fmt: skip
    told = reconciliation(fresh, HOSPITAL)
    assert [o for o in mine if mine[o] != told[o][1]] == [forgotten["data"]["order_id"]]


def test_voids_stand_in_the_roots_and_a_later_day_leaves_the_earlier_root_alone(fresh):
    tale = fresh.placed()
    assert tale.answer()["status"] == "accepted"
    before = reconciliation(fresh, OPS)
    fresh.sandbox.move("2026-01-13T08:00:00+08:00")
    assert tale.view()["lines"][0]["state"] == "void"
    assert reconciliation(fresh, OPS) == before
    assert reconciliation(fresh, OPS, "2026-01-06") == {}
    items = fresh[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()["items"]
    assert reconciliation(fresh, OPS, "2026-01-12") == roots_of(items)
    assert [i["type"] for i in items][-1] == "jicai.order.line_voided.v1"
    assert items[-1]["source"] == "urn:jicai:platform"


def test_a_fact_recorded_at_midnight_belongs_to_the_day_that_begins(fresh):
    tale = fresh.placed()
    fresh.sandbox.move("2026-01-06T00:00:00+08:00")
    assert tale.answer()["status"] == "accepted"
    assert [n for n, _ in reconciliation(fresh, PROVINCE, DAY).values()] == [1]
    assert [n for n, _ in reconciliation(fresh, PROVINCE, "2026-01-06").values()] == [2]
    assert set(reconciliation(fresh, HOSPITAL)) == {tale.order_id}
    assert tale.order_id.startswith(H)
