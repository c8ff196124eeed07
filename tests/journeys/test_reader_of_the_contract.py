"""A program that knows only the contract reads the topics: each fact once, each alert, the open set."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from shared.testing import sandbox as sandboxes
from shared.testing.broker import Broker
from tests.journeys.goods import DISTRIBUTOR, HOSPITAL, OPS, D, H
from tests.journeys.market import Market
from tests.journeys.reader import Heard, Reader, partition_of, table_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

SERVICES = ("orders", "alerts", "feedback", "settlement")
MARK = "jicai.mark.v1"
"""Says where a day ends; not in the contract, so a reader ignores it."""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Json = dict[str, Any]


@dataclass
class Story:
    """What was done to a sandbox over the broker, and what it says afterwards."""

    broker: Broker
    heard: list[Heard]
    feeds: dict[str, list[Json]]
    alerts: list[Json]

    @property
    def facts(self) -> list[Json]:
        return [item for feed in self.feeds.values() for item in feed]

    def first_sightings(self) -> list[Heard]:
        """Each fact where it appears first on a topic; the table of open alerts apart."""
        known, first = set(), []
        for one in self.heard:
            if one.topic.endswith(".open.v1") or one.headers["ce_type"] == MARK:
                continue
            if (one.topic, *one.identity) not in known:
                known.add((one.topic, *one.identity))
                first.append(one)
        return first


@pytest_asyncio.fixture(scope="module")
async def story(broker: Broker) -> Story:
    """An order's whole life, many that nobody answers, then many that are: alerts rise and fall."""
    reader = Reader(broker.bootstrap)
    await reader.begin_here()
    with sandboxes.sandboxes_over(broker.bootstrap), sandboxes.running_sandbox() as sandbox:
        market = Market(sandbox)
        _whole_life(market)
        market.placed().cancel()
        for _ in range(12):
            market.placed()
        ticket = {
            "ticket_id": f"{H}-T1", "hospital_id": H, "product_id": "P", "addressees": [D],
            "category": "short_supply", "description": "缺货",
        }  # fmt: skip
        assert market[HOSPITAL].post("/feedback/v1/tickets", json=ticket).status_code == 201
        sandbox.move("2026-01-09T09:00:00+08:00")
        _answered_at_once(market, 280)
        sandbox.move("2026-01-12T12:00:00+08:00")
        first = _everything(market, "/alerts/v1/alerts")[0]
        path = f"/alerts/v1/alerts/{first['alert_id']}/acknowledge"
        assert market["bureau:360000"].post(path).status_code == 200
        sandbox.settle()
        feeds = {name: _everything(market, f"/{name}/v1/changes") for name in SERVICES}
        alerts = _everything(market, "/alerts/v1/alerts")
        return Story(broker, await reader.hear_all(), feeds, alerts)


def _whole_life(market: Market) -> None:
    """One order to its invoice; its sender traces the placing."""
    tale = market.tale()
    headers = {"traceparent": TRACE}
    answer = market[HOSPITAL].post("/orders/v1/events", json=tale.placing(), headers=headers)
    assert answer.status_code == 200, answer.text
    for step in (tale.answer, tale.dispatch, tale.arrive, tale.receive):
        assert step()["status"] == "accepted"
    for event in (tale.returning(), tale.settling_return(), tale.invoicing()):
        assert tale.send(event)["status"] == "accepted"


def _answered_at_once(market: Market, count: int) -> None:
    tales = [market.tale() for _ in range(count)]
    now = market.now
    for actor, events in (
        (HOSPITAL, [tale.placing(time=now) for tale in tales]),
        (DISTRIBUTOR, [tale.answering(time=now) for tale in tales]),
    ):
        assert {r["status"] for r in market.results(actor, *events)} == {"accepted"}


def _everything(market: Market, path: str) -> list[Json]:
    items: list[Json] = []
    query: dict[str, Any] = {"limit": 1000}
    while True:
        page = market[OPS].get(path, params=query).json()
        items += page["items"]
        if not page["items"] or page["next"] is None:
            return items
        query["after"] = page["next"]


def test_each_fact_of_the_feeds_stands_on_the_topics_once(story: Story) -> None:
    """By source and id; nothing else stands there but what says where a day ends."""
    facts = [(item["source"], item["id"]) for item in story.facts]
    assert len(facts) > 600
    assert len(set(facts)) == len(facts)
    assert sorted(one.identity for one in story.first_sightings()) == sorted(facts)
    spread = {one.topic for one in story.first_sightings()}
    assert {"jicai.orders.v1", "jicai.deliveries.v1", "jicai.reference.v1"} < spread
    assert {"jicai.feedback.v1", "jicai.alerts.v1"} < spread


