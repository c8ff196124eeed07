"""kill -9 of everything, at random moments: what was accepted stays, and figures are as if nothing was.

The client of these tests knows only this: what was not answered is sent again.
"""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.chaos.killing import Undying, undying
from tests.journeys.playing import Players, compare_figures, compare_orders
from tests.oracle.figures import Question
from tests.oracle.hashes import fact_hash, root
from tests.oracle.histories import REFERENCE_ACTOR, History, history
from tests.oracle.replay import play
from tests.oracle.wire import SHANGHAI

BLOWS = 3
FACT = ("source", "id", "type", "time", "subject", "data")


def good_steps(told: History) -> tuple[list[Any], Any, datetime]:
    """The history without what is rejected (it might be taken the second time), and the model."""
    steps: list[Any] = [("put", path, body) for path, body in told.puts]
    model, now = None, told.start
    for played in play(told):
        step, model, now = played.step, played.model, played.now
        if step[0] == "post":
            kept = [
                event
                for event, verdict in zip(step[2], played.verdicts, strict=True)
                if verdict.status == "accepted"
            ]
            step = (*step[:2], kept)
        if step[0] != "post" or step[2]:
            steps.append(step)
    return steps, model, now


def do(house: Undying, step: Any) -> Any:
    """One step, until it is answered."""
    match step:
        case ("put", path, body):
            return house.insist(REFERENCE_ACTOR, "PUT", path, json=body)
        case ("clock", instant):
            body = {"now": instant.isoformat()}
            return house.insist(None, "POST", "/sandbox/v1/clock", json=body)
        case ("post", actor, events):
            answer = house.insist(actor, "POST", "/orders/v1/events", json=events)
            statuses = {result["status"] for result in answer["results"]}
            assert statuses <= {"accepted", "duplicate"}, answer
            return answer
    raise AssertionError(step)


def feed(house: Undying) -> list[Any]:
    """Everything that was recorded."""
    items: list[Any] = []
    query: dict[str, Any] = {"limit": 1000}
    while True:
        page = house.insist("ops:360000", "GET", "/orders/v1/changes", params=query)
        if not page["items"]:
            return items
        items += page["items"]
        query["after"] = page["next"]


def roots(house: Undying) -> dict[str, str]:
    """The root of every order, from the feed; each fact stands there once."""
    streams: dict[str, list[Any]] = {}
    for item in feed(house):
        streams.setdefault(item["data"].get("order_id", ""), []).append(item)
    streams.pop("", None)
    for facts in streams.values():
        assert [f["streamversion"] for f in facts] == list(range(1, len(facts) + 1))
    return {
        order_id: root([fact_hash({k: f[k] for k in FACT if k in f}) for f in facts])
        for order_id, facts in streams.items()
    }


def compare(house: Undying, model: Any, now: datetime) -> None:
    """Orders and figures are the oracle's."""
    house.sandbox.settle()
    players = Players(house.sandbox)
    assert compare_orders(players, model, now) > 5
    later = now + timedelta(days=12)
    house.sandbox.move(later.isoformat())
    model.advance(later)
    as_of = (later - timedelta(days=1)).astimezone(SHANGHAI).date()
    for subject in ("distributor", "manufacturer", "product", "total"):
        compare_figures(players, model, Question(subject=subject, window="90d", as_of=as_of))


@pytest.mark.parametrize(
    ("how", "seed", "importer"),
    [
        ("sandbox", 21, True), ("all", 23, True), ("both", 26, False),
        ("orphan", 27, False),
    ],
)  # fmt: skip
def test_a_history_through_kills_ends_as_if_nothing_had_been(tmp_path, how, seed, importer):
    rng = random.Random(seed)
    told = history(seed, orders=14, days=10, importer=importer)
    steps, model, now = good_steps(told)
    blows = set(rng.sample(range(len(steps)), BLOWS))
    with undying(tmp_path / "d", told.start.isoformat(), orphans=how == "orphan") as house:
        for number, step in enumerate(steps):
            if number in blows:
                victim = house.sandbox.process
                kind = "sandbox" if how == "orphan" else how
                timer = threading.Timer(rng.uniform(0, 0.03), house.kill, [kind])
                timer.start()
                do(house, step)
                timer.join()
                victim.wait(10)
                house.revive()
                assert house.insist(None, "GET", "/sandbox/v1/clock")["now"] >= "2025"
            else:
                do(house, step)
        assert house.kills == BLOWS
        assert how != "orphan" or house.orphaned == BLOWS
        compare(house, model, now)
        disturbed = roots(house)
        assert set(disturbed) == set(model.streams)


def test_the_roots_after_kills_are_those_of_an_undisturbed_run(tmp_path):
    told = history(31, orders=5, days=4)
    steps, _, _ = good_steps(told)
    found = []
    for name, blows in (("quiet", set()), ("loud", set(random.Random(31).sample(range(30), 2)))):
        with undying(tmp_path / name, told.start.isoformat()) as house:
            for number, step in enumerate(steps):
                if number in blows:
                    victim = house.sandbox.process
                    timer = threading.Timer(0.004, house.kill, ["both"])
                    timer.start()
                    do(house, step)
                    timer.join()
                    victim.wait(10)
                    house.revive()
                do(house, step)
            found.append((roots(house), [strip(item) for item in feed(house)]))
            assert house.kills == len(blows)
    assert found[0][0] == found[1][0]
    key = str
    assert sorted(found[0][1], key=key) == sorted(found[1][1], key=key)


def strip(item: Any) -> tuple[Any, ...]:
    """What of a fact may not depend on a kill: who said what, when it was recorded, its place."""
    return (item["source"], item["id"], item["recordedtime"], item["streamversion"], item["sha256"])
