"""The alerts of the oracle, worked by hand: thresholds, samples, clearing, the instant of a close."""

from datetime import date, datetime, timedelta

from tests.oracle.alerts import (
    KINDS,
    RULES,
    Alert,
    alerts,
    closing_days,
    divisions_of,
    figures_at_close,
    small_samples,
)
from tests.oracle.calendar import end_of
from tests.oracle.figures import Question, rate_of
from tests.oracle.orders import Orders
from tests.oracle.ratios import Rate
from tests.oracle.town import FAR, HOUR, SECOND, SENT, D, H, M, Tale, day, town

FEBRUARY = day(31) + timedelta(days=1)
PARTIES = {"product": "P", "manufacturer": M, "distributor": D}


def several(
    model: Orders, name: str, count: int, at: datetime, answered: int | None = None
) -> list[Tale]:
    """Orders of one line P each, sent at one instant; the first so many are accepted an hour later."""
    tales = [Tale(model, order_id=f"{H}-{name}{n}") for n in range(count)]
    for tale in tales:
        assert tale.place(at).status == "accepted"
    for tale in tales[: count if answered is None else answered]:
        assert tale.answer(at + HOUR).status == "accepted"
    return tales


def about(model: Orders, until: datetime, rule: str = "A3.3-response") -> list[Alert]:
    """The alerts about product P."""
    found = alerts(model, day(2), until)
    return [one for one in found if (one.rule, one.subject) == (rule, "product")]


def steps(found: list[Alert]) -> list[tuple[object, ...]]:
    """Raised, cleared, why."""
    return [(one.raised_at, one.cleared_at, one.cleared_because) for one in found]


def test_nine_of_ten_alerts_all_three_subjects_at_the_close_of_the_due_day() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT, answered=9)  # due Wednesday 7th 09:00
    assert alerts(model, day(2), day(8) - SECOND) == []
    found = alerts(model, day(2), day(8))
    assert {one.subject: one.subject_id for one in found} == PARTIES
    assert len(found) == 3
    for one in found:
        assert (one.rule, one.threshold, one.scope) == ("A3.3-response", 95, "360000")
        assert (one.raised_at, one.state) == (day(8), "open")
        assert one.figure.shown() == {"numerator": 9, "denominator": 10, "percent": "90.00"}


def test_nothing_delivered_alerts_a_day_later_under_the_other_rule() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT)  # delivery due at 24:00 of Thursday 8th
    found = alerts(model, day(2), day(9))
    assert {(one.rule, one.raised_at, one.threshold) for one in found} == {
        ("A3.3-on-time", day(9), 90)
    }
    assert found[0].figure == Rate(0, 10)


def test_nine_lines_are_a_small_sample_and_no_alert() -> None:
    model = Orders(town())
    several(model, "a", 9, SENT, answered=8)
    assert about(model, FEBRUARY) == []
    found = small_samples(model, date(2026, 1, 7))
    assert {one.subject: one.subject_id for one in found} == PARTIES
    assert {(one.rule, one.figure.percent, one.threshold) for one in found} == {
        ("A3.3-response", "88.88", 95)
    }
    assert small_samples(model, date(2026, 1, 6)) == []


def test_a_small_sample_at_its_threshold_is_not_listed() -> None:
    model = Orders(town())
    several(model, "a", 9, SENT)
    assert small_samples(model, date(2026, 1, 7)) == []


def test_exactly_95_percent_is_no_alert() -> None:
    good, bad = Orders(town()), Orders(town())
    several(good, "a", 20, SENT, answered=19)
    several(bad, "a", 20, SENT, answered=18)
    assert about(good, day(20)) == []
    assert steps(about(bad, day(20))) == [(day(8), None, None)]


def test_exactly_90_percent_on_time_is_no_alert() -> None:
    for arrived, raised in ((9, []), (8, [(day(9), None, None)])):
        model = Orders(town())
        for tale in several(model, "a", 10, SENT)[:arrived]:
            tale.send(SENT + HOUR)
            tale.arrive(SENT + 2 * HOUR)
        assert steps(about(model, day(20), "A3.3-on-time")) == raised


def test_a_recovery_clears_and_a_relapse_is_a_new_alert() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT, answered=9)
    several(model, "b", 10, day(6, 9))  # due on the 8th: 19 of 20
    several(model, "c", 1, day(7, 9), answered=0)  # due on the 9th: 19 of 21
    found = about(model, day(12))
    assert steps(found) == [(day(8), day(9), "recovered"), (day(10), None, None)]
    assert [one.figure.percent for one in found] == ["90.00", "90.47"]


def test_an_open_alert_keeps_the_figure_at_raising() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT, answered=9)
    several(model, "b", 10, day(6, 9), answered=0)
    found = about(model, day(12))
    assert steps(found) == [(day(8), None, None)]
    assert found[0].figure == Rate(9, 10)


