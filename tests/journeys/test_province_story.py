"""The simulated province: a story that is the same for a seed, well-formed, varied, and playable."""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import httpx2
import msgspec
import pytest
from rich.console import Console
from stdnum.cn import uscc

from jicai.client import Jicai, Problem
from jicai.province import play, write_story
from jicai.province.days import BEIJING
from jicai.province.play import StoryInThePast
from jicai.tables import show_addresses, show_figures

ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
STORY = write_story(7)


def events(story=STORY):
    return [event for moment in story.moments for event in moment.events]


def test_a_seed_tells_one_story_and_another_seed_another():
    assert write_story(7) == STORY
    assert write_story(8).moments != STORY.moments


def test_moments_are_in_order_of_time_and_tell_nothing_of_the_future():
    instants = [moment.instant for moment in STORY.moments]
    assert instants == sorted(instants)
    assert STORY.begins_at <= instants[0]
    assert instants[-1] < STORY.ends_at
    for moment in STORY.moments:
        assert all(datetime.fromisoformat(e["time"]) <= moment.instant for e in moment.events)


def test_every_kind_of_event_occurs():
    assert set(STORY.events_by_type()) == {
        "jicai.order.placed.v1",
        "jicai.order.answered.v1",
        "jicai.order.cancelled.v1",
        "jicai.delivery.dispatched.v1",
        "jicai.delivery.arrived.v1",
        "jicai.delivery.received.v1",
        "jicai.return.requested.v1",
        "jicai.return.answered.v1",
        "jicai.invoice.registered.v1",
    }


def test_ids_sources_and_quantities_are_well_formed():
    for moment in STORY.moments:
        for event in moment.events:
            data = event["data"]
            organisation = moment.actor.split(":")[1]
            assert event["source"].startswith(f"urn:jicai:{organisation}:")
            assert re.match(r"^H\d{11}-", data["order_id"])
            for name in ("order_id", "delivery_id", "receipt_id", "return_id", "invoice_id"):
                assert name not in data or ID.match(data[name]), data[name]
            for line in data.get("lines", []):
                if "quantity" in line:
                    assert Decimal(line["quantity"]) > 0
                if "accepted" in line:
                    assert Decimal(line["accepted"]) >= 0 <= Decimal(line["rejected"])


def test_reference_data_refers_only_to_what_comes_before_it():
    known = set()
    for path, body in STORY.reference:
        kind, own_id = path.split("/")[-2:]
        assert ID.match(own_id)
        for name in ("manufacturer_id", "hospital_id", "distributor_id", "product_id", "batch_id"):
            assert name not in body or body[name] in known
        for line in [*body.get("main", []), *body.get("backup", [])]:
            assert line["product_id"] in known
        if kind == "organisations" and "hospital" in body["kinds"]:
            assert own_id[1:7] == body["division"]
        elif kind == "organisations":
            assert uscc.is_valid(own_id)
        known.add(own_id)
    listings = [b["status"] for p, b in STORY.reference if "/listings/" in p]
    assert listings.count("suspended") == 1


def test_the_story_has_its_troubles():
    placed = [e for e in events() if e["type"] == "jicai.order.placed.v1"]
    answered = [e for e in events() if e["type"] == "jicai.order.answered.v1"]
    dispatched = [e for e in events() if e["type"] == "jicai.delivery.dispatched.v1"]
    answers = [line for e in answered for line in e["data"].get("lines", [])]
    received = [line for e in events() if "received" in e["type"] for line in e["data"]["lines"]]
    arrived = [e for e in events() if "arrived" in e["type"]]
    invoices = Counter(e["data"]["kind"] for e in events() if "invoice" in e["type"])
    identities = Counter((e["source"], e["id"]) for e in events())

    assert any(e["data"].get("emergency") for e in placed)
    assert any(e["data"].get("back_entered") for e in placed)
    assert any("required_by" in line for e in placed for line in e["data"]["lines"])
    assert len({line["reason_code"] for line in answers if line["answer"] == "refused"}) >= 3
    assert any(e["data"]["delivery_id"].endswith("-D2") for e in dispatched)
    assert {"proof" in e["data"] for e in arrived} == {True, False}
    assert any(line["rejected"] != "0" for line in received)
    assert invoices["sale"] > invoices["credit"] > 0
    assert max(identities.values()) > 1
    dispatched_orders = {e["data"]["order_id"] for e in dispatched}
    assert any(e["data"]["order_id"] not in dispatched_orders for e in placed[:1000])


def test_every_act_on_a_ticket_occurs_and_only_after_its_opening():
    assert {act.name for act in STORY.acts} == {
        "open", "reply", "solved", "confirm", "reopen", "supervise", "close",
    }  # fmt: skip
    assert [act.instant for act in STORY.acts] == sorted(act.instant for act in STORY.acts)
    assert STORY.acts[-1].instant < STORY.ends_at
    opened = {}
    for act in STORY.acts:
        if act.name == "open":
            assert act.ticket_id not in opened
            assert act.actor == f"hospital:{act.words['hospital_id']}"
            opened[act.ticket_id] = act.words
        own = opened[act.ticket_id]
        if act.name in ("reply", "solved"):
            assert act.actor.removeprefix("distributor:") in own["addressees"]
    assert len({words["category"] for words in opened.values()}) >= 7


