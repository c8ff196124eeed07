"""The door for facts: media types, sizes, compression, statuses, dry run, duplicates."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.journeys.goods import D2, HOSPITAL, OPS, H

PLAYED_ON = ("log",)
"""Orders judges by its own log: no bus is asked."""

PATH = "/orders/v1/events"
SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MIB = 1024 * 1024


def send(market, content, kind="application/json", **headers):
    """The bytes as they are."""
    if not isinstance(content, bytes | str) and not hasattr(content, "__next__"):
        content = json.dumps(content)
    return market[HOSPITAL].post(PATH, content=content, headers={"Content-Type": kind, **headers})


def is_problem(answer, status, code=None):
    """The answer is a problem document of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document = answer.json()
    members = {"type", "title", "status", "detail", "code", "instance", "trace_id", "errors"}
    assert members <= document.keys()
    assert (document["status"], document["instance"]) == (status, PATH)
    assert document["type"] == f"/problems/{document['code']}"
    assert code is None or document["code"] == code
    return document


@pytest.mark.parametrize(
    "kind", [SINGLE, f"{SINGLE}; charset=utf-8", SINGLE.upper(), "application/json"]
)
def test_one_event_is_taken_alone(market, kind):
    answer = send(market, market.tale().placing(), kind)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert [r["status"] for r in answer.json()["results"]] == ["accepted"]


@pytest.mark.parametrize("kind", [BATCH, "application/json", "application/json;charset=UTF-8"])
def test_a_batch_is_taken_in_the_order_sent(market, kind):
    events = [market.tale().placing() for _ in range(3)]
    results = send(market, events, kind).json()["results"]
    assert [r["id"] for r in results] == [e["id"] for e in events]
    positions = [r["position"] for r in results]
    assert positions == sorted(positions)


@pytest.mark.parametrize("kind", [BATCH, "application/json"])
def test_an_empty_batch_is_200(market, kind):
    answer = send(market, b"[]", kind)
    assert (answer.status_code, answer.json()) == (200, {"results": []})


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "application/cloudevents"]
)
def test_another_media_type_is_415(market, kind):
    is_problem(send(market, market.tale().placing(), kind), 415)


def test_the_type_says_one_and_the_body_is_many(market):
    assert send(market, [market.tale().placing()], SINGLE).status_code == 422
    assert send(market, market.tale().placing(), BATCH).status_code == 422


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_binary_mode_is_415_and_says_so(market, kind):
    event = market.tale().placing()
    headers = {f"ce-{name}": event[name] for name in ("specversion", "id", "source", "type")}
    is_problem(send(market, event["data"], kind, **headers), 415, "binary_mode")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[{}", b"nothing", b"[1,]", b"{'a': 1}", b'{"a":\xff}', b"[] []", b"\x00"]
)
@pytest.mark.parametrize("kind", [SINGLE, BATCH, "application/json"])
def test_what_is_not_json_is_400(market, kind, body):
    is_problem(send(market, body, kind), 400)


def test_gzip_is_taken(market):
    events = [market.tale().placing() for _ in range(3)]
    packed = gzip.compress(json.dumps(events).encode())
    answer = send(market, packed, BATCH, **{"Content-Encoding": "gzip"})
    assert [r["status"] for r in answer.json()["results"]] == ["accepted"] * 3


def test_gzip_that_is_cut_off_or_none_at_all_is_400(market):
    packed = gzip.compress(json.dumps([market.tale().placing()]).encode())
    for body in (packed[:-9], packed[:5], b"", b"[]", packed[:20] + b"\xff" * 9 + packed[29:]):
        is_problem(send(market, body, BATCH, **{"Content-Encoding": "gzip"}), 400)


def test_an_encoding_that_we_do_not_read_is_415(market):
    is_problem(send(market, b"[]", BATCH, **{"Content-Encoding": "br"}), 415)


def test_a_gzip_bomb_stops_at_the_limit(market):
    bomb = gzip.compress(b"[" + b" " * (200 * MIB) + b"]")
    assert len(bomb) < MIB
    is_problem(send(market, bomb, BATCH, **{"Content-Encoding": "gzip"}), 413, "batch_too_large")


def test_a_thousand_events_are_taken_and_one_more_is_413(market):
    is_problem(send(market, [{}] * 1001), 413, "batch_too_large")
    document = is_problem(send(market, [{}] * 1000), 422, "all_rejected")
    assert len(document["results"]) == 1000


def test_four_mib_are_taken_and_one_byte_more_is_413(market):
    event = json.dumps([market.tale().placing()]).encode()
    assert send(market, event + b" " * (4 * MIB - len(event))).status_code == 200
    body = event + b" " * (4 * MIB - len(event) + 1)
    is_problem(send(market, body), 413, "batch_too_large")
    chunks = (body[n : n + 65536] for n in range(0, len(body), 65536))
    is_problem(send(market, chunks), 413, "batch_too_large")


