"""What a hospital retains, told as sentences: the golden example, roundings, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.settlement.domain.completing import NOTHING, Drawn, completed
from services.settlement.domain.explaining import explained, total
from services.settlement.domain.retaining import calculated, entry_for
from services.settlement.domain.retention import (
    Factors,
    Retained,
    Use,
    Variety,
    accuracy_of,
    half_up,
    retained,
)
from services.settlement.domain.world import RetentionGround
from services.settlement.policy import retention_terms
from shared.events.settlement import NonSelectedUse, RetentionInputsSet, RetentionVariety
from shared.kernel.errors import Refusal
from shared.kernel.quantity import parse_price, parse_quantity
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import MONDAY

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "retention.json"
TERMS = retention_terms(shipped_policy())
GOLDEN = RetentionVariety(
    generic_name="阿莫西林",
    reported_quantity="100000",
    agreed_quantity="70000",
    selected_quantity="90000",
    pre_price="2.00",
    selected_price="0.50",
    non_selected=[NonSelectedUse(quantity="10000", price="1.80")],
)


def inputs(*varieties: RetentionVariety, **changes: Any) -> RetentionInputsSet:
    """The golden example's factors, unless told otherwise."""
    return RetentionInputsSet(
        **{
            "batch_id": "B1", "year": 2026, "hospital_id": "H36010200001", "assessment": "0.40",
            "accuracy": "1", "fund_ratio": "0.60", "insured_share": "0.80",
            "varieties": list(varieties), **changes,
        }
    )  # fmt: skip


def result_of(given: RetentionInputsSet, drawn: Drawn = NOTHING) -> Any:
    """What is calculated on these inputs."""
    return calculated(given, "s", RetentionGround(TERMS, {"s": drawn}), "bureau:360100", MONDAY)


def vectors() -> Iterator[dict[str, Any]]:
    """The cases of the shared vectors."""
    yield from json.loads(VECTORS.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", list(vectors()))
def test_the_golden_vectors_hold(case: dict[str, Any]) -> None:
    figures = ("budget_fen", "spend_fen", "base_fen", "retained_fen")
    members = {f for f in RetentionVariety.__struct_fields__ if f in case}
    variety = {member: case[member] for member in members}
    if "non_selected" in variety:
        variety["non_selected"] = [NonSelectedUse(**use) for use in variety["non_selected"]]
    factors = {
        f: case[f] for f in ("fund_ratio", "insured_share", "assessment", "accuracy") if f in case
    }
    [got] = result_of(inputs(RetentionVariety(generic_name="X", **variety), **factors)).varieties
    assert {f: getattr(got, f) for f in figures if f in case} == {
        f: case[f] for f in figures if f in case
    }


def test_each_figure_is_rounded_from_its_exact_value_and_not_from_another_figure() -> None:
    # 0.5 fen of budget becomes 1 by itself, and 0.25 of what is really 0.5 fen becomes 0.
    variety = Variety(
        reported=50, agreed=0, selected=0, pre_price=10_000, selected_price=0, non_selected=[]
    )
    shares = Factors(Fraction("0.5"), Fraction(1), Fraction(1), Fraction(1))
    assert retained(variety, shares) == Retained(1, 0, 1, 0)


@given(st.fractions(min_value=0, max_value=10**6))
def test_half_a_fen_goes_up(fen: Fraction) -> None:
    assert half_up(fen) - Fraction(1, 2) <= fen < half_up(fen) + Fraction(1, 2)


@settings(max_examples=200)
@given(
    st.lists(st.integers(0, 10**9), min_size=5, max_size=5),
    st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**6)), max_size=3),
    st.lists(st.integers(0, 10_000), min_size=4, max_size=4),
)
def test_the_formula_written_twice_gives_the_same(
    numbers: list[int], others: list[tuple[int, int]], shares: list[int]
) -> None:
    """Against the formula of the domain page in yuan and whole units, fen only at the end."""
    reported, agreed, selected, before, after = (Fraction(n, 10_000) for n in numbers)
    assessment, accuracy, fund, insured = (Fraction(s, 10_000) for s in shares)
    share = fund * insured
    budget = reported * before * share
    spend = min(selected, agreed) * after * share
    spend += sum(
        (Fraction(q, 10_000) * Fraction(p, 10_000) * share for q, p in others), Fraction(0)
    )
    base = budget - spend if budget > spend else Fraction(0)
    want = [budget, spend, base, base * assessment * accuracy]
    got = retained(
        Variety(*numbers[:3], *numbers[3:], [Use(*one) for one in others]),
        Factors(assessment, accuracy, fund, insured),
    )
    assert list(got) == [int(yuan * 100 + Fraction(1, 2)) for yuan in want]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_was_not_reported_pays_nothing_whatever_was_used(agreed: int, used: int) -> None:
    variety = Variety(0, agreed, used, 20_000, 5_000, [])
    one = Fraction(1)
    assert retained(variety, Factors(one, one, one, one)).retained_fen == 0


def test_use_beyond_what_was_agreed_is_not_counted_as_spent() -> None:
    [golden] = result_of(inputs(GOLDEN)).varieties
    assert (golden.counted_quantity, golden.selected_quantity) == ("70000", "90000")