def test_tickets_crowd_on_the_product_that_is_short_and_name_orders_that_were_placed_before():
    placed = {e["data"]["order_id"]: m.instant for m in STORY.moments for e in m.events
              if e["type"] == "jicai.order.placed.v1"}  # fmt: skip
    openings = [act for act in STORY.acts if act.name == "open"]
    for act in openings:
        [order_id] = act.words["order_ids"]
        assert placed[order_id] < act.instant
    short = [act for act in openings if act.words["product_id"] == "D005"]
    assert len({act.actor for act in short}) >= 3
    assert (short[2].instant - short[0].instant).days < 30


class FakeSandbox:
    """Answers by the contract as far as a player can see; busy at first, as servers are."""

    def __init__(self, now):
        self.now, self.seen, self.busy, self.too_early = now, set(), 1, []

    def __call__(self, request):
        if self.busy:
            self.busy -= 1
            return httpx2.Response(503, headers={"Retry-After": "0"})
        path = request.url.path
        if path == "/sandbox/v1/clock" and request.method == "POST":
            now = datetime.fromisoformat(msgspec.json.decode(request.content)["now"])
            assert now >= self.now
            self.now = now
        if path == "/orders/v1/events":
            return self.take(msgspec.json.decode(request.content), request)
        if path.startswith("/alerts/v1/scorecards"):
            return httpx2.Response(200, json=CARD if path.endswith("total") else PAGE)
        if path == "/orders/v1/orders":
            return httpx2.Response(
                200, json={"items": [{"lines": [{"state": "void"}]}], "next": None}
            )
        if path == "/nowhere":
            return httpx2.Response(404, json={"code": "not_found", "detail": "nothing here"})
        return httpx2.Response(200, json={"now": self.now.isoformat()})

    def take(self, batch, request):
        results = []
        for event in batch:
            if datetime.fromisoformat(event["time"]) > self.now + timedelta(minutes=5):
                self.too_early.append(event["id"])
            key = (event["source"], event["id"])
            status = "duplicate" if key in self.seen else "accepted"
            self.seen.add(key)
            results.append({"id": event["id"], "status": status})
        return httpx2.Response(200, json={"results": results})


RATE = {"numerator": 937, "denominator": 1000, "percent": "93.70"}
NO_RATE = {"numerator": 0, "denominator": 0, "percent": None}
CARD = {
    "id": "total",
    "name": "total",
    "window": {"from": "2026-02-05", "to": "2026-03-06"},
    "rates": {
        "response": RATE,
        "on_time": RATE,
        "on_time_first": RATE,
        "delivery": RATE,
        "receipt": NO_RATE,
        "feedback": NO_RATE,
    },
    "excused": 3,
    "back_entered": 4,
    "score": None,
}
PAGE = {
    "items": [
        {**CARD, "id": "a", "name": "甲公司", "score": "93.33"},
        {**CARD, "id": "b", "name": "乙公司", "score": "61.00"},
        {**CARD, "id": "c", "name": "丙公司"},
    ],
    "next": None,
}


def a_client(sandbox):
    http = httpx2.Client(base_url="http://sandbox", transport=httpx2.MockTransport(sandbox))
    return Jicai("http://sandbox", "bureau:360000", http=http)


def test_a_story_is_played_whole_and_never_ahead_of_the_clock():
    story = write_story(7, first_day=date(2026, 2, 9), last_day=date(2026, 2, 27), orders=60)
    sandbox = FakeSandbox(datetime(2026, 1, 5, 9, tzinfo=BEIJING))
    report = play(a_client(sandbox), story)
    assert report.events == len(events(story)) == sum(report.statuses.values())
    assert report.acts == {"accepted": len(story.acts)}
    assert story.acts
    assert sandbox.too_early == []
    assert sandbox.now == story.ends_at


def test_a_story_of_the_past_is_refused_before_anything_is_posted():
    sandbox = FakeSandbox(datetime(2027, 1, 1, tzinfo=BEIJING))
    with pytest.raises(StoryInThePast):
        play(a_client(sandbox), STORY)
    assert sandbox.seen == set()


def test_a_problem_speaks_its_code_and_detail():
    with pytest.raises(Problem, match="404 not_found: nothing here"):
        a_client(FakeSandbox(STORY.begins_at)).get("/nowhere")


def test_the_tables_show_the_worst_first_and_judge_against_the_targets():
    paper = Console(file=StringIO(), width=120)
    client = a_client(FakeSandbox(STORY.begins_at))
    show_figures(
        client, paper, as_of="2026-03-06", statuses={"rejected": 2}, rejected={"line_void": 2}
    )
    show_addresses("http://127.0.0.1:8000", paper)
    shown = paper.file.getvalue()
    assert shown.index("乙公司") < shown.index("甲公司") < shown.index("丙公司")
    assert "✗" in shown
    assert "✓" in shown
    assert "无数据" in shown
    assert "超期作废" in shown
    assert "curl -s -H 'X-Jicai-Actor: bureau:360000'" in shown