def test_an_alert_clears_when_its_lines_leave_the_window() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT, answered=0)  # due on 7 January, in the window to 5 February
    assert steps(about(model, FEBRUARY + timedelta(days=5))) == [(day(8), None, None)]
    assert steps(about(model, FEBRUARY + timedelta(days=6))) == [
        (day(8), FEBRUARY + timedelta(days=6), "sample_too_small")
    ]


def test_a_sample_that_shrinks_to_nine_clears_though_every_line_is_a_hit() -> None:
    model = Orders(town())
    several(model, "a", 9, SENT)
    odd = several(model, "b", 1, SENT, answered=0)[0]
    odd.answer(SENT + HOUR, "refused", reason_code="wrong_product")
    odd.cancel(day(8, 10))  # now the excuse is borne out: 9 of 9 are left
    assert steps(about(model, day(12))) == [(day(8), day(9), "sample_too_small")]


def test_a_fact_at_24_00_is_in_time_but_the_close_does_not_know_it() -> None:
    for moment, told in (
        (day(8), [(day(8), day(9), "recovered")]),
        (day(8) - SECOND, []),
    ):
        model = Orders(town())
        last = several(model, "a", 10, day(6), answered=9)[-1]  # due at 24:00 of the 7th
        last.answer(moment)
        assert steps(about(model, day(12))) == told


def test_a_close_never_waits_for_the_reporting_grace() -> None:
    model = Orders(town())
    tales = several(model, "a", 10, SENT)
    for tale in tales:
        tale.send(SENT + HOUR)
    for tale in tales[:8]:
        tale.arrive(SENT + 2 * HOUR)
    for tale in tales[8:]:
        tale.arrive(day(9, 10), day(8, 20))  # there on the 8th, told on the 9th
    found = about(model, day(12), "A3.3-on-time")
    assert steps(found) == [(day(9), day(10), "recovered")]
    assert found[0].figure == Rate(8, 10)


def test_an_arrival_is_the_one_that_the_facts_before_the_close_give() -> None:
    model = Orders(town())
    tales = several(model, "a", 10, SENT)
    for tale in tales:
        tale.send(SENT + HOUR)
        tale.arrive(day(8, 20), proof=False)
    for tale in tales[:2]:
        claim = day(9, 8).isoformat()  # the receipt says: a day later
        assert tale.receive(day(12, 10), arrived_at=claim).status == "accepted"
    assert steps(about(model, day(14), "A3.3-on-time")) == [(day(13), None, None)]


def test_what_an_importer_tells_later_enters_the_next_close() -> None:
    model = Orders(town())
    for n in range(10):
        tale = Tale(model, order_id=f"{H}-i{n}", importer=True)
        assert tale.place(day(20, 10), SENT).status == "accepted"
    found = about(model, FEBRUARY)
    assert steps(found) == [(day(21), None, None)]
    assert found[0].figure == Rate(0, 10)


def test_only_selected_lines_alert_and_back_entered_ones_never() -> None:
    model = Orders(town())
    for n in range(12):
        Tale(model, order_id=f"{H}-q{n}").place(lines=[Tale.line(product_id="Q")])
        Tale(model, order_id=f"{H}-b{n}").place(back_entered=True)
    assert alerts(model, day(2), FEBRUARY) == []
    assert small_samples(model, date(2026, 1, 12)) == []


def test_a_bureau_sees_an_alert_by_the_lines_of_its_figure() -> None:
    model = Orders(town())
    several(model, "a", 9, SENT)
    for hospital, name, sent in ((FAR, "far", SENT), (H, "b", day(6, 9))):
        Tale(model, hospital=hospital, order_id=f"{hospital}-{name}").place(sent)
    (found,) = about(model, day(12))
    assert (found.raised_at, found.figure) == (day(8), Rate(9, 10))
    assert divisions_of(model, found) == {"360102", "360735"}


def test_the_closes_of_a_run_end_with_the_last_instant() -> None:
    assert list(closing_days(day(5, 9), day(8))) == [date(2026, 1, n) for n in (5, 6, 7)]
    assert list(closing_days(day(5), day(6) - SECOND)) == []
    assert list(closing_days(day(5), day(5))) == []


def test_the_figures_of_a_close_are_the_scorecards_of_its_facts() -> None:
    model = Orders(town())
    several(model, "a", 10, SENT, answered=7)
    for tale in several(model, "b", 5, day(7, 15)):
        tale.send(day(8, 9))
        tale.arrive(day(9, 9))
    for number in range(6, 15):
        this = date(2026, 1, number)
        found = figures_at_close(model, this)
        for kind in KINDS:
            for rule in RULES:
                asked = Question(
                    kind, PARTIES[kind], "30d", this, role="selected", known_before=end_of(this)
                )
                meant = rate_of(model, asked, rule.rate)
                assert found.get((rule, kind, PARTIES[kind]), Rate(0, 0)) == meant