def test_some_rejected_is_207_and_all_is_a_problem_with_the_results(market):
    good, bad = market.tale().placing(), {**market.tale().placing(), "type": "unknown"}
    assert send(market, [good, bad]).status_code == 207
    document = is_problem(send(market, [bad, bad]), 422, "all_rejected")
    assert [r["code"] for r in document["results"]] == ["malformed", "malformed"]
    assert is_problem(send(market, bad), 422, "all_rejected")["results"][0]["id"] == bad["id"]


def test_a_dry_run_says_everything_and_stores_nothing(market):
    tale = market.tale()
    placing, answering, dispatching = tale.placing(), tale.answering(), tale.dispatching()
    before = market[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()
    events = [placing, placing, answering, answering, dispatching, tale.arriving("D9")]
    told = market.results("importer:360000", *events, dry_run="true")
    assert [r["status"] for r in told] == [
        "accepted", "duplicate", "accepted", "duplicate", "accepted", "rejected",
    ]  # fmt: skip
    assert told[5]["code"] == "unknown_delivery"
    after = market[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()
    assert after["items"] == before["items"]
    assert market[OPS].get(f"/orders/v1/orders/{tale.order_id}").status_code == 404
    told = market.results("importer:360000", *events)
    assert [r["status"] for r in told][:2] == ["accepted", "duplicate"]
    assert all(isinstance(r["position"], int) for r in told[:5])


def test_a_duplicate_has_the_first_position_however_it_is_written(market):
    tale = market.tale()
    event = tale.placing(time="2026-01-05T09:00:00+08:00")
    first = tale.send(event)
    turned = dict(reversed(event.items()))
    turned["data"] = dict(reversed(event["data"].items()))
    spellings = ("2026-01-05 09:00:00", "2026-01-05T01:00:00Z", "2026-01-05T01:00:00.000Z",
                 "2026-01-05t01:00:00z", "2026-01-04T20:00:00-05:00")  # fmt: skip
    for again in (turned, *({**event, "time": time} for time in spellings)):
        assert tale.send(again) == {**first, "status": "duplicate"}
    twice = market.tale().placing()
    results = market.results(HOSPITAL, twice, twice)
    assert [r["status"] for r in results] == ["accepted", "duplicate"]
    assert results[0]["position"] == results[1]["position"]


def test_an_id_belongs_to_its_source(market):
    one = market.tale().placing()
    other = market.tale().placing(id=one["id"], source=f"urn:jicai:{H}:his")
    assert [r["status"] for r in market.results(HOSPITAL, one, other)] == ["accepted"] * 2


def test_a_rejected_id_is_not_used_up(market):
    tale = market.tale()
    arriving = tale.arriving()
    assert tale.send(arriving)["code"] == "unknown_order"
    assert tale.place()["status"] == "accepted"
    assert tale.dispatch()["status"] == "accepted"
    assert tale.send(arriving)["status"] == "accepted"


def test_what_is_unknown_is_stored_and_echoed(market):
    tale = market.tale()
    event = tale.placing(ward="儿科", deep={"a": [None, True, {"é": "\u2028"}]})
    event |= {"hisversion": "7.2", "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    assert tale.send(event)["status"] == "accepted"
    page = market[HOSPITAL].get("/orders/v1/changes", params={"limit": 1000}).json()
    [echo] = [item for item in page["items"] if item["id"] == event["id"]]
    assert event.items() <= echo.items()
    assert echo["streamversion"] == 1
    assert echo["recordedtime"]


@pytest.mark.parametrize(
    "actor", [None, "", "hospital", "hospital:", f"hospital:{D2}", "nobody:360000", f":{H}",
              f"hospital:{H}/", f"hospital:{H}/a b", "importer:360100", "bureau:36", f"Hospital:{H}",
              "distributor:913600000000000000", f"hospital:{H}:his"],
)  # fmt: skip
def test_a_missing_or_ill_formed_actor_is_401(market, actor):
    headers = {} if actor is None else {"X-Jicai-Actor": actor}
    is_problem(market[None].post(PATH, json=[], headers=headers), 401)


def test_a_person_may_be_named(market):
    assert market.post(f"{HOSPITAL}/li.si", market.tale().placing()).status_code == 200


def test_chinese_by_default_and_english_when_asked(market):
    bad = [market.tale().answering()]
    for language, english in (("", False), ("zh-CN", False), ("en", True), ("fr;q=1", False),
                              ("en;q=0.1, zh;q=0.9", False), ("zh;q=0.5, en-GB", True),
                              ("en;q=x", False)):  # fmt: skip
        answer = send(market, bad, **{"Accept-Language": language})
        document = is_problem(answer, 422, "all_rejected")
        texts = (document["title"], document["detail"], document["results"][0]["detail"])
        assert all(text.isascii() is english for text in texts), (language, texts)
