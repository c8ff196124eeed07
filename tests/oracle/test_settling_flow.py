"""From draft to paid, and who may take which step: section 10, sentence by sentence."""

from __future__ import annotations

import pytest

from tests.oracle.settling.desk import BASE, request
from tests.oracle.settling.parties import pool_of
from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import (
    APRIL,
    BUREAU,
    FAR,
    FINANCE,
    H2,
    HOSPITAL,
    MARCH,
    MAY,
    OTHER,
    PAYEE,
    PROVINCE,
    PURSE,
    SECOND,
    TOP,
    D,
    H,
    day,
    name,
)

KEY = name()
CONFIRM, APPROVE, PAY = (f"/statements/{KEY}/{step}" for step in ("confirm", "approve", "pay"))


def drafted() -> Tale:
    """A statement of 1 000.00 for March."""
    tale = Tale()
    tale.goods(day(3), ("P", "100", "10"))
    tale.at(MARCH)
    return tale


def paying() -> Tale:
    """It was confirmed and approved, and the bank was asked."""
    tale = drafted()
    tale.approved(MARCH, KEY)
    tale.paying(MARCH, KEY)
    return tale


def steps(tale: Tale) -> list[str]:
    """What the history tells after the draft."""
    return [item["type"] for item in tale.one()["history"]][1:]


# ── the way ───────────────────────────────────────────────────────────────────────────────────────


def test_a_statement_goes_from_draft_to_paid_by_five_steps_and_no_other_way() -> None:
    tale = drafted()
    wrong = (409, "wrong_state")
    refused = [(PAYEE, CONFIRM), (BUREAU, APPROVE), (FINANCE, PAY)]
    for (actor, path), state in zip(
        [(HOSPITAL, CONFIRM), *refused],
        ("hospital_confirmed", "confirmed", "approved", "paying"),
        strict=True,
    ):
        for other, step in refused:
            assert (other, step) == (actor, path) or tale.fault(MARCH, other, step) == wrong
        refused = [one for one in refused if one != (actor, path)]
        assert tale.done(MARCH, actor, path)["state"] == state
    assert tale.bank(MARCH, tale.one()["payment"])["state"] == "paid"
    assert steps(tale) == ["hospital_confirmed", "confirmed", "approved", "paying", "paid"]


def test_the_same_step_by_the_same_side_again_answers_200_and_changes_nothing() -> None:
    tale = drafted()
    done: list[tuple[str, str]] = []
    for actor, path in [(HOSPITAL, CONFIRM), (PAYEE, CONFIRM), (BUREAU, APPROVE), (FINANCE, PAY)]:
        tale.done(MARCH, actor, path)
        done.append((actor, path))
        before = tale.one()
        for again in done:
            assert tale.done(MARCH, *again) == before
    # The side is the same also where another office of it speaks.
    assert tale.done(MARCH, PROVINCE, APPROVE) == before
    assert tale.done(MARCH, PURSE, PAY) == before
    assert len(tale.office.ledger.entries) == 1


def test_a_failed_payment_goes_back_to_approved_and_a_further_pay_makes_a_new_one() -> None:
    tale = paying()
    first = tale.one()["payment"]
    assert tale.bank(MARCH, first, "failed")["state"] == "approved"
    assert tale.one()["payment"]["state"] == "failed"
    second = tale.paying(MARCH, KEY)
    assert second["payment_id"] != first["payment_id"]
    assert tale.bank(MARCH, second)["state"] == "paid"
    # The first one's word again is the same; it is not the second one's.
    assert tale.bank(MARCH, first, "failed")["state"] == "paid"


def test_a_payment_is_posted_once_and_a_contrary_bank_result_is_409() -> None:
    tale = paying()
    payment = tale.one()["payment"]
    said = {"payment_id": payment["payment_id"]}
    tale.bank(MARCH, payment)
    before = tale.get("/entries")
    tale.bank(MARCH, payment)
    assert tale.get("/entries") == before
    assert tale.fault(MARCH, PURSE, "/bank-results", said | {"result": "failed"})[0] == 409
    assert tale.fault(MARCH, PURSE, "/bank-results", said | {"result": "lost"})[0] == 422
    unknown = {"payment_id": "x", "result": "paid"}
    assert tale.fault(MARCH, PURSE, "/bank-results", unknown)[0] == 422


