"""Suspension, the held account and lifts: section 10, sentence by sentence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import (
    APRIL,
    BUREAU,
    HOSPITAL,
    MARCH,
    MAY,
    OTHER,
    PROVINCE,
    PURSE,
    SECOND,
    D,
    M,
    N,
    day,
    listed,
    name,
    sums,
)

KEY = name()
SUSPENDED = (409, "payee_suspended")


def two_lines() -> Tale:
    """March holds P of batch B and maker M for 1 000.00, Q of C and N for 5.00."""
    tale = Tale()
    tale.goods(day(3), ("P", "100", "10"), ("Q", "10", "0.5"))
    return tale


def suspend(
    tale: Tale, at: datetime, key: str = "S1", scope: str = "all", **more: Any
) -> dict[str, Any]:
    """A suspension of D from that day on; what was said."""
    first = {"suspension_id": key, "payee_id": D, "scope": scope, "decision": "d"}
    said = first | {"from": f"{at:%Y-%m-%d}"} | more
    assert tale.post(at, PROVINCE, "/suspensions", said).status == 201
    return said


def lift(tale: Tale, at: datetime, key: str = "S1") -> None:
    """The suspension ends."""
    tale.done(at, PROVINCE, f"/suspensions/{key}/lift", {"decision": "e"})


def lying(tale: Tale) -> tuple[int, int]:
    """What is owed to D: payable, held."""
    return tale.balance(f"enterprise:{D}:payable"), tale.balance(f"enterprise:{D}:held")


def test_approval_goes_on_the_payable_is_held_nothing_is_paid_and_a_lift_lets_it_be_paid_once() -> (
    None
):
    tale = two_lines()
    tale.at(MARCH)
    suspend(tale, MARCH)
    tale.approved(MARCH, KEY)
    assert (tale.one()["state"], tale.one()["held"], lying(tale)) == (
        "approved",
        True,
        (0, -100500),
    )
    assert tale.fault(MARCH, PURSE, f"/statements/{KEY}/pay") == SUSPENDED
    lift(tale, day(20, 4))
    assert (tale.one()["held"], lying(tale)) == (False, (-100500, 0))
    payment = tale.paying(day(20, 4), KEY)
    tale.bank(day(20, 4), payment)
    tale.bank(day(20, 4), payment)
    assert (lying(tale), tale.balance("fund:360100:bank")) == ((0, 0), -100500)


def test_a_payable_that_was_there_before_moves_when_the_suspension_begins() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    suspend(tale, day(10, 4, 9), **{"from": "2026-04-13"})
    tale.at(day(13, 4) - SECOND)
    assert lying(tale) == (-100500, 0)
    tale.at(day(13, 4))
    assert lying(tale) == (0, -100500)
    assert tale.get("/entries")["items"][-1]["at"] == day(13, 4)
    assert tale.balance(f"enterprise:{D}:held", "2026-04-12") == 0
    assert tale.balance(f"enterprise:{D}:held", "2026-04-13") == -100500


def test_a_suspension_never_begins_earlier_than_now() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    suspend(tale, day(10, 4, 9), **{"from": "2026-04-01"})
    assert tale.get("/entries")["items"][-1]["at"] == day(10, 4, 9)


def test_a_payment_under_way_goes_on() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    payment = tale.paying(MARCH, KEY)
    suspend(tale, MARCH)
    assert lying(tale) == (-100500, 0)
    assert tale.bank(MARCH, payment)["state"] == "paid"
    assert (lying(tale), tale.one()["held"]) == ((0, 0), False)


def test_a_payment_that_fails_under_a_suspension_is_held_from_then_on() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    payment = tale.paying(MARCH, KEY)
    suspend(tale, MARCH)
    assert tale.bank(MARCH, payment, "failed")["held"] is True
    assert lying(tale) == (0, -100500)
    assert tale.fault(MARCH, PURSE, f"/statements/{KEY}/pay") == SUSPENDED


@pytest.mark.parametrize("scope", ["batch:C", "product:Q", f"manufacturer:{N}"])
def test_a_suspension_of_some_lines_makes_a_second_statement_that_is_held(scope: str) -> None:
    tale = two_lines()
    suspend(tale, day(20), scope=scope)
    tale.at(MARCH)
    assert listed(tale.one()) == [("receipt", "P", 100000, "settled")]
    assert listed(tale.one(more="~held")) == [("receipt", "Q", 500, "settled")]
    assert (tale.one()["held"], tale.one(more="~held")["held"]) == (False, True)
    tale.paid(MARCH, KEY)
    tale.approved(MARCH, f"{KEY}~held")
    assert lying(tale) == (0, -500)
    lift(tale, MARCH)
    assert tale.one(more="~held")["held"] is False
    tale.bank(MARCH, tale.paying(MARCH, f"{KEY}~held"))
    assert lying(tale) == (0, 0)


def test_a_suspension_that_covers_every_line_or_none_makes_one_statement() -> None:
    tale = two_lines()
    suspend(tale, day(20), "S1", f"manufacturer:{M}", payee_id=OTHER)
    suspend(tale, day(20), "S2", "product:R")
    tale.at(MARCH)
    assert len(tale.get("/statements")["items"]) == 1
    tale.goods(day(20, 4), ("Q", "10", "0.5"), order="2")
    suspend(tale, day(21, 4), "S3", "batch:C")
    tale.at(APRIL)
    assert [one["month"] for one in tale.get("/statements")["items"]] == ["2026-03", "2026-04"]
    assert tale.one("2026-04")["held"] is False
    tale.approved(APRIL, name("2026-04"))
    assert tale.one("2026-04")["held"] is True


def test_a_suspension_that_begins_on_the_day_of_the_draft_is_in_force_at_the_draft() -> None:
    tale = two_lines()
    suspend(tale, day(20), scope="product:Q", **{"from": "2026-04-08"})
    tale.at(MARCH)
    assert len(tale.get("/statements")["items"]) == 2


def test_a_suspension_that_was_lifted_before_it_began_never_begins() -> None:
    tale = two_lines()
    suspend(tale, day(20), scope="product:Q", **{"from": "2026-04-01"})
    lift(tale, day(21))
    tale.at(MARCH)
    assert len(tale.get("/statements")["items"]) == 1


def test_a_later_suspension_of_one_line_holds_the_whole_statement() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    suspend(tale, MARCH, scope="product:Q")
    assert lying(tale) == (0, -100500)


def test_a_disputed_line_holds_nothing_back() -> None:
    tale = two_lines()
    tale.at(MARCH)
    [line] = [one["line_id"] for one in tale.one()["lines"] if one["product_id"] == "Q"]
    said = {"line_ids": [line], "reason": "x"}
    tale.post(MARCH, HOSPITAL, f"/statements/{KEY}/dispute", said)
    suspend(tale, MARCH, scope="product:Q")
    tale.paid(MARCH, KEY)


def test_a_lift_moves_what_no_other_suspension_holds_back() -> None:
    tale = two_lines()
    tale.at(MARCH)
    tale.approved(MARCH, KEY)
    suspend(tale, MARCH, "S1", "product:Q")
    suspend(tale, MARCH, "S2", "batch:B")
    entries = len(tale.get("/entries")["items"])
    lift(tale, MARCH, "S1")
    assert (len(tale.get("/entries")["items"]), lying(tale)) == (entries, (0, -100500))
    lift(tale, MARCH, "S2")
    assert lying(tale) == (-100500, 0)


def test_without_a_payee_every_payee_is_suspended() -> None:
    tale = two_lines()
    tale.goods(day(3), ("P", "1", "10"), order="2", payee=OTHER)
    tale.at(MARCH)
    said = {"suspension_id": "S1", "scope": "all", "from": "2026-04-08", "decision": "d"}
    assert tale.post(MARCH, PROVINCE, "/suspensions", said).status == 201
    tale.approved(MARCH, name(payee=OTHER))
    assert tale.balance(f"enterprise:{OTHER}:held") == -1000


def test_a_carried_total_enters_the_statement_that_is_not_held() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"))
    tale.paid(MARCH, KEY)
    tale.take_back(day(20, 4), order, "P", "10")
    tale.at(APRIL)
    suspend(tale, APRIL, scope="product:P")
    tale.goods(day(20, 5), ("P", "100", "10"), ("Q", "1000", "0.5"), order="2")
    tale.at(MAY)
    assert sums(tale.one("2026-05", more="~held")) == (100000, 0, 0, 100000)
    assert sums(tale.one("2026-05")) == (50000, 0, -10000, 40000)


def test_a_negative_statement_under_suspension_has_nothing_to_hold() -> None:
    tale = Tale()
    order = tale.goods(day(3), ("P", "100", "10"))
    tale.paid(MARCH, KEY)
    tale.take_back(day(20, 4), order, "P", "10")
    suspend(tale, day(20, 4))
    tale.at(MAY)
    assert tale.one("2026-04")["state"] == "carried_forward"
    assert lying(tale) == (0, 0)


def test_the_province_suspends_and_lifts_and_the_same_again_changes_nothing() -> None:
    tale = two_lines()
    said = suspend(tale, day(20))
    for actor in (BUREAU, PURSE, HOSPITAL, "regulator:360000"):
        assert tale.fault(day(20), actor, "/suspensions", said)[0] == 403
        assert tale.fault(day(20), actor, "/suspensions/S1/lift", {"decision": "e"})[0] == 403
    assert tale.done(day(21), PROVINCE, "/suspensions", said) == said
    other = said | {"scope": "product:P"}
    assert tale.fault(day(21), PROVINCE, "/suspensions", other) == (409, "conflicting_duplicate")
    lift(tale, day(22))
    lift(tale, day(23))
    again = tale.fault(day(23), PROVINCE, "/suspensions/S1/lift", {"decision": "f"})
    assert again == (409, "conflicting_duplicate")
    assert tale.fault(day(23), PROVINCE, "/suspensions/S9/lift", {"decision": "f"})[0] == 404
    tale.at(MARCH)
    tale.paid(MARCH, KEY)
    for wrong in ({"scope": "some"}, {"from": "soon"}, {"payee_id": "x"}, {"decision": ""}):
        body = said | {"suspension_id": "S2"} | wrong
        assert tale.fault(MARCH, PROVINCE, "/suspensions", body) == (422, "malformed")
