"""Eight hours without a step, across a 24:00, change nothing: time is what the facts say it is.

One run ticks through the night in small steps, the other stands still and then jumps. The same facts
come at the same instants before and after; deadlines pass, lines become void and days close in between.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.playing import (
    Players,
    compare_evidence,
    compare_figures,
    compare_orders,
    parameters,
)
from tests.oracle.figures import Question, subjects
from tests.oracle.histories import REFERENCE_ACTOR, START, History, history
from tests.oracle.replay import beginning
from tests.oracle.wire import SHANGHAI, parse_time

HOUR = timedelta(hours=1)
EVENING = (START + timedelta(days=12)).replace(hour=20)
MORNING = EVENING + 8 * HOUR
"""The night: nobody posts anything after 20:00 and before 04:00 of the next day."""


class Night:
    """A history in which the steps of one night wait for its morning."""

    def __init__(self, seed: int) -> None:
        self.told: History = history(seed, orders=36, days=13)
        self.posts: list[tuple[datetime, Any]] = []
        now = self.told.start
        for step in self.told.steps:
            if step[0] == "clock":
                now = step[1]
            else:
                waits = EVENING < now < MORNING
                self.posts.append((MORNING if waits else now, step))
        # Their clock says so too: what would lie in the future of 20:00 comes in the morning.
        self.until = EVENING + timedelta(days=2)
        self.posts = [(at, step) for at, step in self.posts if at <= self.until]

    def instants(self, *, ticking: bool) -> list[datetime]:
        """Where the clock stops: at every post, and, if it ticks, at every hour and around 24:00."""
        found = {at for at, _ in self.posts} | {EVENING, MORNING, self.until}
        if ticking:
            first = EVENING - timedelta(days=1)
            found |= {
                first + n * HOUR / 2 for n in range(2 * 72) if first + n * HOUR / 2 <= self.until
            }
            midnight = MORNING.replace(hour=0)
            for day in (-1, 0, 1):
                at = midnight + timedelta(days=day)
                found |= {at - timedelta(microseconds=1), at + timedelta(microseconds=1)}
                found |= {at - timedelta(seconds=1), at + timedelta(seconds=1)}
        else:
            found = {at for at in found if not EVENING < at < MORNING}
        return sorted(found)


def live(sandbox: Any, night: Night, *, ticking: bool) -> tuple[list[Any], Players]:
    """Play the night; every answer in the order given."""
    players, answers = Players(sandbox), []
    for path, body in night.told.puts:
        players.put(path, body)
    posts, clock = list(night.posts), sandbox.client()
    for instant in night.instants(ticking=ticking):
        moved = clock.post("/sandbox/v1/clock", json={"now": instant.isoformat()})
        assert moved.status_code == 200, moved.text
        while posts and posts[0][0] <= instant:
            step = posts.pop(0)[1]
            if step[0] == "put":
                players.put(step[1], step[2])
            else:
                answer = players[step[1]].post("/orders/v1/events", json=step[2])
                assert answer.status_code in (200, 207, 422), answer.text
                results = answer.json()["results"]
                answers.append([(r["id"], r["status"], r.get("code")) for r in results])
    assert not posts
    return answers, players


def facts(players: Players) -> list[tuple[Any, ...]]:
    """Every fact with its instant and its place in its stream."""
    items, query = [], {"limit": 1000}
    while True:
        page = players["ops:360000"].get("/orders/v1/changes", params=query).json()
        if not page["items"]:
            break
        items += page["items"]
        query["after"] = page["next"]
    return sorted(
        (i["source"], i["id"], i["type"], i["recordedtime"], i["streamversion"], i["sha256"])
        for i in items
        if "order_id" in i["data"]
    )


def cards(players: Players, as_of: Any) -> list[Any]:
    """Every scorecard of every kind."""
    found = []
    for subject in ("distributor", "manufacturer", "product"):
        for window in ("30d", "90d", "2026-02", "2026Q1"):
            asked = parameters(Question(subject=subject, window=window, as_of=as_of))
            path = "/alerts/v1/scorecards"
            query = {"subject": subject, "limit": "1000", **asked}
            answer = players[REFERENCE_ACTOR].get(path, params=query)
            assert answer.status_code == 200, answer.text
            found += [
                {k: card[k] for k in ("subject", "id", "window", "rates", "excused", "score")}
                for card in answer.json()["items"]
            ]
    return found


@pytest.mark.parametrize("seed", [60])
def test_a_night_slept_through_is_the_night_lived(seed):
    night = Night(seed)
    runs = []
    for ticking in (True, False):
        with running_sandbox(now=night.told.start.isoformat()) as sandbox:
            answers, players = live(sandbox, night, ticking=ticking)
            told = facts(players)
            orders = {order_id: view(players, order_id) for order_id in placed(night)}
            later = night.until + timedelta(days=9)
            sandbox.move(later.isoformat())
            as_of = (later - timedelta(days=1)).astimezone(SHANGHAI).date()
            runs.append((answers, told, orders, facts(players), cards(players, as_of)))
            if not ticking:
                against_the_oracle(players, night, later, as_of)
    for lived, slept in zip(*runs, strict=True):
        assert lived == slept
    voids = [f[3] for f in runs[1][1] if f[2] == "jicai.order.line_voided.v1"]
    assert sum(EVENING < parse_time(at) <= MORNING for at in voids) >= 2


def placed(night: Night) -> set[str]:
    """Every order that anybody tried to place."""
    found = set()
    for _, step in night.posts:
        for event in step[2] if step[0] == "post" else ():
            if isinstance(event, dict) and event.get("type") == "jicai.order.placed.v1":
                data = event.get("data")
                if isinstance(data, dict) and isinstance(data.get("order_id"), str):
                    found.add(data["order_id"])
    return found


def view(players: Players, order_id: str) -> Any:
    """The order, or that there is none."""
    answer = players["ops:360000"].get(f"/orders/v1/orders/{quote(order_id, safe='')}")
    return answer.json() if answer.status_code == 200 else answer.status_code


def against_the_oracle(players: Players, night: Night, later: datetime, as_of: Any) -> None:
    """And both are what the contract says."""
    model = beginning(night.told)
    for at, step in night.posts:
        model.advance(at)
        if step[0] == "put":
            model.world.put(at, step[1], step[2])
        else:
            model.post(at, step[1], step[2])
    model.advance(later)
    assert compare_orders(players, model, later) > 20
    for subject in ("distributor", "manufacturer", "product", "total"):
        compare_figures(players, model, Question(subject=subject, window="90d", as_of=as_of))
    question = Question(subject="distributor", window="90d", as_of=as_of)
    for one in subjects(model, question):
        named = Question(subject="distributor", id=one, window="90d", as_of=as_of)
        assert compare_evidence(players, model, named)