def test_a_bank_reference_is_unique() -> None:
    tale = paying()
    tale.goods(day(20, 4), ("P", "1", "10"), order="2")
    tale.at(APRIL)
    tale.approved(APRIL, name("2026-04"))
    said = {"result": "paid", "bank_reference": "B1", "value_date": "2026-05-11"}
    first = said | {"payment_id": tale.one()["payment"]["payment_id"]}
    tale.done(APRIL, FINANCE, "/bank-results", first)
    second = said | {"payment_id": tale.paying(APRIL, name("2026-04"))["payment_id"]}
    assert tale.fault(APRIL, FINANCE, "/bank-results", second)[0] == 409
    tale.done(APRIL, FINANCE, "/bank-results", second | {"bank_reference": "B2"})


# ── who ───────────────────────────────────────────────────────────────────────────────────────────


def test_pool_is_the_hospitals_city_and_the_province_for_its_own_hospitals() -> None:
    pools = {H: "360100", H2: "360100", FAR: "360200", TOP: "360000"}
    assert {hospital: pool_of(hospital) for hospital in pools} == pools


@pytest.mark.parametrize("actor", [None, "", "hospital", "hospital:1", "king:360000", "bureau:36"])
def test_a_caller_who_is_not_named_as_he_should_be_gets_401(actor: str | None) -> None:
    assert drafted().fault(MARCH, actor, CONFIRM)[0] == 401


@pytest.mark.parametrize(
    "actor",
    [
        f"hospital:{H2}",
        f"distributor:{OTHER}",
        f"manufacturer:{D}",
        "bureau:360200/a",
        "bureau:360104/a",
        "finance:360200/a",
        "finance:360102/a",
    ],
)
def test_what_you_may_not_see_answers_404_at_every_step(actor: str) -> None:
    tale = drafted()
    for path in (CONFIRM, APPROVE, PAY, f"/statements/{KEY}/dispute"):
        assert tale.fault(MARCH, actor, path, {})[0] == 404
    answer = request(tale.office, MARCH, actor, "GET", f"{BASE}/statements")
    if actor.startswith("manufacturer"):
        assert answer.status == 403
    else:
        assert answer.body == {"items": []}


def test_what_you_see_but_may_not_do_answers_403() -> None:
    tale = drafted()
    for actor in ("regulator:360000", "ops:360000", "importer:360000", "bureau:360102/a"):
        for path in (CONFIRM, APPROVE, PAY):
            assert tale.fault(MARCH, actor, path)[0] == 403
    for actor, path in [(HOSPITAL, APPROVE), (PAYEE, PAY), (FINANCE, APPROVE), (BUREAU, PAY)]:
        assert tale.fault(MARCH, actor, path)[0] == 403
    said = {"payment_id": "x", "result": "paid"}
    assert tale.fault(MARCH, BUREAU, "/bank-results", said)[0] == 403


def test_finance_of_another_pool_gets_404_for_a_bank_result_too() -> None:
    tale = paying()
    said = {"payment_id": tale.one()["payment"]["payment_id"], "result": "paid"}
    assert tale.fault(MARCH, "finance:360200/a", "/bank-results", said)[0] == 404


def test_approve_and_pay_name_a_person_and_not_the_same_one() -> None:
    tale = drafted()
    tale.confirmed(MARCH, KEY)
    assert tale.fault(MARCH, "bureau:360100", APPROVE) == (422, "person_missing")
    tale.done(MARCH, BUREAU, APPROVE)
    assert tale.fault(MARCH, "finance:360100", PAY) == (422, "person_missing")
    assert tale.fault(MARCH, "finance:360100/li", PAY) == (422, "same_person")
    tale.done(MARCH, FINANCE, PAY)


def test_of_several_faults_the_first_of_401_404_403_422_409_is_answered() -> None:
    tale = drafted()
    assert tale.fault(MARCH, "finance:360200", PAY)[0] == 404
    assert tale.fault(MARCH, "bureau:360100", PAY)[0] == 403
    assert tale.fault(MARCH, "finance:360100", PAY) == (422, "person_missing")
    assert tale.fault(MARCH, FINANCE, PAY) == (409, "wrong_state")
    wrong = {"line_ids": ["none"], "reason": "x"}
    tale.confirmed(MARCH, KEY)
    assert tale.fault(MARCH, HOSPITAL, f"/statements/{KEY}/dispute", wrong)[0] == 422


