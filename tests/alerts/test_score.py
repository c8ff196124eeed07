"""score.v1: golden values, and that doing better never costs points."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.score import score
from services.alerts.policy import DEFINITIONS, RATES, score_terms
from shared.kernel.rates import Rate
from shared.store.policy_files import shipped_policy

TERMS = score_terms(shipped_policy())
NONE = Rate(0, 0)
NAMES = list(TERMS)


def rates(
    response: Rate, on_time: Rate, delivery: Rate = NONE, feedback: Rate = NONE
) -> dict[str, Rate]:
    return {
        "response": response,
        "on_time": on_time,
        "delivery": delivery,
        "feedback": feedback,
        "rectification": NONE,
    }


def test_the_policy_file_has_the_points_of_the_contract() -> None:
    assert {name: (t.weight, t.floor, t.target) for name, t in TERMS.items()} == {
        "response": (20, 80, 95),
        "on_time": (30, 70, 90),
        "delivery": (25, 70, 95),
        "feedback": (15, 50, 95),
        "rectification": (10, 0, 100),
    }
    assert set(TERMS) <= set(RATES) == set(DEFINITIONS)


@pytest.mark.parametrize(
    ("response", "on_time", "delivery", "feedback", "points"),
    [
        (Rate(95, 100), Rate(90, 100), Rate(95, 100), Rate(95, 100), "100.00"),
        (Rate(100, 100), Rate(100, 100), Rate(100, 100), Rate(1, 1), "100.00"),
        (Rate(80, 100), Rate(70, 100), Rate(70, 100), Rate(50, 100), "10.00"),
        (Rate(0, 1), Rate(0, 1), Rate(0, 1), Rate(0, 1), "10.00"),
        (Rate(90, 100), Rate(90, 100), NONE, NONE, "93.33"),
        (Rate(875, 1000), Rate(80, 100), NONE, NONE, "75.00"),
        # 93.69 % answered, 85.66 % on time: the province in 2025
        (Rate(9369, 10000), Rate(8566, 10000), NONE, NONE, "91.74"),
        (Rate(94, 95), Rate(2, 3), Rate(2, 3), NONE, "45.00"),
    ],
)
def test_golden(response: Rate, on_time: Rate, delivery: Rate, feedback: Rate, points: str) -> None:
    assert score(rates(response, on_time, delivery, feedback), TERMS).points == points


def test_rates_without_data_are_named_in_the_order_of_the_formula() -> None:
    result = score(rates(Rate(1, 1), Rate(1, 1)), TERMS)
    assert result.points == "100.00"
    assert result.without_data == ["delivery", "feedback", "rectification"]


@pytest.mark.parametrize("missing", ["response", "on_time"])
def test_without_response_or_on_time_data_there_is_no_score(missing: str) -> None:
    result = score(rates(Rate(1, 1), Rate(1, 1)) | {missing: NONE}, TERMS)
    assert result.points is None
    assert missing in result.without_data


A_RATE = st.integers(0, 1000).flatmap(
    lambda denominator: st.builds(Rate, st.integers(0, denominator), st.just(denominator))
)
ALL_RATES = st.fixed_dictionaries(dict.fromkeys(NAMES, A_RATE))


@given(ALL_RATES, st.sampled_from(NAMES))
def test_one_more_hit_never_costs_points(all_rates: dict[str, Rate], name: str) -> None:
    before = score(all_rates, TERMS)
    rate = all_rates[name]
    if before.points is None or rate.numerator == rate.denominator:
        return
    after = score(all_rates | {name: Rate(rate.numerator + 1, rate.denominator)}, TERMS)
    assert after.points is not None
    assert Fraction(after.points) >= Fraction(before.points)
    assert 0 <= Fraction(after.points) <= 100
