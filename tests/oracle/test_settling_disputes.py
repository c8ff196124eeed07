"""Disputed lines of section 10, sentence by sentence."""

from __future__ import annotations

from typing import Any

from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import (
    APRIL,
    BUREAU,
    FINANCE,
    HOSPITAL,
    MARCH,
    MAY,
    PAYEE,
    PROVINCE,
    D,
    day,
    listed,
    name,
    sums,
)

KEY = name()


def two_lines() -> Tale:
    """March holds P for 1 000.00 and Q for 5.00; 100.00 of P is returned."""
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"), ("Q", "10", "0.5"))
    tale.take_back(day(4), order, "P", "10")
    tale.at(MARCH)
    return tale


def line_of(tale: Tale, kind: str, product: str, month: str = "2026-03") -> str:
    """The id of a line."""
    lines = tale.one(month)["lines"]
    [found] = [x["line_id"] for x in lines if (x["kind"], x["product_id"]) == (kind, product)]
    return str(found)


def contest(tale: Tale, at: Any, *lines: str, key: str = KEY, actor: str = HOSPITAL) -> str:
    """A dispute; its id."""
    said = {"line_ids": list(lines), "reason": "x"}
    answer = tale.post(at, actor, f"/statements/{key}/dispute", said)
    assert answer.status == 201, answer
    return str(answer.body["dispute_id"])


def test_the_named_lines_leave_the_total_and_the_rest_goes_on() -> None:
    tale = two_lines()
    contest(tale, MARCH, line_of(tale, "receipt", "Q"))
    assert sums(tale.one()) == (100000, -10000, 0, 90000)
    assert ("receipt", "Q", 500, "disputed") in listed(tale.one())
    tale.paid(MARCH, KEY)
    assert tale.balance("fund:360100:bank") == -90000


def test_the_hospital_or_the_payee_disputes_before_both_have_confirmed() -> None:
    tale = two_lines()
    line = line_of(tale, "receipt", "Q")
    said = {"line_ids": [line], "reason": "x"}
    path = f"/statements/{KEY}/dispute"
    assert tale.fault(MARCH, BUREAU, path, said)[0] == 403
    tale.done(MARCH, HOSPITAL, f"/statements/{KEY}/confirm")
    contest(tale, MARCH, line, actor=PAYEE)
    assert tale.one()["state"] == "hospital_confirmed"
    tale.done(MARCH, PAYEE, f"/statements/{KEY}/confirm")
    said = {"line_ids": [line_of(tale, "receipt", "P")], "reason": "x"}
    assert tale.fault(MARCH, HOSPITAL, path, said) == (409, "wrong_state")


def test_a_dispute_names_lines_of_the_statement_each_once() -> None:
    tale = two_lines()
    path, line = f"/statements/{KEY}/dispute", line_of(tale, "receipt", "Q")
    for ids in ([], [line, line], "x", [1]):
        said = {"line_ids": ids, "reason": "x"}
        assert tale.fault(MARCH, HOSPITAL, path, said) == (422, "malformed")
    unknown = {"line_ids": ["x"], "reason": "x"}
    assert tale.fault(MARCH, HOSPITAL, path, unknown) == (422, "unknown_line")
    contest(tale, MARCH, line)
    assert tale.fault(MARCH, PAYEE, path, {"line_ids": [line], "reason": "y"})[0] == 409


def test_settle_lets_a_line_be_matched_again_and_enter_the_next_draft() -> None:
    tale = two_lines()
    order = tale.one()["lines"][0]["order_id"]
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "Q"))
    tale.invoice(MARCH, order, ("Q", "10", "0.5"), kind="credit")
    tale.invoice(MARCH, order, ("Q", "10", "0.4"), happened=MARCH)
    tale.done(day(20, 4), BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "settle"})
    tale.at(APRIL)
    assert listed(tale.one("2026-04")) == [("receipt", "Q", 400, "settled")]
    assert ("receipt", "Q", 500, "disputed") in listed(tale.one())
    tale.at(MAY)
    assert len(tale.get("/statements")["items"]) == 2


def test_a_line_that_is_settled_again_must_match_again() -> None:
    tale = two_lines()
    order = tale.one()["lines"][0]["order_id"]
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "Q"))
    tale.invoice(MARCH, order, ("Q", "4", "0.5"), kind="credit")
    assert tale.reasons() == [], "it is disputed"
    tale.done(day(20, 4), BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "settle"})
    assert tale.reasons() == [("Q", "quantity_differs")]
    tale.at(APRIL)
    assert len(tale.get("/statements")["items"]) == 1


def test_an_open_dispute_keeps_a_line_out_and_withdraw_keeps_it_out_for_good() -> None:
    tale = two_lines()
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "Q"))
    tale.at(APRIL)
    tale.done(APRIL, PROVINCE, f"/disputes/{dispute}/resolve", {"outcome": "withdraw"})
    tale.at(day(20, 9))
    assert len(tale.get("/statements")["items"]) == 1
    assert tale.reasons() == []


