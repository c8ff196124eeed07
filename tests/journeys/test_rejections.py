"""Every rejection code of section 3 after `malformed`, provoked; retryable exactly where promised.

A refused event changes nothing: each test that can, goes on with the order afterwards.
"""

from __future__ import annotations

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import IMPORTER, H, M, line, load, taken
from tests.journeys.market import Market
from tests.oracle.uscc import make_uscc

PLAYED_ON = ("log",)
"""Orders judges by its own log: no bus is asked."""

ACCEPTED = [{"line_id": "L1", "answer": "accepted"}]
NOBODY = make_uscc(999)


def refused(result, code, pointer=None, *, retryable=False):
    """The result says exactly this."""
    assert (result["status"], result.get("code")) == ("rejected", code), result
    assert bool(result.get("retryable")) is retryable
    assert result["detail"]
    if pointer is not None:
        said = result["pointer"]
        assert said == pointer or said.startswith(f"{pointer}/"), result
    assert "position" not in result


def accepted(result):
    assert result["status"] == "accepted", result
    assert isinstance(result["position"], int)


@pytest.fixture
def delivered(market):
    """An order of one line, dispatched as D1 and received as R1."""
    tale = market.placed()
    accepted(tale.dispatch())
    accepted(tale.receive())
    return tale


def test_the_same_id_with_other_content_changes_nothing(market):
    tale = market.tale()
    event = tale.placing()
    first = tale.send(event)
    for other in (
        {**event, "data": {**event["data"], "emergency": True}},
        {**event, "data": {**event["data"], "note": "more"}},
        {**event, "time": "2026-01-05T08:59:59+08:00"},
        {**event, "subject": "s"},
        tale.cancelling(id=event["id"]),
    ):
        refused(tale.send(other), "conflicting_duplicate")
    assert tale.send(event) == {**first, "status": "duplicate"}
    assert len(tale.view()["history"]) == 1


def test_a_fact_may_lie_five_minutes_ahead_and_no_moment_more(market):
    refused(market.tale().place(time="2026-01-05T09:05:00.000001+08:00"), "occurred_in_future")
    accepted(market.tale().place(time="2026-01-05T09:05:00+08:00"))


def test_no_line_is_wanted_before_the_order_happened(market):
    lines = [line(), line("L2", required_by="2026-01-05T08:59:59+08:00")]
    refused(market.tale().place(lines=lines), "required_by_in_past", "/data/lines/1")
    lines[1]["required_by"] = "2026-01-05T09:00:00+08:00"
    accepted(market.tale().place(lines=lines))


def test_what_an_order_names_must_be_registered_and_of_that_kind(market):
    refused(market.tale("H36010299999").place(), "unknown_hospital")
    refused(market.tale(H, NOBODY).place(), "unknown_distributor")
    refused(market.tale(H, M).place(), "unknown_distributor")
    lines = [line(), line("L2", product_id="nothing")]
    refused(market.tale().place(lines=lines), "unknown_product", "/data/lines/1")


def test_what_the_other_side_may_still_post_is_retryable(market, delivered):
    stranger = market.tale()
    for event in (
        stranger.answering(), stranger.cancelling(), stranger.dispatching(), stranger.arriving(),
        stranger.receiving(), stranger.returning(), stranger.settling_return(),
        stranger.invoicing(),
    ):  # fmt: skip
        refused(stranger.send(event), "unknown_order", retryable=True)
    refused(delivered.arrive("D9"), "unknown_delivery", retryable=True)
    refused(delivered.receive("R9", "D9"), "unknown_delivery", retryable=True)
    for event in (delivered.returning(receipt="R9"), delivered.invoicing(receipt="R9")):
        refused(delivered.send(event), "unknown_receipt", retryable=True)
    for event in (delivered.settling_return("T9"), delivered.invoicing(return_id="T9")):
        refused(delivered.send(event), "unknown_return", retryable=True)


def test_a_retryable_event_is_taken_when_its_cause_has_come(market):
    tale = market.placed()
    arriving = tale.arriving()
    refused(tale.send(arriving), "unknown_delivery", retryable=True)
    accepted(tale.dispatch())
    accepted(tale.send(arriving))


def test_ids_are_used_once(delivered):
    refused(delivered.place(), "order_exists")
    refused(delivered.dispatch(), "already_exists")
    accepted(delivered.dispatch("D2"))
    refused(delivered.receive("R1", "D2"), "already_exists")
    refused(delivered.receive("R2"), "already_received")
    accepted(delivered.arrive())
    refused(delivered.arrive(), "already_arrived")
    for make in (delivered.returning, delivered.invoicing):
        accepted(delivered.send(make()))
        refused(delivered.send(make()), "already_exists")
    accepted(delivered.send(delivered.settling_return()))
    refused(delivered.send(delivered.settling_return(confirmed=False)), "already_answered")