def test_many_at_once_are_answered_one_by_one() -> None:
    tale = drafted()
    tale.goods(MARCH, ("P", "1", "1"), order="2", happened=day(3), payee=OTHER)
    ids = {"statement_ids": [KEY, "none", KEY]}
    results = tale.done(MARCH, HOSPITAL, "/statements:confirm", ids)["results"]
    assert [one["status"] for one in results] == [200, 404, 200]
    assert tale.one()["state"] == "hospital_confirmed"
    assert steps(tale) == ["hospital_confirmed"]
    too_many = {"statement_ids": [KEY] * 1001}
    assert tale.fault(MARCH, HOSPITAL, "/statements:confirm", too_many)[0] == 422
    results = tale.done(MARCH, "finance:360100", "/statements:pay", ids)["results"]
    assert [one["code"] for one in results] == ["person_missing", None, "person_missing"]


# ── silence ───────────────────────────────────────────────────────────────────────────────────────


def reminders(tale: Tale) -> list[object]:
    """When somebody was reminded."""
    return [item["at"] for item in tale.one()["history"] if item["type"] == "reminded"]


def test_silence_of_the_hospital_is_reminded_after_5_working_days_and_never_pays() -> None:
    tale = drafted()
    # Drafted on Wednesday the 8th: 9, 10, 13, 14, 15.
    tale.at(day(16, 4) - SECOND)
    assert reminders(tale) == []
    assert tale.get("/statements?overdue=true", BUREAU)["items"] == []
    tale.at(MAY)
    assert reminders(tale) == [day(16, 4)], "once, at its own instant"
    assert tale.one()["state"] == "draft"
    assert [one["statement_id"] for one in tale.get("/statements?overdue=true")["items"]] == [KEY]
    tale.done(MAY, HOSPITAL, CONFIRM)
    assert tale.get("/statements?overdue=true")["items"] == []


def test_the_payee_is_reminded_after_3_and_the_bureau_after_5_from_the_day_the_state_began() -> (
    None
):
    tale = drafted()
    tale.done(day(10, 4, 23), HOSPITAL, CONFIRM)
    tale.at(day(16, 4))
    assert reminders(tale) == [day(16, 4)], "13, 14, 15; the hospital has spoken"
    # A step at exactly 00:00 belongs to the day that begins: Friday the 17th.
    tale.done(day(17, 4), PAYEE, CONFIRM)
    tale.at(day(25, 4))
    assert reminders(tale) == [day(16, 4), day(25, 4)], "20 to 24"
    tale.done(day(25, 4), BUREAU, APPROVE)
    tale.at(MAY)
    assert len(reminders(tale)) == 2, "of finance nobody speaks"


def test_the_due_of_the_state_that_runs_is_shown() -> None:
    tale = drafted()
    assert tale.one()["due"] == {"draft": day(16, 4)}
    tale.done(day(10, 4, 9), HOSPITAL, CONFIRM)
    assert tale.one()["due"] == {"hospital_confirmed": day(16, 4)}


def test_statements_are_filtered_by_month_hospital_payee_and_state() -> None:
    tale = drafted()
    tale.goods(day(20, 4), ("P", "1", "10"), order="2", payee=OTHER)
    tale.goods(day(20, 4), ("P", "1", "10"), hospital=FAR)
    tale.at(APRIL)

    def found(query: str, actor: str = PROVINCE) -> int:
        return len(tale.get(f"/statements?{query}", actor)["items"])

    assert (found("month=2026-03"), found("month=2026-04"), found("state=paid")) == (1, 2, 0)
    assert (found(f"hospital_id={FAR}"), found(f"payee_id={OTHER}")) == (1, 1)
    assert (found("", BUREAU), found("", HOSPITAL), found("", PAYEE), found("", FINANCE)) == (
        2,
        2,
        2,
        2,
    )
    assert found("", "finance:360200") == 1
