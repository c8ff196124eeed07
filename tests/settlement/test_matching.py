"""The three-way match, told as sentences, and the published vectors that speak of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.settlement.domain.matching import Invoiced, Matched, match
from shared.kernel.quantity import parse_price, parse_quantity
from shared.testing.postgres import MONDAY

VECTORS = Path(__file__).parents[1] / "vectors" / "settlement.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
UNIT, PRICE = 10_000, 25_000


def sale(quantity: int, price: int = PRICE, *, hours: int = 0, version: int = 1) -> Invoiced:
    return Invoiced("sale", quantity * UNIT, price, MONDAY + timedelta(hours=hours), version)


def credit(quantity: int, return_id: str | None = None) -> Invoiced:
    return Invoiced("credit", quantity * UNIT, PRICE, MONDAY, 9, return_id)


def matched(*invoices: Invoiced, accepted: int = 10, selected: int | None = PRICE) -> Any:
    return match(accepted * UNIT, selected, invoices)


def test_what_is_invoiced_in_full_at_the_selected_price_is_matched() -> None:
    assert matched(sale(10)) == Matched(PRICE, 2_500)
    assert matched(sale(4), sale(6)) == Matched(PRICE, 2_500)


def test_nothing_invoiced_is_no_invoice_and_so_is_what_was_credited_in_full() -> None:
    assert matched() == "no_invoice"
    assert matched(sale(10), credit(10)) == "no_invoice"


def test_too_little_too_much_and_less_than_nothing_differ() -> None:
    for invoices in ((sale(9),), (sale(11),), (sale(10), credit(1)), (credit(1),)):
        assert matched(*invoices) == "quantity_differs"


def test_a_credit_that_names_a_return_takes_nothing_off() -> None:
    assert matched(sale(10), credit(10, "T1")) == Matched(PRICE, 2_500)
    assert matched(credit(10, "T1")) == "no_invoice"


def test_a_price_above_the_selected_one_is_refused_after_the_quantity() -> None:
    assert matched(sale(10, PRICE + 1)) == "price_above_selected"
    assert matched(sale(9, PRICE + 1)) == "quantity_differs"
    assert matched(sale(10, PRICE - 1)) == Matched(PRICE - 1, 2_500)


def test_without_a_selected_price_nothing_is_paid() -> None:
    assert matched(sale(10, 0), selected=None) == "price_above_selected"


def test_the_last_sale_sets_the_price_by_its_own_date_and_then_by_its_place() -> None:
    early, late = sale(4, PRICE, hours=0, version=7), sale(6, 10_000, hours=1, version=2)
    assert matched(early, late) == matched(late, early) == Matched(10_000, 1_000)
    first, second = sale(4, PRICE, version=2), sale(6, 10_000, version=7)
    assert matched(first, second) == matched(second, first) == Matched(10_000, 1_000)


def test_a_credit_sets_no_price() -> None:
    later = Invoiced("credit", UNIT, PRICE + 5, MONDAY + timedelta(days=1), 9)
    assert matched(sale(11), later) == Matched(PRICE, 2_500)


@pytest.mark.parametrize(
    "case", [case for case in CASES if "invoice_price" in case], ids=lambda case: case["name"]
)
def test_the_published_prices_match_as_published(case: dict[str, Any]) -> None:
    price, selected = parse_price(case["invoice_price"]), parse_price(case["selected_price"])
    assert matched(sale(10, price), selected=selected) == case["match"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "unit_price" in case], ids=lambda case: case["name"]
)
def test_the_published_lines_round_as_published(case: dict[str, Any]) -> None:
    quantity, price = parse_quantity(case["quantity"]), parse_price(case["unit_price"])
    invoice = Invoiced("sale", quantity, price, MONDAY, 1)
    assert match(quantity, price, [invoice]) == Matched(price, case["amount_fen"])
