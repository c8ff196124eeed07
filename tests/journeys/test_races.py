"""Two clients at the same order at the same moment: one of them is accepted, the other told why not."""

from __future__ import annotations

import threading
from typing import Any

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import DISTRIBUTOR, HOSPITAL
from tests.journeys.market import Market

PLAYED_ON = ("log",)
"""Whoever is first is settled by the locks of the log."""

NOW = "2026-01-05T09:00:00+08:00"
ROUNDS = 25


def race(market: Market, *starters: tuple[str, Any]) -> list[str]:
    """Everybody posts one event at once; what each was told."""
    gate = threading.Barrier(len(starters))
    told: list[Any] = [None] * len(starters)

    def run(number: int, actor: str, event: Any) -> None:
        with market.sandbox.client(actor) as client:
            client.get("/livez")
            gate.wait()
            result = client.post("/orders/v1/events", json=[event]).json()["results"][0]
            told[number] = result.get("code") or result["status"]

    threads = [threading.Thread(target=run, args=(n, *one)) for n, one in enumerate(starters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_two_answers_to_one_line(market):
    for _ in range(ROUNDS):
        tale = market.placed()
        answers = [
            tale.answering(lines=[{"line_id": "L1", "answer": answer}], time=NOW)
            for answer in ("accepted", "refused")
        ]
        told = race(market, *((DISTRIBUTOR, answer) for answer in answers))
        assert sorted(told) == ["accepted", "already_answered"]
        winner = answers[told.index("accepted")]["data"]["lines"][0]["answer"]
        assert tale.view()["lines"][0]["answer"] == winner
        assert len(tale.view()["history"]) == 2


def test_a_cancellation_and_a_dispatch(market):
    for _ in range(ROUNDS):
        tale = market.placed()
        told = race(
            market,
            (HOSPITAL, tale.cancelling(line_ids=["L1"], time=NOW)),
            (DISTRIBUTOR, tale.dispatching(time=NOW)),
        )
        assert told in (["accepted", "line_cancelled"], ["already_dispatched", "accepted"])
        state = "cancelled" if told[0] == "accepted" else "dispatched"
        assert tale.view()["lines"][0]["state"] == state


def test_one_order_id_twice_and_one_event_four_times(market):
    for _ in range(ROUNDS):
        tale = market.tale()
        one, other = tale.placing(time=NOW), tale.placing(time=NOW)
        told = race(market, *((HOSPITAL, event) for event in (one, other, one, one)))
        assert told.count("accepted") == 1
        winner = one if told[1] != "accepted" else other
        if winner is one:
            assert sorted(told) == ["accepted", "duplicate", "duplicate", "order_exists"]
        else:
            assert told == ["order_exists", "accepted", "order_exists", "order_exists"]
        assert [h["event_id"] for h in tale.view()["history"]] == [winner["id"]]


def test_one_id_with_two_contents_under_two_orders(market):
    for _ in range(ROUNDS):
        one = market.tale().placing(time=NOW)
        other = market.tale().placing(time=NOW, id=one["id"])
        told = race(market, (HOSPITAL, one), (HOSPITAL, other))
        assert sorted(told) == ["accepted", "conflicting_duplicate"]


def test_a_fact_that_races_a_jump_of_the_clock_is_dated_before_or_after_it_never_between():
    """Posted while eight hours pass over a 24:00: the verdict is that of the instant it is dated at."""
    with running_sandbox() as sandbox:
        market = Market(sandbox)
        tales = [market.placed() for _ in range(24)]
        before, due, after = (
            "2026-01-11T20:00:00+08:00", "2026-01-12T09:00:00+08:00", "2026-01-12T10:00:00+08:00",
        )  # fmt: skip
        sandbox.move(before)
        events = [tale.dispatching(time=before) for tale in tales]
        told: list[Any] = []

        def post() -> None:
            with sandbox.client(DISTRIBUTOR) as client:
                for event in events:
                    told.append(client.post("/orders/v1/events", json=[event]).json()["results"][0])

        posting = threading.Thread(target=post)
        posting.start()
        sandbox.move(after)
        posting.join()
        for tale, result in zip(tales, told, strict=True):
            last = tale.view()["history"][-1]
            if result["status"] == "accepted":
                assert (last["recorded_at"], last["type"]) == (
                    before,
                    "jicai.delivery.dispatched.v1",
                )
            else:
                assert result["code"] == "line_void"
                assert (last["recorded_at"], last["type"]) == (due, "jicai.order.line_voided.v1")
