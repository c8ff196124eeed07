import json
import re
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.kernel.quantity import amount_fen, format_quantity, parse_price, parse_quantity

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "settlement.json").read_text())["cases"]
LINES = [case for case in CASES if "amount_fen" in case]
LARGEST = 10**16 - 1


def test_both_rounding_cases_are_there() -> None:
    assert [case["name"] for case in LINES] == ["line rounding", "line rounding half up"]


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["name"])
def test_a_line_rounds_half_up_once(case: dict[str, str | int]) -> None:
    quantity, price = parse_quantity(str(case["quantity"])), parse_price(str(case["unit_price"]))
    assert amount_fen(quantity, price) == case["amount_fen"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("100", 1_000_000), ("12.5", 125_000), ("0.0001", 1), ("007", 70_000), ("1.0000", 10_000)],
)
def test_decimal_strings_are_read_exactly(text: str, value: int) -> None:
    assert parse_quantity(text) == parse_price(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "1.", ".5", "1.00000", "+1", "-1", "1e3", "1E3", "1 ", " 1", "1_000", "1,000", "0x1",
     "1.2.3", "1. 5", "１", "²", "1.²", "NaN", "inf", "1" * 16, "1\n", None, 1, 1.5, True, [], {}],
)  # fmt: skip
def test_nothing_else_is_a_decimal_string(text: str) -> None:
    for parse in (parse_quantity, parse_price):
        with pytest.raises(ValueError):
            parse(text)


@pytest.mark.parametrize("text", ["0", "0.0", "0.0000", "000"])
def test_zero_is_a_price_but_seldom_a_quantity(text: str) -> None:
    assert parse_price(text) == 0
    assert parse_quantity(text, zero=True) == 0
    with pytest.raises(ValueError):
        parse_quantity(text)


def test_more_than_a_trillion_units_are_refused() -> None:
    assert parse_quantity(format_quantity(LARGEST)) == LARGEST
    with pytest.raises(ValueError):
        parse_quantity(format_quantity(LARGEST + 1))


@given(st.text(alphabet="0123456789.+-e 一", max_size=20))
@example("9" * 12)
def test_the_grammar_is_the_pattern(text: str) -> None:
    good = bool(re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", text))
    try:
        assert parse_quantity(text, zero=True) == Decimal(text) * 10_000
    except ValueError:
        assert not good
    else:
        assert good


@given(st.integers(0, LARGEST))
def test_the_shortest_form_is_read_back(value: int) -> None:
    text = format_quantity(value)
    assert parse_quantity(text, zero=True) == value
    assert Decimal(text) == Decimal(value) / 10_000
    assert "." not in text or text[-1] not in "0."


def test_shortest_forms() -> None:
    assert format_quantity(0) == "0"
    assert format_quantity(1_000_000) == "100"
    assert format_quantity(125_000) == "12.5"
    assert format_quantity(1) == "0.0001"
    assert format_quantity(-125_000) == "-12.5"


@given(st.integers(-LARGEST, LARGEST), st.integers(0, LARGEST))
@example(150, 100)
@example(-5_000, 100)
def test_amounts_agree_with_fractions(quantity: int, price: int) -> None:
    exact = Fraction(abs(quantity), 10_000) * Fraction(price, 10_000) * 100
    rounded = floor(exact + Fraction(1, 2))
    # A return mirrors its receipt, so that the two always cancel.
    assert amount_fen(quantity, price) == (rounded if quantity >= 0 else -rounded)
