import json
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.rates import Rate

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "rates.json").read_text())["cases"]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['numerator']}/{case['denominator']}"
)
def test_golden_rates(case: dict[str, int]) -> None:
    rate = Rate(case["numerator"], case["denominator"])
    assert rate.below(case["below"]) is case["alert"]
    assert rate.document() == {
        "numerator": case["numerator"],
        "denominator": case["denominator"],
        "percent": case["percent"],
    }


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, 100))
def test_percentages_only_ever_round_down(numerator: int, denominator: int, limit: int) -> None:
    rate = Rate(numerator, denominator)
    exact = Decimal(numerator * 100) / Decimal(denominator)
    assert rate.percent is not None
    assert Decimal(rate.percent) == exact.quantize(Decimal("0.01"), ROUND_DOWN)
    assert rate.below(limit) == (exact < limit)


@given(st.integers(0, 10**9), st.integers(0, 200))
def test_nothing_counted_raises_no_alert(numerator: int, limit: int) -> None:
    assert Rate(numerator, 0).percent is None
    assert not Rate(numerator, 0).below(limit)


def test_a_rate_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Rate(1, 2).numerator = 2  # type: ignore[misc]
