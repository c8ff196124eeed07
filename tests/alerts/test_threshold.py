"""When a rate speaks: given a figure and whether an alert stands, what a close does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.alert import alert_id_of, evidence_of
from services.alerts.domain.closing import Standing, changes, small_samples
from services.alerts.domain.threshold import is_small_sample, step_of
from services.alerts.policy import rate_rules
from shared.kernel.codes import is_path_id
from shared.kernel.rates import Rate
from shared.store.policy_files import shipped_policy

AT = datetime(2026, 1, 5, 16, tzinfo=UTC)
EARLIER, LATER = AT - timedelta(days=3), AT + timedelta(days=3)
RESPONSE, ON_TIME = rate_rules(shipped_policy())
KEY = ("A3.3-response", "product", "P1")


def step(numerator: int, denominator: int, *, is_open: bool = False, percent: int = 95) -> Any:
    return step_of(Rate(numerator, denominator), percent=percent, sample_min=10, is_open=is_open)


def test_the_policy_file_says_where_the_lines_are() -> None:
    assert (RESPONSE.id, RESPONSE.rate, RESPONSE.percent, RESPONSE.sample_min) == (
        "A3.3-response",
        "response",
        95,
        10,
    )
    assert (ON_TIME.id, ON_TIME.rate, ON_TIME.percent, ON_TIME.sample_min) == (
        "A3.3-on-time",
        "on_time",
        90,
        10,
    )
    assert RESPONSE.article == "赣医保字〔2024〕22号(三)"
    assert RESPONSE.title == "订单响应率低于 95%"


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent", "is_open", "expected"),
    [
        (19, 20, 95, False, None),  # exactly 95 %
        (9, 10, 90, False, None),  # exactly 90 %
        (949, 1000, 95, False, "raise"),
        (9499, 10000, 95, False, "raise"),
        (9, 10, 95, False, "raise"),  # ten are enough
        (0, 9, 95, False, None),  # nine are not
        (0, 0, 95, False, None),
        (18, 20, 95, True, None),  # still below: it stays as it was raised
        (19, 20, 95, True, "recovered"),
        (10, 10, 95, True, "recovered"),
        (9, 9, 95, True, "sample_too_small"),  # small goes before recovered
        (0, 9, 95, True, "sample_too_small"),
        (0, 0, 95, True, "sample_too_small"),
    ],
)
def test_a_figure_raises_clears_or_leaves_things_as_they_are(
    numerator: int, denominator: int, percent: int, is_open: bool, expected: str | None
) -> None:
    assert step(numerator, denominator, is_open=is_open, percent=percent) == expected


@given(st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_no_step_is_taken_twice(numerator: int, extra: int, is_open: bool) -> None:
    """Whatever a close does, doing it leaves nothing to do."""
    denominator = numerator + extra
    done = step(numerator, denominator, is_open=is_open)
    if done is not None:
        assert step(numerator, denominator, is_open=done == "raise") is None


@pytest.mark.parametrize(
    ("numerator", "denominator", "listed"),
    [(0, 1, True), (8, 9, True), (9, 9, False), (0, 0, False), (0, 10, False)],
)
def test_a_small_sample_is_one_to_nine_below_the_threshold(
    numerator: int, denominator: int, listed: bool
) -> None:
    assert is_small_sample(Rate(numerator, denominator), percent=95, sample_min=10) is listed


def what_changes(figure: Rate | None, stands: Standing | None) -> list[str]:
    figures: Any = {} if figure is None else {KEY: (figure, ["360102"])}
    found = changes([RESPONSE, ON_TIME], figures, {} if stands is None else {KEY: stands}, AT)
    return [change.step for change in found]


BELOW, ABOVE = Rate(0, 10), Rate(10, 10)
OPEN = Standing("alert-1", EARLIER, None)


def test_a_close_raises_below_and_clears_what_no_longer_holds() -> None:
    assert what_changes(BELOW, None) == ["raise"]
    assert what_changes(ABOVE, None) == []
    assert what_changes(BELOW, OPEN) == []
    assert what_changes(ABOVE, OPEN) == ["recovered"]


def test_a_subject_without_a_line_left_is_cleared_as_too_small() -> None:
    assert what_changes(None, OPEN) == ["sample_too_small"]


@pytest.mark.parametrize(
    "stands",
    [
        Standing("alert-1", AT, None),  # raised by this close, in an earlier step of it
        Standing("alert-1", EARLIER, AT),  # cleared by this close
        Standing("alert-1", EARLIER, LATER),  # stood then, cleared since
        Standing("alert-1", LATER, None),  # raised by a later close
    ],
)
def test_a_close_that_runs_again_does_nothing_twice(stands: Standing) -> None:
    for figure in (BELOW, ABOVE, None):
        assert what_changes(figure, stands) == []


def test_small_samples_are_listed_by_rule_and_subject() -> None:
    figures: Any = {
        ("A3.3-response", "product", "P2"): (Rate(1, 9), ["360102"]),
        ("A3.3-on-time", "product", "P1"): (Rate(8, 9), ["360102"]),
        ("A3.3-response", "product", "P1"): (Rate(0, 10), ["360102"]),
    }
    found = [key for _, key, _ in small_samples([RESPONSE, ON_TIME], figures)]
    assert found == [("A3.3-on-time", "product", "P1"), ("A3.3-response", "product", "P2")]


def test_an_alert_has_an_id_of_its_own_that_fits_a_path() -> None:
    day = AT.date()
    one = alert_id_of("A3.3-response", "product", "P1", "360000", day)
    assert one.startswith("A3.3-response-20260105-")
    others = {
        alert_id_of("A3.3-response", "product", "P2", "360000", day),
        alert_id_of("A3.3-response", "manufacturer", "P1", "360000", day),
        alert_id_of("A3.3-on-time", "product", "P1", "360000", day),
        alert_id_of("A3.3-response", "product", "P1", "360000", day + timedelta(days=1)),
    }
    assert len(others | {one}) == 5
    assert one == alert_id_of("A3.3-response", "product", "P1", "360000", day)
    assert all(
        is_path_id(id_) for id_ in {one, alert_id_of("A3.3-on-time", "product", "P" * 64, "3", day)}
    )


def test_the_evidence_of_an_alert_is_what_the_close_looked_at() -> None:
    url = evidence_of("product", "P1", "on_time", AT.date())
    assert url == (
        "/alerts/v1/evidence?subject=product&id=P1&rate=on_time&window=30d&as_of=2026-01-05"
        "&role=selected"
    )