def test_keys_are_streams_in_order_and_partitions_are_murmur2(story: Story) -> None:
    versions = defaultdict(list)
    for one in story.first_sightings():
        assert one.partition == partition_of(one.key)
        versions[one.topic, one.key].append(int(one.headers["ce_streamversion"]))
    for found in versions.values():
        assert found == sorted(set(found))
    assert len({one.partition for one in story.first_sightings()}) == 12
    keyed = {one.identity: one.key for one in story.first_sightings()}
    seen = set()
    for item in story.facts:
        for kind in ("order", "ticket", "alert"):
            id_ = item["data"].get(f"{kind}_id")
            if id_ is not None and item["type"].startswith(_SUBJECTS[kind]):
                assert keyed[item["source"], item["id"]] == f"{kind}-{id_}"
                seen.add(kind)
    assert seen == {"order", "ticket", "alert"}


_SUBJECTS = {
    "order": ("jicai.order.", "jicai.delivery.", "jicai.return.", "jicai.invoice."),
    "ticket": ("jicai.ticket.",),
    "alert": ("jicai.alert.",),
}


def test_headers_are_the_envelope(story: Story) -> None:
    facts = {(item["source"], item["id"]): item for item in story.facts}
    traced = set()
    for one in story.first_sightings():
        item, headers = facts[one.identity], one.headers
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_type"] == item["type"]
        assert headers["content-type"] == "application/json"
        assert headers["ce_subject"]
        assert _instant(headers["ce_time"]) == _instant(item["time"])
        assert _instant(headers["ce_recordedtime"]) == _instant(item["recordedtime"])
        assert int(headers["ce_streamversion"]) == item["streamversion"]
        if headers.get("traceparent") == TRACE:
            traced.add(one.headers["ce_type"])
    assert traced == {"jicai.order.placed.v1"}


def test_the_value_has_the_members_of_the_data(story: Story) -> None:
    """More members may stand there, none is missing or otherwise; registers have their own form."""
    facts = {(item["source"], item["id"]): item for item in story.facts}
    kinds = set()
    for one in story.first_sightings():
        if one.topic == "jicai.reference.v1":
            assert one.data is not None
            continue
        _assert_within(facts[one.identity]["data"], one.data, one.headers["ce_type"])
        kinds.add(one.headers["ce_type"])
    assert len(kinds) >= 10


def _assert_within(part: Any, whole: Any, where: str) -> None:
    """Every member of the one stands in the other with the same value; instants may be written so or so."""
    if isinstance(part, dict):
        for name, value in part.items():
            assert name in whole, f"{where}/{name}"
            _assert_within(value, whole[name], f"{where}/{name}")
    elif isinstance(part, list):
        assert len(part) == len(whole), where
        for number, (one, other) in enumerate(zip(part, whole, strict=True)):
            _assert_within(one, other, f"{where}/{number}")
    else:
        assert part == whole or _instant(part) == _instant(whole), where


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_each_alert_stands_on_its_topic_as_raised_cleared_and_acknowledged(story: Story) -> None:
    steps = defaultdict(list)
    for one in story.first_sightings():
        if one.topic == "jicai.alerts.v1" and one.headers["ce_type"].startswith("jicai.alert."):
            steps[one.data["alert_id"]].append(one.headers["ce_type"])
    assert set(steps) == {alert["alert_id"] for alert in story.alerts}
    for alert in story.alerts:
        expected = ["jicai.alert.raised.v1"]
        expected += ["jicai.alert.cleared.v1"] if alert["state"] == "cleared" else []
        expected += ["jicai.alert.acknowledged.v1"] if alert["acknowledged"] else []
        assert sorted(steps[alert["alert_id"]]) == sorted(expected)


def test_the_compacted_topic_read_as_a_table_is_the_set_of_open_alerts(story: Story) -> None:
    """Those that were cleared ended with a tombstone."""
    on_topic = [one for one in story.heard if one.topic == "jicai.alerts.open.v1"]
    table = table_of(on_topic)
    is_open = {f"alert-{a['alert_id']}": a for a in story.alerts if a["state"] == "open"}
    cleared = {f"alert-{a['alert_id']}" for a in story.alerts if a["state"] == "cleared"}
    assert is_open
    assert cleared
    assert set(table) == set(is_open)
    assert {one.key for one in on_topic if one.data is None} == cleared
    for key, alert in is_open.items():
        for member in ("rule", "subject", "subject_id", "scope", "figure", "policy_version"):
            assert table[key][member] == alert[member], member
        assert _instant(table[key]["raised_at"]) == _instant(alert["raised_at"])


def test_kcat_shows_readable_events(story: Story) -> None:
    """What an operator sees: key, headers and JSON, one record a line."""
    kcat = shutil.which("kcat") or shutil.which("kafkacat")
    if kcat is None:
        pytest.skip("kcat is not installed here")
    shown = subprocess.run(
        [kcat, "-b", story.broker.bootstrap, "-C", "-t", "jicai.alerts.v1", "-e", "-q",
         "-f", r"%k\t%h\t%s\n"],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout  # fmt: skip
    raised = set()
    for line in shown.splitlines():
        key, headers, value = line.split("\t")
        if "ce_type=jicai.alert.raised.v1" in headers:
            assert json.loads(value)["title"] in value
            raised.add(key)
    assert {f"alert-{alert['alert_id']}" for alert in story.alerts} <= raised
