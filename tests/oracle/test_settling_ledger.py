"""The ledger, prepayments, offsets, reversals and closed months: section 10, sentence by sentence."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.settling.ledger import Ledger
from tests.oracle.settling.refusals import Refused
from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import (
    APRIL,
    BUREAU,
    FAR,
    FINANCE,
    H2,
    HOSPITAL,
    MARCH,
    OTHER,
    PAYEE,
    PURSE,
    SECOND,
    TOP,
    D,
    H,
    day,
    name,
)

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "settlement.json"
CASES = {case["name"]: case for case in json.loads(VECTORS.read_text("utf-8"))["cases"]}
BANK, PREPAID = "fund:360100:bank", f"hospital:{H}:prepaid"
LEAST = 315000
"""30 % of the 1 000 x 10.50 yuan that H has agreed on in batch B."""


def prepay(tale: Tale, fen: int = LEAST, key: str = "V1", **more: Any) -> dict[str, Any]:
    """A prepayment of the town; what was said."""
    said = {"prepayment_id": key, "hospital_id": H, "batch_id": "B", "amount_fen": fen} | more
    assert tale.post(tale.office.now, FINANCE, "/prepayments", said).status == 201
    return said


def entry_of(tale: Tale, kind: str, business: str) -> str:
    """The id of the entry of an act."""
    [found] = [
        one.entry_id
        for one in tale.office.ledger.entries
        if (one.kind, one.business) == (kind, business)
    ]
    return found


def reverse(tale: Tale, key: str, actor: str = FINANCE, reason: str = "x") -> Any:
    """Status and code of a reversal."""
    answer = tale.post(tale.office.now, actor, f"/entries/{key}/reverse", {"reason": reason})
    return answer.status, answer.code


# ── prepayment ────────────────────────────────────────────────────────────────────────────────────


def test_the_prepayment_of_the_vectors_draws_first_and_the_fund_pays_the_rest() -> None:
    case = CASES["prepayment draws first"]
    tale = Tale()
    agreed = {"batch_id": "C", "hospital_id": H, "product_id": "Q", "distributor_id": D}
    agreed |= {"agreed_quantity": str(case["agreed_fen"] // 50)}
    tale.office.orders.world.put(day(2), "agreements/big", agreed)
    short = CASES["prepayment too small"]
    said = {"prepayment_id": "V1", "hospital_id": H, "batch_id": "C"}
    said |= {"amount_fen": short["prepaid_fen"]}
    assert tale.fault(day(3), FINANCE, "/prepayments", said) == (422, short["error"])
    prepay(tale, case["prepaid_fen"], batch_id="C")
    for number, total in enumerate(case["statements_fen"]):
        tale.goods(day(20, 3 + number), ("P", str(total // 1000), "10"), order=str(number))
    split = []
    for instant, month in ((MARCH, "2026-03"), (APRIL, "2026-04")):
        tale.at(instant)
        tale.paid(instant, name(month))
        payment = tale.one(month)["payment"]
        split.append((payment["from_prepaid_fen"], payment["from_fund_fen"]))
    assert [one[0] for one in split] == case["from_prepaid_fen"]
    assert [one[1] for one in split] == case["from_fund_fen"]
    assert tale.balance(PREPAID) == 0
    assert tale.balance(BANK) == -case["prepaid_fen"] - case["from_fund_fen"][1]


def test_a_prepayment_is_at_least_30_percent_of_what_the_hospital_agreed_in_the_batch() -> None:
    tale = Tale()
    said = {"prepayment_id": "V1", "hospital_id": H, "batch_id": "B", "amount_fen": LEAST - 1}
    refused = tale.fault(day(3), FINANCE, "/prepayments", said)
    assert refused == (422, "prepayment_below_30_percent")
    prepay(tale)
    # Of another batch nothing was agreed, so anything is enough.
    prepay(tale, 1, "V2", batch_id="C")


def test_finance_of_the_pool_or_the_province_prepays() -> None:
    tale = Tale()
    said = prepay(tale)
    for actor, status in (("finance:360200/a", 404), (BUREAU, 403), (HOSPITAL, 403)):
        assert tale.fault(day(3), actor, "/prepayments", said)[0] == status
    assert tale.done(day(3), PURSE, "/prepayments", said) == said
    other = said | {"amount_fen": LEAST + 1}
    assert tale.fault(day(3), FINANCE, "/prepayments", other) == (409, "conflicting_duplicate")
    for wrong in ({"hospital_id": "H36010299999"}, {"batch_id": "Z"}, {"amount_fen": "1"}):
        body = said | {"prepayment_id": "V9"} | wrong
        assert tale.fault(day(3), FINANCE, "/prepayments", body)[0] == 422
    assert len(tale.get("/entries")["items"]) == 1


def test_pay_fixes_and_reserves_the_split_and_a_failure_gives_it_back() -> None:
    tale = Tale()
    prepay(tale)
    tale.goods(day(3), ("P", "200", "10"))
    tale.goods(day(3), ("P", "300", "10"), order="2", payee=OTHER)
    tale.at(MARCH)
    for payee in (D, OTHER):
        tale.approved(MARCH, name(payee=payee))
    first = tale.paying(MARCH, name())
    assert (first["from_prepaid_fen"], first["from_fund_fen"]) == (200000, 0)
    second = tale.paying(MARCH, name(payee=OTHER))
    assert (second["from_prepaid_fen"], second["from_fund_fen"]) == (115000, 185000)
    # Given back too late for the second, whose split is fixed; the first draws it anew.
    tale.bank(MARCH, first, "failed")
    third = tale.paying(MARCH, name())
    assert (third["from_prepaid_fen"], third["from_fund_fen"]) == (200000, 0)
    tale.bank(MARCH, second)
    tale.bank(MARCH, third)
    assert (tale.balance(PREPAID), tale.balance(BANK)) == (0, -LEAST - 185000)


def test_the_bank_result_is_awaited_also_where_the_fund_pays_nothing() -> None:
    tale = Tale()
    prepay(tale)
    tale.goods(day(3), ("P", "1", "10"))
    tale.approved(MARCH, name())
    assert tale.paying(MARCH, name())["from_fund_fen"] == 0
    assert (tale.one()["state"], tale.balance(PREPAID)) == ("paying", LEAST)


def test_a_prepayment_of_one_hospital_pays_for_no_other() -> None:
    tale = Tale()
    prepay(tale)
    tale.goods(day(3), ("P", "1", "10"), hospital=H2)
    tale.approved(MARCH, name(hospital=H2))
    assert tale.paying(MARCH, name(hospital=H2))["from_prepaid_fen"] == 0


# ── entries ───────────────────────────────────────────────────────────────────────────────────────


def test_each_act_posts_what_the_contract_says_and_nothing_else_posts() -> None:
    tale = Tale()
    prepay(tale)
    tale.goods(day(3), ("P", "400", "10"))
    tale.at(MARCH)
    tale.confirmed(MARCH, name())
    assert len(tale.get("/entries")["items"]) == 1
    tale.paid(MARCH, name())
    said = {"offset_id": "O1", "hospital_id": H, "amount_fen": 7}
    assert tale.post(MARCH, FINANCE, "/offsets", said).status == 201
    receivable, payable = f"hospital:{H}:goods_receivable", f"enterprise:{D}:payable"
    told = [
        [(row["account"], row["debit_fen"], row["credit_fen"]) for row in entry["postings"]]
        for entry in tale.get("/entries")["items"]
    ]
    assert told == [
        [(PREPAID, LEAST, 0), (BANK, 0, LEAST)],
        [(receivable, 400000, 0), (payable, 0, 400000)],
        [(payable, 400000, 0), (PREPAID, 0, LEAST), (BANK, 0, 85000)],
        [(f"hospital:{H}:claims_payable", 7, 0), (receivable, 0, 7)],
    ]


def test_a_balance_is_debit_minus_credit_at_the_end_of_a_day() -> None:
    tale = Tale()
    tale.at(day(4) - SECOND)
    prepay(tale)
    tale.at(day(4))
    prepay(tale, LEAST + 1, "V2")
    assert tale.get(f"/accounts/{BANK}?as_of=2026-03-03") == {
        "account": BANK,
        "debit_fen": 0,
        "credit_fen": LEAST,
        "balance_fen": -LEAST,
    }
    assert tale.balance(BANK) == -2 * LEAST - 1
    assert tale.balance(PREPAID, "2026-03-02") == 0


@pytest.mark.parametrize("kind", ["goods_receivable", "prepaid", "claims_payable"])
def test_a_well_formed_account_that_was_never_used_is_zeros(kind: str) -> None:
    tale = Tale()
    assert tale.balance(f"hospital:{TOP}:{kind}") == 0
    for wrong in ("fund:1:bank", f"hospital:{H}:x", "enterprise:1:held", "x"):
        with pytest.raises(AssertionError, match="malformed"):
            tale.get(f"/accounts/{wrong}")


def test_hospitals_see_neither_accounts_nor_entries() -> None:
    tale = Tale()
    prepay(tale)
    for path in (f"/accounts/{PREPAID}", f"/accounts/enterprise:{D}:payable", "/entries"):
        with pytest.raises(AssertionError, match="404"):
            tale.get(path, HOSPITAL)
    assert tale.get(f"/accounts/enterprise:{D}:payable", PAYEE)["balance_fen"] == 0
    with pytest.raises(AssertionError, match="404"):
        tale.get(f"/accounts/enterprise:{OTHER}:payable", PAYEE)
    assert tale.get("/entries", PAYEE)["items"] == []
    assert len(tale.get("/entries", FINANCE)["items"]) == 1
    assert tale.get("/entries", "finance:360200")["items"] == []


def test_an_entry_that_does_not_balance_cannot_be_posted() -> None:
    with pytest.raises(AssertionError, match="out of balance"):
        Ledger().post(day(3), "x", "x", [(BANK, 1, 0), (PREPAID, 0, 2)])


# ── offsets and reversals ─────────────────────────────────────────────────────────────────────────


def test_the_same_offset_again_changes_nothing_and_other_content_is_a_conflict() -> None:
    tale = Tale()
    said = {"offset_id": "O1", "hospital_id": H, "amount_fen": 5}
    assert tale.post(day(3), FINANCE, "/offsets", said).status == 201
    assert tale.post(day(3), FINANCE, "/offsets", said).status == 200
    other = said | {"amount_fen": 6}
    assert tale.fault(day(3), FINANCE, "/offsets", other) == (409, "conflicting_duplicate")
    for actor, status in (("finance:360200", 404), (BUREAU, 403), (PAYEE, 403)):
        assert tale.fault(day(3), actor, "/offsets", said)[0] == status
    for wrong in (0, -1, 1.5, "5", True, None):
        body = said | {"offset_id": "O2", "amount_fen": wrong}
        assert tale.fault(day(3), FINANCE, "/offsets", body) == (422, "malformed")
    assert tale.balance(f"hospital:{H}:claims_payable") == 5


def test_a_reversal_turns_an_offset_round_once_and_leaves_it_standing() -> None:
    tale = Tale()
    said = {"offset_id": "O1", "hospital_id": H, "amount_fen": 5}
    tale.post(day(3), FINANCE, "/offsets", said)
    key = entry_of(tale, "offset", "O1")
    assert reverse(tale, key, "finance:360200") == (404, None)
    assert reverse(tale, key, BUREAU)[0] == 403
    assert reverse(tale, key) == (200, None)
    assert reverse(tale, key, PURSE) == (200, None)
    assert reverse(tale, key, reason="y") == (409, "conflicting_duplicate")
    first, second = tale.get("/entries")["items"]
    assert (first["reverses"], second["reverses"]) == (None, key)
    assert tale.balance(f"hospital:{H}:claims_payable") == 0
    assert reverse(tale, second["entry_id"]) == (409, "not_reversible")
    assert tale.post(day(3), FINANCE, "/offsets", said).status == 200, "its id is not free again"
    assert len(tale.get("/entries")["items"]) == 2


def test_a_prepayment_is_reversed_only_while_nothing_of_it_is_drawn_or_reserved() -> None:
    tale = Tale()
    prepay(tale)
    prepay(tale, LEAST, "V2")
    tale.goods(day(3), ("P", "10", "10"))
    tale.approved(MARCH, name())
    old, new = entry_of(tale, "prepayment", "V1"), entry_of(tale, "prepayment", "V2")
    payment = tale.paying(MARCH, name())
    assert reverse(tale, old) == (409, "not_reversible")
    assert reverse(tale, new) == (200, None)
    tale.bank(MARCH, payment, "failed")
    assert reverse(tale, old) == (200, None)
    assert tale.balance(PREPAID) == 0
    # What is reversed pays nothing any more.
    assert tale.paying(MARCH, name())["from_prepaid_fen"] == 0


def test_other_entries_are_never_reversed() -> None:
    tale = Tale()
    tale.goods(day(3), ("P", "10", "10"))
    tale.paid(MARCH, name())
    for entry in tale.get("/entries")["items"]:
        assert reverse(tale, entry["entry_id"]) == (409, "not_reversible")
    assert reverse(tale, "E99") == (404, None)


# ── months closed ─────────────────────────────────────────────────────────────────────────────────


def test_a_month_is_closed_by_finance_of_the_province_when_it_has_ended() -> None:
    tale = Tale()
    path = "/months/2026-03/close"
    assert tale.fault(day(1, 4) - SECOND, PURSE, path) == (409, "month_not_ended")
    for actor in (FINANCE, BUREAU, HOSPITAL):
        assert tale.fault(day(1, 4), actor, path)[0] == 403
    assert tale.post(day(1, 4), PURSE, path).status == 200
    assert tale.post(day(2, 4), PURSE, path).status == 200
    assert tale.fault(day(2, 4), PURSE, "/months/2026-13/close") == (422, "malformed")
    # What comes late is posted in the month in which it comes.
    prepay(tale)
    tale.goods(day(2, 4), ("P", "10", "10"), happened=day(3))
    tale.paid(MARCH, name())
    assert tale.balance(BANK, "2026-03-31") == 0


def test_entries_dated_in_a_closed_month_are_refused() -> None:
    ledger = Ledger(closed={"2026-03"})
    with pytest.raises(Refused, match="month_closed"):
        ledger.post(day(1, 4) - SECOND, "x", "x", [(BANK, 1, 0), (PREPAID, 0, 1)])
    ledger.post(day(1, 4), "x", "x", [(BANK, 1, 0), (PREPAID, 0, 1)])
    assert ledger.account(BANK, date(2026, 3, 31))["balance_fen"] == 0


def test_hospitals_of_two_pools_are_paid_from_two_funds() -> None:
    tale = Tale()
    for hospital, pool in ((FAR, "360200"), (TOP, "360000"), (H2, "360100")):
        tale.goods(day(3), ("P", "10", "10"), hospital=hospital)
        assert pool
    for hospital, pool in ((FAR, "360200"), (TOP, "360000"), (H2, "360100")):
        tale.paid(MARCH, name(hospital=hospital))
        assert tale.balance(f"fund:{pool}:bank") == -10000
        assert tale.one(hospital=hospital)["pool"] == pool
