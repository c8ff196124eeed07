"""The published vectors of settlement, through the rules that pay."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from services.settlement.commands import PostPrepayment
from services.settlement.domain.drafting import carried_forward
from services.settlement.domain.matching import Invoiced, Matched, match
from services.settlement.domain.posting import entries_of
from services.settlement.domain.prepayment import post_prepayment
from services.settlement.policy import prepayment_terms
from shared.kernel.decider import Sent
from shared.kernel.errors import Refusal
from shared.kernel.quantity import parse_price, parse_quantity
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import MONDAY
from tests.settlement.months import HOSPITAL
from tests.settlement.test_statement_rules import AT, ZHANG, approved, refused, story

VECTORS = Path(__file__).parents[1] / "vectors" / "settlement.json"
Case = dict[str, Any]
CASES: list[Case] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


def of_a_statement(case: Case) -> Case:
    """What is paid, and what waits for the pair's next statement."""
    told = story(case["receipts_fen"], case["returns_fen"])
    if told.state.total_fen > 0:
        paid = approved(receipts=case["receipts_fen"], returns=case["returns_fen"])
        paid.pays()
        paid.hears("paid")
        [entry] = entries_of(paid.told[-1].type, paid.told[-1].fact)
        return {"payable_fen": sum(posting.debit_fen for posting in entry.postings)}
    assert refused(lambda: told.confirms("hospital")) == "nothing_to_pay"
    [carried] = carried_forward(told.state, AT)
    return {"payable_fen": 0, "carried_fen": carried.fact.total_fen}


def of_a_line(case: Case) -> Case:
    """A line that is received and invoiced alike; one whose prices are not named has the invoice's."""
    price = parse_price(case.get("invoice_price") or case["unit_price"])
    quantity = parse_quantity(case.get("quantity", "1"))
    selected = parse_price(case["selected_price"]) if "selected_price" in case else price
    verdict = match(quantity, selected, [Invoiced("sale", quantity, price, MONDAY, 1)])
    return (
        {"amount_fen": verdict.amount_fen} if isinstance(verdict, Matched) else {"match": verdict}
    )


def of_prepaid(case: Case) -> Case:
    """A hospital is prepaid, then its statements are paid one after the other."""
    try:
        left = prepaid(case["agreed_fen"], case["prepaid_fen"])
    except Refusal as refusal:
        return {"error": refusal.code}
    drawn, rest = [], []
    for total in case["statements_fen"]:
        told = approved(receipts=total)
        assert told.pays(prepaid=left) == ["payment_ordered"]
        [payment] = told.state.payments
        drawn.append(payment.from_prepaid_fen)
        rest.append(payment.from_fund_fen)
        left -= payment.from_prepaid_fen
    return {"from_prepaid_fen": drawn, "from_fund_fen": rest}


def prepaid(agreed_fen: int, amount_fen: int) -> int:
    """What the fund prepays, if it may."""
    terms = prepayment_terms(shipped_policy())
    command = PostPrepayment(
        prepayment_id="V1", hospital_id=HOSPITAL, batch_id="B1", amount_fen=amount_fen,
        agreed_fen=Fraction(agreed_fen), percent=terms.percent, policy_version=terms.version,
        by=f"finance:360100/{ZHANG}",
    )  # fmt: skip
    sent = Sent(
        "prepayment-V1", "urn:jicai:360100", "V1", "x", MONDAY, b"", b"{}", command, "finance",
        "360100",
    )  # fmt: skip
    made: int = post_prepayment(None, sent, command, MONDAY).fact.amount_fen
    return made


READERS: dict[str, Callable[[Case], Case]] = {
    "receipts_fen": of_a_statement,
    "invoice_price": of_a_line,
    "unit_price": of_a_line,
    "agreed_fen": of_prepaid,
}
"""By a member that only this kind of case has."""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_rules_say_what_the_vector_says(case: Case) -> None:
    [reader] = {one for member, one in READERS.items() if member in case}
    said = reader(case)
    assert said
    assert {member: case.get(member) for member in said} == said
    outcomes = {"payable_fen", "carried_fen", "match", "amount_fen", "error"} & case.keys()
    assert outcomes <= said.keys()