def test_what_is_left_out_comes_from_the_registers_and_the_result_says_so() -> None:
    drawn = Drawn(
        reported={"阿莫西林": parse_quantity("100000")},
        agreed={"阿莫西林": parse_quantity("70000")},
        selected={"阿莫西林": parse_quantity("90000")},
        prices={"阿莫西林": frozenset({parse_price("0.50")})},
        non_selected={"阿莫西林": [Use(parse_quantity("10000"), parse_price("1.80"))]},
    )
    left_out = inputs(RetentionVariety(generic_name="阿莫西林", pre_price="2.00"))
    [got] = result_of(left_out, drawn).varieties
    [golden] = result_of(inputs(GOLDEN)).varieties
    assert got.drawn == [
        "reported_quantity", "agreed_quantity", "selected_quantity", "selected_price", "non_selected"
    ]  # fmt: skip
    assert golden.drawn == []
    assert got.retained_fen == golden.retained_fen == 2_822_400


def test_what_is_stated_goes_before_what_is_registered() -> None:
    drawn = Drawn(reported={"阿莫西林": 1}, agreed={"阿莫西林": 1}, non_selected={"阿莫西林": []})
    assert result_of(inputs(GOLDEN), drawn).retained_fen == 2_822_400


def test_a_price_that_counts_must_be_known() -> None:
    with pytest.raises(Refusal) as refused:
        completed(RetentionVariety(generic_name="X", reported_quantity="1"), NOTHING)
    assert (refused.value.code, refused.value.pointer) == (
        "retention_input_missing",
        "/X/pre_price",
    )
    two_prices = Drawn(agreed={"X": 1}, selected={"X": 1}, prices={"X": frozenset({1, 2})})
    with pytest.raises(Refusal) as refused:
        completed(RetentionVariety(generic_name="X"), two_prices)
    assert refused.value.pointer == "/X/selected_price"


@pytest.mark.parametrize(
    ("used", "accuracy"),
    [("0.59", "0"), ("0.6", "0.8"), ("0.7999", "0.8"), ("0.8", "1"), ("1.5", "1"),
     ("1.5001", "0.8"), ("2", "0.8"), ("2.5", "0.5"), ("2.5001", "0")],
)  # fmt: skip
def test_accuracy_goes_by_steps_of_use_over_report(used: str, accuracy: str) -> None:
    variety = Variety(10_000, 0, parse_quantity(used) - 1000, 0, 0, [Use(1000, 1)])
    assert accuracy_of(variety, TERMS) == accuracy


def test_without_a_stated_accuracy_each_variety_gets_its_own() -> None:
    wasteful = RetentionVariety(
        generic_name="Y", reported_quantity="100", agreed_quantity="0", selected_quantity="0",
        pre_price="1", non_selected=[NonSelectedUse(quantity="210", price="0.1")],
    )  # fmt: skip
    varieties = result_of(inputs(GOLDEN, wasteful, accuracy=None)).varieties
    assert [(v.accuracy, v.drawn) for v in varieties] == [
        ("1", ["accuracy"]),
        ("0.5", ["accuracy"]),
    ]
    # (100 x 1 - 210 x 0.1) x 0.48 = 37.92; x 0.40 x 0.5 = 7.584 yuan
    assert varieties[1].retained_fen == 758


def test_the_sum_is_of_rounded_rows_and_posted_once_under_the_years_own_key() -> None:
    result = result_of(inputs(GOLDEN, renamed("Y"), renamed("Z")))
    assert result.retained_fen == 3 * 2_822_400
    entry = entry_for(result)
    assert entry is not None
    assert entry.key == "retention-B1-2026-H36010200001"
    assert [(p.account, p.debit_fen, p.credit_fen) for p in entry.postings] == [
        ("retention:360100:expense", 8_467_200, 0),
        ("retention:H36010200001:payable", 0, 8_467_200),
    ]


def test_nothing_retained_posts_nothing() -> None:
    assert entry_for(result_of(inputs(GOLDEN, assessment="0"))) is None


def test_a_sum_that_no_ledger_holds_is_refused() -> None:
    absurd = RetentionVariety(
        generic_name="X", reported_quantity="9" * 12, pre_price="9" * 12, agreed_quantity="0"
    )
    with pytest.raises(Refusal) as refused:
        result_of(inputs(absurd))
    assert refused.value.code == "retention_too_large"


def test_the_explanation_names_every_number_in_both_languages() -> None:
    result = result_of(inputs(GOLDEN, grade="B"))
    [golden] = result.varieties
    lines = {line.step: line for line in explained(golden, result)}
    assert list(lines) == ["budget", "counted", "spend", "base", "factors", "retained"]
    assert "100000 × 2.00 × 0.60 × 0.80 = 96000.00" in lines["budget"].zh
    assert "(70000 × 0.50 + 10000 × 1.80) × 0.60 × 0.80 = 25440.00" in lines["spend"].en
    assert "96000.00 − 25440.00 → 70560.00" in lines["base"].zh
    assert "B" in lines["factors"].en
    assert "70560.00 × 0.40 × 1 = 28224.00" in lines["retained"].zh
    assert total(result).zh == "合计留用 = 28224.00 = 28224.00 元"


def test_the_explanation_says_why_an_unreported_variety_pays_nothing() -> None:
    result = result_of(inputs(RetentionVariety(generic_name="X")))
    [unreported] = result.varieties
    lines = explained(unreported, result)
    assert lines[-1].zh == "未报量的品种不予拨付: 0.00 元"
    assert [line.step for line in lines if line.step.startswith("source_")] == [
        "source_reported_quantity",
        "source_agreed_quantity",
        "source_selected_quantity",
        "source_non_selected",
    ]


def renamed(name: str) -> RetentionVariety:
    """The golden variety under another name."""
    return RetentionVariety(
        **{**{f: getattr(GOLDEN, f) for f in GOLDEN.__struct_fields__}, "generic_name": name}
    )
