"""The match and the draft of section 10, sentence by sentence, in a town worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracle.settling.drafting import draft_instant
from tests.oracle.settling.money import line_fen
from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import (
    APRIL,
    HOSPITAL,
    MARCH,
    MAY,
    OTHER,
    PAYEE,
    PROVINCE,
    SECOND,
    D,
    H,
    day,
    listed,
    name,
    sums,
)

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "settlement.json"
CASES = {case["name"]: case for case in json.loads(VECTORS.read_text("utf-8"))["cases"]}


# ── match ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", ["line rounding", "line rounding half up"])
def test_an_amount_is_quantity_times_price_rounded_half_up_to_the_fen(case: str) -> None:
    told = CASES[case]
    assert line_fen(told["quantity"], told["unit_price"]) == told["amount_fen"]
    assert line_fen("1", "0.0049") == 0


def test_a_matched_line_is_worth_what_was_accepted_at_the_invoice_price_and_not_the_orders() -> (
    None
):
    tale = Tale()
    tale.goods(day(3), ("P", "100", "10.40"), price="9")
    tale.at(MARCH)
    assert listed(tale.one()) == [("receipt", "P", 104000, "settled")]
    assert tale.one()["lines"][0] | {"line_id": ""} == {
        "line_id": "",
        "kind": "receipt",
        "receipt_id": "R1",
        "return_id": None,
        "order_id": f"{H}-1",
        "order_line_id": "P",
        "product_id": "P",
        "quantity": "100",
        "unit_price": "10.40",
        "amount_fen": 104000,
        "state": "settled",
    }


def test_each_receipt_line_is_rounded_by_itself_and_a_total_is_their_sum() -> None:
    tale = Tale()
    for order in ("1", "2", "3"):
        tale.goods(day(3), ("Q", "1", "0.0050"), order=order)
    tale.at(MARCH)
    assert tale.one()["total_fen"] == 3


def test_without_a_net_quantity_the_reason_is_no_invoice() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "100"))
    assert tale.reasons() == [("P", "no_invoice")]
    # Dear and credited to nothing: net zero is asked before the price.
    tale.invoice(day(4), order, ("P", "100", "99"))
    tale.invoice(day(4), order, ("P", "100", "99"), kind="credit")
    assert tale.reasons() == [("P", "no_invoice")]


def test_a_quantity_that_differs_is_told_before_a_price_that_is_too_high() -> None:
    case = CASES["price above selected"]
    tale = Tale()
    order = tale.receive(day(3), ("Q", "100"))
    tale.invoice(day(3), order, ("Q", "60", case["invoice_price"]))
    assert tale.reasons() == [("Q", "quantity_differs")]
    tale.invoice(day(3), order, ("Q", "40", case["invoice_price"]))
    assert tale.reasons() == [("Q", case["match"])]
    assert tale.get("/unmatched")["items"] == [
        {
            "order_id": order,
            "order_line_id": "Q",
            "receipt_id": "R1",
            "quantity": "100",
            "reason": "price_above_selected",
        }
    ]
    assert tale.at(MARCH).statements == []


def test_more_credited_than_sold_differs_too() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "100"))
    tale.invoice(day(3), order, ("P", "1", "10"), kind="credit")
    assert tale.reasons() == [("P", "quantity_differs")]


def test_a_credit_note_that_names_a_return_does_not_count() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"))
    tale.take_back(day(4), order, "P", "40")
    tale.invoice(day(4), order, ("P", "40", "10"), kind="credit", return_id="T1")
    tale.at(MARCH)
    assert sums(tale.one()) == (100000, -40000, 0, 60000)


def test_the_price_is_that_of_the_last_sale_invoice_by_when_it_occurred() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "100"))
    tale.invoice(day(5), order, ("P", "50", "10.50"), happened=day(5))
    tale.invoice(day(6), order, ("P", "50", "11"), happened=day(4))
    tale.at(MARCH)
    assert listed(tale.one()) == [("receipt", "P", 105000, "settled")]


def test_of_two_sale_invoices_at_one_instant_the_later_position_is_the_last() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "100"))
    tale.invoice(day(5), order, ("P", "50", "9"), happened=day(4))
    tale.invoice(day(5), order, ("P", "50", "8"), happened=day(4))
    # A credit note is no sale, however late.
    tale.invoice(day(6), order, ("P", "50", "7"), happened=day(5))
    tale.invoice(day(7), order, ("P", "50", "11"), kind="credit")
    tale.at(MARCH)
    assert listed(tale.one()) == [("receipt", "P", 70000, "settled")]


def test_only_lines_of_the_main_supplier_are_settled() -> None:
    tale = Tale()
    tale.goods(day(3), ("P", "1", "1"), ("R", "1", "1"))
    tale.at(MARCH)
    assert [line[1] for line in listed(tale.one())] == ["P"]
    assert tale.reasons() == []


def test_a_back_entered_order_counts_in_settlement() -> None:
    tale = Tale()
    tale.goods(day(3), ("P", "1", "1"), back_entered=True)
    tale.at(MARCH)
    assert tale.one()["total_fen"] == 100


def test_a_line_of_which_nothing_was_accepted_is_neither_matched_nor_unmatched() -> None:
    tale = Tale()
    tale.goods(day(3), ("P", "1", "1"), ("Q", "1", "0.5"), rejected=("Q",))
    assert tale.reasons() == []
    tale.at(MARCH)
    assert [line[1] for line in listed(tale.one())] == ["P"]


# ── draft ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_is_drafted_at_00_of_the_fifth_working_day_of_the_next() -> None:
    assert draft_instant("2026-03") == MARCH
    assert draft_instant("2026-04") == APRIL
    assert draft_instant("2026-05") == MAY
    assert draft_instant("2025-12") == day(8, 1)
    tale = Tale()
    tale.goods(day(3), ("P", "1", "10"))
    assert tale.at(MARCH - SECOND).statements == []
    tale.at(MARCH)
    assert (tale.one()["state"], tale.one()["month"], tale.one()["pool"]) == (
        "draft",
        "2026-03",
        "360100",
    )


def test_the_draft_stands_on_the_facts_recorded_before_its_instant() -> None:
    tale = Tale()
    early = tale.receive(day(3), ("P", "1"))
    late = tale.receive(day(3), ("P", "2"), order="2")
    tale.invoice(MARCH - SECOND, early, ("P", "1", "10"))
    tale.invoice(MARCH, late, ("P", "2", "10"))
    assert tale.one()["total_fen"] == 1000
    tale.at(APRIL)
    assert tale.one("2026-04")["total_fen"] == 2000


def test_a_receipt_belongs_to_the_month_in_which_it_occurred() -> None:
    tale = Tale()
    tale.goods(day(1, 4), ("P", "1", "10"), happened=day(1, 4) - SECOND)
    tale.goods(day(1, 4), ("P", "2", "10"), order="2", happened=day(1, 4))
    tale.at(MARCH)
    assert tale.one()["total_fen"] == 1000
    tale.at(APRIL)
    assert tale.one("2026-04")["total_fen"] == 2000


def test_what_was_not_settled_in_its_month_enters_a_later_draft_once() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "1"))
    tale.at(APRIL)
    tale.invoice(APRIL, order, ("P", "1", "10"))
    tale.at(day(10, 8))
    assert [one["month"] for one in tale.get("/statements")["items"]] == ["2026-05"]


def test_a_receipt_line_is_in_one_statement_only_whatever_is_invoiced_afterwards() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("P", "1", "10"))
    tale.at(MARCH)
    tale.invoice(MARCH, order, ("P", "1", "10"), kind="credit")
    tale.invoice(MARCH, order, ("P", "1", "9"))
    tale.at(MAY)
    assert [one["month"] for one in tale.get("/statements")["items"]] == ["2026-03"]
    assert tale.reasons() == []


def test_there_is_a_statement_for_each_hospital_and_payee_and_none_without_a_line() -> None:
    tale = Tale()
    tale.goods(day(3), ("P", "1", "10"))
    tale.goods(day(3), ("P", "2", "10"), order="2", payee=OTHER)
    tale.at(MARCH)
    assert tale.one()["total_fen"] == 1000
    assert tale.one(payee=OTHER)["total_fen"] == 2000
    tale.at(APRIL)
    assert len(tale.get("/statements")["items"]) == 2


# ── returns ───────────────────────────────────────────────────────────────────────────────────────


def test_receipts_minus_returns() -> None:
    case = CASES["receipts minus returns"]
    tale = Tale()
    order = tale.goods(day(3), ("P", "1000", "10"))
    tale.take_back(day(4), order, "P", "120")
    tale.at(MARCH)
    assert sums(tale.one()) == (case["receipts_fen"], case["returns_fen"], 0, case["payable_fen"])
    assert listed(tale.one())[1] == ("return", "P", -120000, "settled")


def test_a_return_is_rounded_half_up_before_it_is_negated() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("Q", "3", "0.3350"))
    tale.take_back(day(4), order, "Q", "1")
    tale.at(MARCH)
    assert sums(tale.one()) == (101, -34, 0, 67)


def test_a_return_that_is_refused_or_not_answered_is_no_line() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"))
    tale.take_back(day(4), order, "P", "10", confirmed=False)
    tale.ask_back(day(4), order, "P", "10", "T2")
    tale.at(MARCH)
    assert sums(tale.one()) == (100000, 0, 0, 100000)


def test_a_return_counts_by_its_answer_and_waits_for_its_receipt_line_to_be_settled() -> None:
    tale = Tale()
    order = tale.receive(day(3), ("P", "100"))
    tale.take_back(day(4), order, "P", "10")
    tale.at(MARCH)
    assert tale.get("/statements")["items"] == []
    tale.invoice(MARCH, order, ("P", "100", "10"))
    tale.take_back(day(1, 5), order, "P", "1", "T2", happened=day(1, 5) - SECOND)
    tale.take_back(day(1, 5), order, "P", "2", "T3", happened=day(1, 5))
    tale.at(APRIL)
    assert sums(tale.one("2026-04")) == (100000, -11000, 0, 89000)
    tale.at(MAY)
    assert sums(tale.one("2026-05")) == (0, -2000, 0, -2000)


def test_a_return_after_settlement_is_a_negative_line_of_a_later_month_at_the_settled_price() -> (
    None
):
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"))
    tale.paid(MARCH, name())
    before = tale.one()
    # A dearer invoice after settlement changes no price.
    tale.invoice(MARCH, order, ("P", "1", "10.50"))
    tale.take_back(day(20, 4), order, "P", "5")
    tale.goods(day(20, 4), ("P", "50", "10"), order="2")
    tale.at(APRIL)
    assert tale.one() == before
    assert sums(tale.one("2026-04")) == (50000, -5000, 0, 45000)


# ── carried ───────────────────────────────────────────────────────────────────────────────────────


def returned_more() -> Tale:
    """In March 100.00 is settled and paid; in April all of it comes back."""
    tale = Tale()
    order = tale.goods(day(3), ("P", "10", "10"))
    tale.paid(MARCH, name())
    tale.take_back(day(20, 4), order, "P", "10")
    tale.at(APRIL)
    return tale


def test_returns_above_receipts_pay_nothing_and_are_carried() -> None:
    case = CASES["returns above receipts"]
    tale = Tale()
    order = tale.goods(day(3), ("P", "150", "10"))
    tale.paid(MARCH, name())
    tale.take_back(day(20, 4), order, "P", "150")
    tale.goods(day(20, 4), ("P", "100", "10"), order="2")
    tale.at(APRIL)
    assert sums(tale.one("2026-04"))[:2] == (case["receipts_fen"], case["returns_fen"])
    tale.goods(day(20, 5), ("P", "100", "10"), order="3")
    tale.at(MAY)
    assert tale.one("2026-04")["state"] == "carried_forward"
    carried = case["carried_fen"]
    assert sums(tale.one("2026-05")) == (100000, 0, carried, 100000 + carried)
    assert tale.office.payments[f"{name()}~pay1"].state == "paid"


def test_a_statement_of_nothing_or_less_asks_for_no_confirmation_and_pays_nothing() -> None:
    tale = returned_more()
    key = name("2026-04")
    assert sums(tale.one("2026-04")) == (0, -10000, 0, -10000)
    for actor in (HOSPITAL, PAYEE):
        assert tale.fault(APRIL, actor, f"/statements/{key}/confirm") == (409, "nothing_to_pay")
    assert tale.fault(APRIL, PROVINCE, f"/statements/{key}/approve") == (409, "nothing_to_pay")
    tale.at(MAY - SECOND)
    assert tale.one("2026-04")["state"] == "draft"
    tale.at(MAY)
    assert tale.one("2026-04")["state"] == "carried_forward"
    types = [item["type"] for item in tale.one("2026-04")["history"]]
    assert types == ["drafted", "carried_forward"], "nobody was reminded"
    assert tale.fault(MAY, HOSPITAL, f"/statements/{key}/confirm") == (409, "nothing_to_pay")


def test_a_carried_total_waits_for_the_pairs_next_statement_and_enters_it_once() -> None:
    tale = returned_more()
    tale.at(MAY)
    tale.goods(day(10, 6), ("P", "3", "10"), order="2")
    tale.goods(day(10, 6), ("P", "50", "10"), order="3", payee=OTHER)
    tale.at(day(10, 7))
    assert sums(tale.one("2026-06")) == (3000, 0, -10000, -7000)
    assert tale.one("2026-06", OTHER)["carried_fen"] == 0
    tale.goods(day(10, 7), ("P", "9", "10"), order="4")
    tale.at(day(10, 8))
    # What was carried once is carried on inside the total, and only there.
    assert sums(tale.one("2026-07")) == (9000, 0, -7000, 2000)


def test_a_negative_statement_can_be_disputed_until_the_pools_next_draft() -> None:
    tale = returned_more()
    key = name("2026-04")
    [line] = tale.one("2026-04")["lines"]
    said = {"line_ids": [line["line_id"]], "reason": "x"}
    answer = tale.post(MAY - SECOND, HOSPITAL, f"/statements/{key}/dispute", said)
    assert answer.status == 201
    assert sums(tale.one("2026-04")) == (0, 0, 0, 0)
    tale.at(MAY)
    assert tale.one("2026-04")["state"] == "carried_forward"
    assert tale.fault(MAY, HOSPITAL, f"/statements/{key}/dispute", said) == (409, "wrong_state")
    tale.goods(day(10, 6), ("P", "3", "10"), order="2")
    tale.at(day(10, 7))
    assert sums(tale.one("2026-06")) == (3000, 0, 0, 3000)


def test_the_members_of_a_statement_have_their_signs_and_add_up() -> None:
    tale = returned_more()
    for statement in tale.get("/statements")["items"]:
        receipts, returns, carried, total = sums(statement)
        assert receipts >= 0
        assert max(returns, carried) <= 0
        assert total == receipts + returns + carried
        assert {"held", "payment", "history", "due"} <= set(statement)
    assert {one["payee_id"] for one in tale.get("/statements")["items"]} == {D}
