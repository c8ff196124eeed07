"""Pins the oracle to the golden vectors and to rates worked by hand."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import calendar, hashes, uscc
from tests.oracle.figures import Question, evidence, rate_of, scorecard, subjects
from tests.oracle.ratios import Rate, score
from tests.oracle.town import FAR, HOUR, SECOND, SENT, D, M, Tale, day
from tests.oracle.windows import WindowNotComplete, window
from tests.oracle.wire import parse_time

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
DUE = day(9)  # 24:00 of Thursday 8th: the third working day after Monday 5th


def cases(name: str) -> Any:
    """A file of golden cases."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def january(tale: Tale, rate: str, **asked: Any) -> tuple[int, int]:
    """A rate of the whole month, as two integers."""
    found = rate_of(tale.model, Question(window="2026-01", as_of=date(2026, 1, 31), **asked), rate)
    return found.numerator, found.denominator


def test_working_days_and_lead_times_match_the_vectors() -> None:
    for case in cases("working_days")["cases"]:
        start = date.fromisoformat(case["from"])
        assert calendar.working_day_after(start, case["workdays"]).isoformat() == case["to"]
    for case in cases("lead_time")["cases"]:
        start = date.fromisoformat(case["published"])
        twentieth = calendar.working_day_after(start, 20)
        earliest = twentieth + timedelta(days=1)
        assert calendar.provisional(start, twentieth) == case.get("provisional", False)
        assert earliest.isoformat() == case.get("earliest", earliest.isoformat())
    for case in cases("late_response")["cases"]:
        expires = parse_time(case["sent"]) + timedelta(hours=48)
        assert expires == parse_time(case["expires"])
        assert calendar.working_day_after(expires.date(), 1).isoformat() == case["list_by"]


def test_an_unpublished_year_has_weekends_and_statutory_days_only() -> None:
    # 2027: lunar new year on Saturday 6 February, so 除夕 is Friday 5th and 初三 Monday 8th.
    assert calendar.working_day_after(date(2027, 2, 4), 1) == date(2027, 2, 9)
    # Qingming on Monday 5 April; 1-3 October is Friday to Sunday, so the 4th works.
    assert calendar.working_day_after(date(2027, 4, 2), 1) == date(2027, 4, 6)
    assert calendar.working_day_after(date(2027, 9, 30), 1) == date(2027, 10, 4)


def test_codes_and_percentages_match_the_vectors() -> None:
    assert all(uscc.is_uscc(code) for code in [*cases("uscc")["valid"], uscc.make_uscc(7)])
    assert not any(uscc.is_uscc(code) for code in cases("uscc")["invalid"])
    for case in cases("rates")["cases"]:
        rate = Rate(case["numerator"], case["denominator"])
        assert (rate.percent, rate.below(case["below"])) == (case["percent"], case["alert"])


def test_a_fact_hash_is_over_canonical_json() -> None:
    assert hashes.canonical({"é": 1, "a": [None, True, "\t\u001f/€"]}) == (
        '{"a":[null,true,"\\t\\u001f/€"],"é":1}'
    )
    assert hashes.canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'
    assert hashes.time_text(parse_time("2026-01-05 09:00:00.5")) == "2026-01-05T01:00:00.5Z"
    one = {"id": "1", "source": "s", "type": "t", "time": "2026-01-05 09:00:00", "data": {"a": "1"}}
    other = {**one, "time": "2026-01-05T01:00:00Z", "specversion": "1.0", "extra": "ignored"}
    assert hashes.same_content(one, other)
    assert not hashes.same_content(one, {**one, "subject": "x"})


@pytest.mark.parametrize(
    ("moment", "response"), [(SENT + 48 * HOUR, (1, 1)), (SENT + 48 * HOUR + SECOND, (0, 1))]
)
def test_an_answer_at_exactly_48_hours_is_in_time(moment: datetime, response: Any) -> None:
    tale = Tale()
    tale.place()
    tale.answer(moment)
    assert january(tale, "response") == january(tale, "answered") == response
    assert january(tale, "response_orders_ytd") == response


def test_a_refusal_is_an_answer_but_no_success_and_an_excuse_must_be_borne_out() -> None:
    plain, proven, late = Tale(), Tale(), Tale()
    plain.place()
    plain.answer(SENT + HOUR, "refused", reason_code="no_agreement")  # one is registered
    assert (january(plain, "response"), january(plain, "answered")) == ((0, 1), (1, 1))
    proven.place(lines=[Tale.line(product_id="Q")])
    proven.answer(SENT + HOUR, "refused", reason_code="no_agreement")  # none for Q
    assert january(proven, "response") == january(proven, "on_time") == (0, 0)
    late.place(lines=[Tale.line(product_id="Q")])
    late.answer(SENT + 49 * HOUR, "refused", reason_code="no_agreement")  # past the due
    assert january(late, "answered") == (0, 1)
    card = scorecard(proven.model, Question(window="2026-01", as_of=date(2026, 1, 31)))
    assert (card["excused"], card["score"]) == (1, None)