def test_a_return_goes_with_its_receipt_line_and_comes_again_with_it() -> None:
    tale = two_lines()
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "P"))
    assert sums(tale.one()) == (500, 0, 0, 500)
    assert ("return", "P", -10000, "disputed") in listed(tale.one())
    assert tale.get("/disputes")["items"][0]["line_ids"] == [line_of(tale, "receipt", "P")]
    tale.at(APRIL)
    assert len(tale.get("/statements")["items"]) == 1
    tale.done(APRIL, BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "settle"})
    tale.at(MAY)
    assert sums(tale.one("2026-05")) == (100000, -10000, 0, 90000)


def test_a_return_leaves_every_statement_that_is_not_yet_confirmed() -> None:
    tale = two_lines()
    order = tale.one()["lines"][0]["order_id"]
    tale.take_back(day(20, 4), order, "P", "1", "T2")
    tale.goods(day(20, 4), ("P", "5", "10"), order="2")
    tale.at(APRIL)
    assert sums(tale.one("2026-04")) == (5000, -1000, 0, 4000)
    contest(tale, APRIL, line_of(tale, "receipt", "P"))
    assert sums(tale.one("2026-04")) == (5000, 0, 0, 5000)


def test_a_return_in_a_confirmed_statement_stays_and_is_deducted_once() -> None:
    tale = two_lines()
    order = tale.one()["lines"][0]["order_id"]
    tale.take_back(day(20, 4), order, "P", "1", "T2")
    tale.goods(day(20, 4), ("P", "5", "10"), order="2")
    tale.at(APRIL)
    tale.paid(APRIL, name("2026-04"))
    dispute = contest(tale, APRIL, line_of(tale, "receipt", "P"))
    assert sums(tale.one("2026-04")) == (5000, -1000, 0, 4000)
    tale.done(APRIL, BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "settle"})
    tale.at(MAY)
    assert sums(tale.one("2026-05")) == (100000, -10000, 0, 90000)


def test_a_return_is_not_deducted_while_its_receipt_line_is_disputed() -> None:
    tale = two_lines()
    order = tale.one()["lines"][0]["order_id"]
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "P"))
    tale.take_back(day(20, 4), order, "P", "1", "T2")
    tale.at(APRIL)
    assert len(tale.get("/statements")["items"]) == 1
    tale.done(APRIL, BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "withdraw"})
    tale.at(MAY)
    assert len(tale.get("/statements")["items"]) == 1


def test_a_return_line_that_is_named_itself_waits_for_its_own_dispute() -> None:
    tale = two_lines()
    line = line_of(tale, "return", "P")
    dispute = contest(tale, MARCH, line, actor=PAYEE)
    assert sums(tale.one()) == (100500, 0, 0, 100500)
    tale.at(APRIL)
    assert len(tale.get("/statements")["items"]) == 1
    tale.done(APRIL, BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "settle"})
    tale.at(MAY)
    assert sums(tale.one("2026-05")) == (0, -10000, 0, -10000)


def test_a_dispute_that_leaves_nothing_to_pay_is_carried_forward_though_the_hospital_confirmed() -> (
    None
):
    tale = two_lines()
    tale.done(MARCH, HOSPITAL, f"/statements/{KEY}/confirm")
    lines = [line_of(tale, "receipt", product) for product in ("P", "Q")]
    contest(tale, MARCH, *lines, actor=PAYEE)
    assert sums(tale.one()) == (0, 0, 0, 0)
    assert tale.fault(MARCH, PAYEE, f"/statements/{KEY}/confirm") == (409, "nothing_to_pay")
    tale.at(APRIL)
    assert tale.one()["state"] == "carried_forward"


def test_the_bureau_of_the_pool_resolves_once_and_the_same_again_changes_nothing() -> None:
    tale = two_lines()
    dispute = contest(tale, MARCH, line_of(tale, "receipt", "Q"))
    path, settle = f"/disputes/{dispute}/resolve", {"outcome": "settle"}
    for actor, status in (
        (HOSPITAL, 403),
        (FINANCE, 403),
        ("bureau:360102", 403),
        ("bureau:360200", 404),
        (f"distributor:{D[:-2]}", 401),
    ):
        assert tale.fault(MARCH, actor, path, settle)[0] == status
    assert tale.fault(MARCH, BUREAU, path, {"outcome": "x"}) == (422, "malformed")
    assert tale.fault(MARCH, BUREAU, "/disputes/x/resolve", settle)[0] == 404
    assert tale.done(MARCH, BUREAU, path, settle)["outcome"] == "settle"
    assert tale.done(MARCH, PROVINCE, path, settle)["state"] == "resolved"
    other = tale.fault(MARCH, BUREAU, path, {"outcome": "withdraw"})
    assert other == (409, "conflicting_duplicate")


def test_disputes_are_listed_by_state() -> None:
    tale = two_lines()
    line = line_of(tale, "receipt", "Q")
    dispute = contest(tale, MARCH, line)
    assert tale.get("/disputes?state=open", HOSPITAL)["items"] == [
        {
            "dispute_id": dispute,
            "statement_id": KEY,
            "line_ids": [line],
            "reason": "x",
            "state": "open",
            "outcome": None,
        }
    ]
    tale.done(MARCH, BUREAU, f"/disputes/{dispute}/resolve", {"outcome": "withdraw"})
    assert tale.get("/disputes?state=open")["items"] == []
    assert tale.get("/disputes?state=resolved")["items"][0]["outcome"] == "withdraw"
    assert tale.get("/disputes", "finance:360200")["items"] == []
