"""The published vectors for rates: thresholds on integers, percent rounded down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.kernel.rates import Rate

VECTORS = Path(__file__).parents[1] / "vectors" / "rates.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['numerator']} of {c['denominator']}")
def test_a_rate_is_compared_on_integers_and_shown_rounded_down(case: dict[str, Any]) -> None:
    rate = Rate(case["numerator"], case["denominator"])
    assert rate.below(case["below"]) is case["alert"]
    assert rate.percent == case["percent"]
    assert rate.document()["percent"] == case["percent"]