def test_wrong_product_excuses_once_the_hospital_cancels_however_late() -> None:
    tale = Tale()
    tale.place()
    tale.answer(SENT + HOUR, "refused", reason_code="wrong_product")
    assert january(tale, "on_time") == (0, 1)
    tale.cancel(day(12, 8))  # after both dues, before the void at 12th 09:00
    assert january(tale, "on_time") == january(tale, "response") == (0, 0)


def test_a_cancellation_before_the_due_takes_the_line_out_unless_it_was_answered() -> None:
    tale = Tale()
    tale.place()
    tale.answer(SENT + HOUR)
    tale.cancel(DUE)  # at the delivery due exactly
    assert january(tale, "response") == (1, 1)
    assert january(tale, "on_time") == january(tale, "delivery") == (0, 0)
    silent = Tale()
    silent.place()
    silent.cancel(SENT + 48 * HOUR + SECOND)  # a second late: it counts as unanswered
    assert (january(silent, "response"), january(silent, "on_time")) == ((0, 1), (0, 0))


@pytest.mark.parametrize(("there", "on_time"), [(DUE, 1), (DUE + SECOND, 0)])
def test_on_time_is_judged_at_the_arrival_and_its_due_day_is_the_day_that_ends(
    there: datetime, on_time: int
) -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR)
    tale.arrive(there)
    assert january(tale, "on_time") == january(tale, "on_time_first") == (on_time, 1)
    assert calendar.due_day(DUE) == date(2026, 1, 8)
    eighth = Question(window="30d", as_of=date(2026, 1, 8))
    assert rate_of(tale.model, eighth, "on_time").denominator == 1
    assert evidence(tale.model, eighth, "on_time")[0].due_at == DUE


def test_half_on_time_is_a_first_arrival_and_half_a_delivery() -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR, "50")
    tale.arrive(SENT + 2 * HOUR)
    tale.receive(SENT + 3 * HOUR, accepted="49.5", rejected="0.5", reason="damaged")
    assert (january(tale, "on_time"), january(tale, "on_time_first")) == ((0, 1), (1, 1))
    assert january(tale, "delivery") == (500_000, 1_000_000)  # 50 of 100, in ten-thousandths
    assert january(tale, "receipt") == (495_000, 1_000_000)


def test_over_delivery_never_counts_above_the_order() -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR, "150")
    assert january(tale, "delivery") == (1_000_000, 1_000_000)
    assert tale.model.story(tale.order_id).lines["L1"].flags == {"over_delivered"}


def test_subjects_and_filters() -> None:
    near, far = Tale(), Tale(hospital=FAR, order_id=f"{FAR}-1")
    far.model = near.model
    near.place()
    far.place(lines=[Tale.line(product_id="Q")])
    month = {"window": "2026-01", "as_of": date(2026, 1, 31)}
    assert subjects(near.model, Question(subject="product", **month)) == ["P", "Q"]
    assert subjects(near.model, Question(subject="product", role="selected", **month)) == ["P"]
    for asked in ({"division": "360700"}, {"category": "consumable"}, {"level": "primary"}):
        assert january(near, "response", **asked) == (0, 1)
    assert january(near, "response", subject="manufacturer", id=M) == (0, 2)
    assert january(near, "response", subject="distributor", id=D, batch_id="B") == (0, 1)
    assert january(near, "response_orders_ytd") == (0, 1)  # Q is not selected


def test_windows_end_at_as_of() -> None:
    assert window("30d", date(2026, 1, 31)) == (date(2026, 1, 2), date(2026, 1, 31))
    assert window("2026Q1", date(2026, 2, 10)) == (date(2026, 1, 1), date(2026, 2, 10))
    assert window("2025", date(2026, 2, 10)) == (date(2025, 1, 1), date(2025, 12, 31))
    with pytest.raises(WindowNotComplete):
        window("2026-03", date(2026, 2, 28))


def test_the_score_is_exact_and_rounded_down_once() -> None:
    empty = Rate(0, 0)
    rates = {"response": Rate(9, 10), "on_time": Rate(8, 9), "delivery": Rate(95, 100)}
    rates |= {"feedback": empty, "rectification": empty}
    # 20 x (90-80)/15 = 13.33..; 30 x (88.88..-70)/20 = 28.33..; 25; 15; 10: together 91.66..
    assert score(rates) == ("91.66", ["feedback", "rectification"])
    assert score(rates | {"on_time": empty})[0] is None
