"""The alarming histories raise, clear and list everything there is, and tell careless readings apart."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from tests.oracle import alerts as alerting
from tests.oracle import dues
from tests.oracle import lists as listing
from tests.oracle.alarms import SEEDS, alarming_history
from tests.oracle.alerts import alerts, closing_days, small_samples
from tests.oracle.calendar import local_day
from tests.oracle.facts import VOIDED
from tests.oracle.histories import history
from tests.oracle.lists import due_for_listing, late_lists
from tests.oracle.orders import Orders
from tests.oracle.replay import played
from tests.oracle.stories import Line, Story, tell


@cache
def run(seed: int) -> tuple[Orders, datetime, datetime]:
    """The model at the end of a history, and its two ends."""
    told = alarming_history(seed)
    model, now, _ = played(told)
    model.advance(now)
    return model, told.start, now


def test_a_seed_always_tells_the_same_alarming_history_and_the_others_stand() -> None:
    assert alarming_history(3, orders=10).steps == alarming_history(3, orders=10).steps
    assert alarming_history(3, orders=10).steps != alarming_history(4, orders=10).steps
    assert alarming_history(3, orders=10).steps != history(3, orders=10).steps


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_raises_clears_raises_again_and_runs_dry(seed: int) -> None:
    model, start, now = run(seed)
    found = alerts(model, start, now)
    reasons = Counter(one.cleared_because for one in found)
    assert reasons["recovered"] >= 5
    assert reasons["sample_too_small"] >= 5
    assert {(one.rule, one.subject) for one in found} == {
        (rule.name, kind) for rule in alerting.RULES for kind in alerting.KINDS
    }
    again = Counter((one.rule, one.subject, one.subject_id) for one in found)
    assert sum(times > 1 for times in again.values()) >= 3
    days = list(closing_days(start, now))
    assert sum(len(small_samples(model, day)) for day in days[::7]) >= 10


@pytest.mark.parametrize("seed", SEEDS)
def test_one_alert_of_a_subject_is_open_at_a_time(seed: int) -> None:
    open_until: dict[tuple[str, str, str], datetime | None] = {}
    for one in alerts(*run(seed)):
        key = one.rule, one.subject, one.subject_id
        until = open_until.get(key, one.raised_at - timedelta(days=1))
        assert until is not None
        assert until < one.raised_at
        open_until[key] = one.cleared_at
        assert one.figure.below(one.threshold)
        assert one.figure.denominator >= 10


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_lists_lines_first_again_and_once_though_void(seed: int) -> None:
    model, start, now = run(seed)
    listed: dict[tuple[str, str], list[datetime]] = {}
    occurrences: Counter[str] = Counter()
    for one in late_lists(model, start, now):
        assert one.lines
        for entry in one.lines:
            listed.setdefault((entry.order_id, entry.line_id), []).append(one.issued_at)
            occurrences[entry.occurrence] += 1
    assert occurrences["first"] == len(listed) >= 10
    assert occurrences["again"] >= 10
    voids = {
        (fact.order_id, fact.data["line_id"]): fact.recorded_at
        for fact in model.facts
        if fact.type == VOIDED
    }
    void_before = [key for key, days in listed.items() if key in voids and voids[key] <= days[0]]
    assert len(void_before) >= 3
    assert all(len(listed[key]) == 1 for key in void_before)


def and_at_it(model: Orders, instant: datetime) -> Iterator[Story]:
    """Careless: a fact recorded at the very instant is known."""
    for stream in model.streams.values():
        known = [fact for fact in stream if fact.recorded_at <= instant]
        if known:
            yield tell(known)


def without_the_void(model: Orders, instant: datetime) -> Iterator[Story]:
    """Careless: a void due at the very instant has not fired."""
    for stream in model.streams.values():
        known = [fact for fact in stream if fact.recorded_at < instant]
        if known:
            yield tell(known)


def whatever_is_known_now(model: Orders, instant: datetime) -> Iterator[Story]:
    """Careless: a close looks at what was recorded after it."""
    return (tell(stream) for stream in model.streams.values() if stream[0].recorded_at < instant)


def thirty_one_days(name: str, day: date) -> tuple[date, date]:
    """Careless: that day and the 30 before."""
    return day - timedelta(days=30), day


def day_of_the_deadline(line: Line, rate: str) -> date:
    """Careless: a deadline at 24:00 belongs to the day that begins."""
    due = dues.answer_due(line) if rate == "response" else dues.delivery_due(line)
    return local_day(due)


def exactly_nine_has_expired(line: Line) -> datetime:
    """Careless: what expires at 09:00 lies before 09:00."""
    return dues.answer_due(line) - timedelta(microseconds=1)


def void_is_off(story: Story, line: Line, instant: datetime) -> bool:
    """Careless: a void takes a line off though it was never listed."""
    return due_for_listing(story, line, instant) and not line.voided


def recorded_whenever(story: Story, line: Line, instant: datetime) -> bool:
    """Careless: an order that reached us after its sent + 48 h is listed too."""
    silent = not (line.answer or line.cancelled or story.dispatched(line.line_id))
    return silent and not story.back_entered and dues.answer_due(line) < instant


def back_entered_too(story: Story, line: Line, instant: datetime) -> bool:
    """Careless: a back-entered order is listed."""
    silent = not (line.answer or line.cancelled or story.dispatched(line.line_id))
    return silent and story.placed.recorded_at < dues.answer_due(line) < instant


READINGS: list[tuple[Any, str, Any]] = [
    (alerting, "stories_at", and_at_it),
    (alerting, "stories_at", whatever_is_known_now),
    (alerting, "window", thirty_one_days),
    (alerting, "due_day_of", day_of_the_deadline),
    (alerting, "selected", lambda line: True),
    (alerting, "SMALLEST_SAMPLE", 9),
    (alerting, "SMALLEST_SAMPLE", 11),
    (alerting.Rate, "below", lambda rate, than: rate.numerator * 100 <= than * rate.denominator),
    (listing, "stories_at", and_at_it),
    (listing, "stories_at", without_the_void),
    (listing, "is_working", lambda day: day.weekday() < 5),
    (listing, "answer_due", exactly_nine_has_expired),
    (listing, "due_for_listing", void_is_off),
    (listing, "due_for_listing", recorded_whenever),
    (listing, "due_for_listing", back_entered_too),
]


def name_of(value: Any) -> str:
    """What a careless reading is called in the test's name."""
    return str(getattr(value, "__name__", value)).split(".")[-1]


@pytest.mark.parametrize(("where", "name", "careless"), READINGS, ids=name_of)
def test_a_careless_reading_differs_on_a_history_that_the_journeys_play(
    where: Any, name: str, careless: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_all = listed_lines if where is listing else lambda seed: alerts(*run(seed))
    meant = {seed: tell_all(seed) for seed in SEEDS}
    monkeypatch.setattr(where, name, careless)
    assert any(tell_all(seed) != meant[seed] for seed in SEEDS)


def listed_lines(seed: int) -> list[tuple[Any, ...]]:
    """Which line stands on which list, the instants left out."""
    return [
        (one.day, one.distributor_id, one.bureau, entry.order_id, entry.line_id, entry.occurrence)
        for one in late_lists(*run(seed))
        for entry in one.lines
    ]
