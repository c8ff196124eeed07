"""Where two faults coincide, the one that is tested first is told; and an event is taken whole."""

from __future__ import annotations

import pytest

from tests.journeys.goods import D2, H2, D, H, line, load, taken
from tests.oracle.uscc import make_uscc

PLAYED_ON = ("log",)
"""Orders judges by its own log: no bus is asked."""

NOBODY, NOWHERE = make_uscc(999), "H36010299999"
AHEAD, EARLY = "2026-01-05T09:06:00+08:00", "2026-01-01T00:00:00+08:00"


def code(result):
    return result.get("code") or result["status"]


def test_malformed_before_not_yours(market):
    bad = market.tale(H2).placing(lines=[])
    assert code(market.results(f"hospital:{H}", bad)[0]) == "malformed"


def test_not_yours_before_duplicate(market):
    tale = market.tale()
    event = tale.placing()
    assert code(tale.send(event)) == "accepted"
    assert code(tale.send(event, by=f"hospital:{H2}")) == "not_yours"


def test_not_yours_before_conflicting_duplicate_before_occurred_in_future(market):
    tale = market.placed()
    answer = tale.answering()
    assert code(tale.send(answer)) == "accepted"
    other = {**answer, "time": AHEAD}
    assert code(tale.send(other)) == "conflicting_duplicate"
    foreign = {**other, "source": f"urn:jicai:{D2}"}
    assert code(market.results(f"distributor:{D2}", foreign)[0]) == "not_yours"


def test_a_duplicate_is_a_duplicate_whatever_else_would_be_wrong_with_it_now(market):
    tale = market.tale()
    placing = tale.placing()
    assert code(tale.send(placing)) == "accepted"
    assert code(tale.cancel()) == "accepted"
    assert code(tale.send(placing)) == "duplicate"


LADDER = [
    ("occurred_in_future", {"time": AHEAD}),
    ("required_by_in_past", {}),
    ("unknown_hospital", {}),
    ("unknown_distributor", {}),
    ("unknown_product", {}),
    ("order_exists", {}),
    ("product_suspended", {}),
]


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_the_ladder_of_a_placing(market, rung):
    """Each rung takes one fault away from an order that has all; the next fault shows."""
    meant = LADDER[rung][0]
    hospital = NOWHERE if rung <= 2 else H
    tale = market.tale(hospital, NOBODY if rung <= 3 else D)
    if rung == 5:
        assert code(tale.place()) == "accepted"
    lines = [line(product_id="OFF")]
    if rung <= 1:
        lines[0]["required_by"] = EARLY
    if rung <= 4:
        lines.append(line("L2", product_id="nothing"))
    event = tale.placing(lines=lines, **LADDER[rung][1])
    assert code(market.results(f"hospital:{hospital}", event)[0]) == meant


def test_occurred_in_future_before_everything_unknown(market):
    tale = market.tale()
    assert code(tale.answer(time=AHEAD)) == "occurred_in_future"
    assert code(tale.arrive(time=AHEAD)) == "occurred_in_future"


def test_unknown_before_already_before_line_by_line(market):
    tale = market.placed(lines=[line(), line("L2")])
    assert code(tale.dispatch()) == "accepted"
    assert code(tale.receive()) == "accepted"
    strange = [taken("X")]
    assert code(tale.receive("R1", "D9", lines=strange)) == "unknown_delivery"
    assert code(tale.receive("R1", "D1", lines=strange)) == "already_exists"
    assert code(tale.receive("R2", "D1", lines=strange)) == "already_received"
    assert code(tale.dispatch("D1", lines=[load("X")])) == "already_exists"
    much = [{"line_id": "X", "quantity": "999"}]
    assert code(tale.send(tale.returning(receipt="R9", lines=much))) == "unknown_receipt"
    bill = tale.invoicing(receipt="R9", return_id="T9")
    assert code(tale.send(bill)) == "unknown_receipt"


def test_the_first_line_with_a_fault_decides(market):
    tale = market.placed(lines=[line(), line("L2"), line("L3")])
    assert code(tale.cancel(line_ids=["L1"])) == "accepted"
    assert code(tale.dispatch(lines=[load("L2")])) == "accepted"
    first = tale.cancel(line_ids=["L3", "L2", "L1", "X"])
    assert (code(first), first["pointer"]) == ("already_dispatched", "/data/line_ids/1")
    second = tale.cancel(line_ids=["L3", "X", "L2"])
    assert (code(second), second["pointer"]) == ("unknown_line", "/data/line_ids/1")


def test_an_event_with_one_bad_line_changes_no_line(market):
    tale = market.placed(lines=[line(), line("L2")])
    before = tale.view()
    assert code(tale.dispatch(lines=[load(), load("X")])) == "unknown_line"
    answers = [{"line_id": x, "answer": "accepted"} for x in ("L1", "L2", "X")]
    assert code(tale.answer(lines=answers)) == "unknown_line"
    assert code(tale.cancel(line_ids=["L1", "X"])) == "unknown_line"
    assert tale.view() == before
    assert code(tale.dispatch()) == "accepted"


def test_a_batch_with_bad_events_loses_nothing_else(market):
    tales = [market.tale() for _ in range(6)]
    events = [tale.placing() for tale in tales]
    events[1]["data"]["lines"] = []
    events[3]["source"] = f"urn:jicai:{H2}"
    events[4] = "not even an event"
    told = [code(result) for result in market.results(f"hospital:{H}", *events)]
    assert told == ["accepted", "malformed", "accepted", "not_yours", "malformed", "accepted"]
    for n in (0, 2, 5):
        assert tales[n].view()["lines"][0]["state"] == "awaiting_answer"