def test_a_line_that_the_order_does_not_have(delivered):
    alien = [{"line_id": "X", "answer": "accepted"}]
    refused(delivered.answer(lines=ACCEPTED + alien), "unknown_line", "/data/lines/1")
    refused(delivered.cancel(line_ids=["X"]), "unknown_line", "/data/line_ids/0")
    refused(delivered.dispatch("D2", lines=[load(), load("X")]), "unknown_line", "/data/lines/1")
    accepted(delivered.dispatch("D3"))
    refused(delivered.receive("R3", "D3", lines=[taken("X")]), "unknown_line", "/data/lines/0")
    back = [{"line_id": "X", "quantity": "1"}]
    refused(delivered.send(delivered.returning(lines=back)), "unknown_line", "/data/lines/0")
    bill = [{"line_id": "X", "quantity": "1", "unit_price": "1"}]
    refused(delivered.send(delivered.invoicing(lines=bill)), "unknown_line", "/data/lines/0")


def test_a_cancelled_line_takes_neither_answer_nor_dispatch_nor_another_cancellation(market):
    tale = market.placed(lines=[line(), line("L2")])
    accepted(tale.cancel(line_ids=["L2"]))
    lines = [*ACCEPTED, {"line_id": "L2", "answer": "accepted"}]
    refused(tale.answer(lines=lines), "line_cancelled", "/data/lines/1")
    refused(tale.dispatch(lines=[load(), load("L2")]), "line_cancelled", "/data/lines/1")
    refused(tale.cancel(line_ids=["L1", "L2"]), "already_cancelled", "/data/line_ids/1")
    assert [x["state"] for x in tale.view()["lines"]] == ["awaiting_answer", "cancelled"]
    accepted(tale.answer())
    refused(tale.answer(), "already_answered")


def test_the_first_answer_stands(market):
    tale = market.placed()
    accepted(tale.answer(lines=[{"line_id": "L1", "answer": "refused"}]))
    refused(tale.answer(lines=ACCEPTED), "already_answered", "/data/lines/0")
    refused(tale.answer(), "already_answered")
    assert tale.view()["lines"][0]["answer"] == "refused"


def test_what_was_dispatched_is_not_cancelled(market):
    tale = market.placed(lines=[line(), line("L2")])
    accepted(tale.dispatch())
    refused(tale.cancel(line_ids=["L2", "L1"]), "already_dispatched", "/data/line_ids/1")
    accepted(tale.cancel())
    assert [x["state"] for x in tale.view()["lines"]] == ["dispatched", "cancelled"]
    refused(tale.cancel(), "nothing_to_cancel")


@pytest.mark.parametrize("product_id", ["OFF", "GONE"])
def test_a_suspended_or_delisted_product_is_not_ordered_but_imported(market, product_id):
    lines = [line(product_id="Q"), line("L2", product_id=product_id)]
    tale = market.tale()
    refused(tale.place(lines=lines), "product_suspended", "/data/lines/1")
    accepted(tale.place(lines=lines, by=IMPORTER))


@pytest.mark.parametrize(
    "rows",
    [
        [taken("L1", "99", "0"), taken("L2")],
        [taken("L1", "60", "40.0001"), taken("L2")],
        [taken("L1")],
        [taken("L1"), taken("L2"), taken("L3")],
    ],
)
def test_a_receipt_names_every_line_of_its_delivery_and_adds_up(market, rows):
    tale = market.placed(lines=[line(), line("L2"), line("L3")])
    accepted(tale.dispatch(lines=[load(), load("L2", "60"), load("L2", "40", "2")]))
    refused(tale.receive(lines=rows), "quantity_mismatch", "/data/lines")
    accepted(tale.receive(lines=[taken("L2", "0", "100"), taken("L1", "99.5", "0.5")]))


def test_no_more_goes_back_than_was_accepted_and_refused_returns_do_not_count(market, delivered):
    def ask(back, quantity):
        lines = [{"line_id": "L1", "quantity": quantity}]
        return delivered.send(delivered.returning(back, lines=lines))

    refused(ask("T1", "100.0001"), "return_exceeds_receipt", "/data/lines/0")
    accepted(ask("T1", "100"))
    refused(ask("T2", "0.0001"), "return_exceeds_receipt", "/data/lines/0")
    accepted(delivered.send(delivered.settling_return("T1", confirmed=False)))
    accepted(ask("T2", "0.0001"))


def test_a_void_line_takes_neither_dispatch_nor_answer_nor_cancellation():
    with running_sandbox() as sandbox:
        tale = Market(sandbox).placed(lines=[line(), line("L2")])
        accepted(tale.dispatch(lines=[load("L2")]))
        sandbox.move("2026-01-12T08:59:59+08:00")
        assert tale.view()["lines"][0]["state"] == "awaiting_answer"
        sandbox.move("2026-01-12T09:00:00+08:00")
        refused(tale.answer(lines=ACCEPTED), "line_void", "/data/lines/0")
        refused(tale.dispatch("D2"), "line_void", "/data/lines/0")
        refused(tale.cancel(line_ids=["L1"]), "line_void", "/data/line_ids/0")
        refused(tale.cancel(), "nothing_to_cancel")
        earlier = tale.dispatching("D3", time="2026-01-06T09:00:00+08:00")
        refused(tale.send(earlier), "line_void", "/data/lines/0")
        accepted(tale.answer())
        refused(tale.answer(), "already_answered")
        assert [x["state"] for x in tale.view()["lines"]] == ["void", "dispatched"]
