"""What happens to tickets by itself, told as sentences: overdue, broken, supervised, climbing, silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.feedback.commands import Confirm, Reopen, Reply, Solve
from services.feedback.domain.passing import due
from shared.testing.spec import Happened
from tests.feedback.telling_tickets import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    CITY_HOSPITAL,
    HOSPITAL,
    PROVINCE_HOSPITAL,
    WORLD,
    Story,
    end_of,
    march,
)

MICROSECOND = timedelta(microseconds=1)
SOLVE, REOPEN = Solve(by=BY_DISTRIBUTOR), Reopen(by=BY_HOSPITAL)


def opened() -> Story:
    """Opened on Monday the 2nd at 10:00; a reply is due at the end of Wednesday."""
    return Story().open(march(2))


def promised(day: int, clock: str = "10:00:00") -> Story:
    """The same, with a promise given on Tuesday."""
    return opened().says(Reply(promised_at=march(day, clock), by=BY_DISTRIBUTOR), march(3))


def test_nothing_happens_an_instant_early() -> None:
    assert opened().given.when_woken(at=end_of(4) - MICROSECOND, world=WORLD) == ()
    assert len(opened().given.when_woken(at=end_of(4), world=WORLD)) == 2


def test_a_ticket_nobody_answers_stands_at_the_province_hop_by_hop() -> None:
    """Reply due 4th; the county began on the 4th: 5, 6, 9; the city on the 9th: 10, 11, 12."""
    story = opened().wait(march(30))
    steps = [(s.type, s.at, s.came_from, s.went_to) for s in story.ticket.history]
    assert steps == [
        ("opened", march(2), None, None),
        ("reply_overdue", end_of(4), None, None),
        ("supervision_began", end_of(4), None, "county"),
        ("escalated", end_of(9), "county", "city"),
        ("escalated", end_of(12), "city", "province"),
        ("province_overdue", end_of(17), None, None),
    ]
    assert {step.by for step in story.ticket.history[1:]} == {"system"}
    assert story.stands == ("open", "province", "360000")
    assert due(story.ticket) is None


@pytest.mark.parametrize(
    ("hospital", "hops"),
    [
        (HOSPITAL, ["county", "city", "province"]),
        (CITY_HOSPITAL, ["city", "province"]),
        (PROVINCE_HOSPITAL, ["province"]),
    ],
)
def test_supervision_begins_at_the_hospitals_own_bureau(hospital: str, hops: list[str]) -> None:
    story = Story().open(march(2), hospital).wait(march(30))
    assert [step.went_to for step in story.ticket.history if step.went_to] == hops
    assert story.history[-1] == "province_overdue"


def test_each_fact_is_dated_at_its_deadline_however_late_anybody_wakes() -> None:
    at_once = opened().given.when_woken(at=march(30), world=WORLD)
    story, one_by_one = opened(), list[Happened]()
    for day in range(3, 31):
        woken = story.given.when_woken(at=march(day), world=WORLD)
        one_by_one += woken
        story.wait(march(day))
    assert list(at_once) == one_by_one
    assert story.given.when_woken(at=march(30), world=WORLD) == ()


def test_a_broken_promise_begins_supervision_at_the_promised_instant() -> None:
    story = promised(6, "15:30:00").wait(march(6, "15:30:00"))
    assert story.history == ["opened", "replied", "promise_broken", "supervision_began"]
    assert story.ticket.history[-1].at == march(6, "15:30:00")
    assert story.stands == ("promised", "county", "360102")
    # Begun in the middle of the 6th, so that day is not counted: 9, 10, 11.
    assert story.clocks == {"level_due": end_of(11)}


def test_a_promise_at_24_00_that_breaks_begins_the_level_on_the_day_that_ends() -> None:
    story = promised(7, "00:00:00").wait(end_of(6))
    assert story.history[-1] == "supervision_began"
    assert story.clocks == {"level_due": end_of(11)}  # begun on Friday the 6th: 9, 10, 11


def test_a_promise_broken_under_supervision_is_recorded_and_changes_nothing_else() -> None:
    story = opened().says(Reply(promised_at=march(6), by=BY_DISTRIBUTOR), march(5))
    assert story.stands[1] == "county"
    before = story.clocks["level_due"]
    story.wait(march(6))
    assert story.history[-1] == "promise_broken"
    assert story.history.count("supervision_began") == 1
    assert story.clocks == {"level_due": before}


def test_an_overdue_reply_to_a_prominent_ticket_is_recorded_and_changes_nothing_else() -> None:
    story = Story().open(march(2), prominent=True).wait(end_of(4))
    assert story.history[-1] == "reply_overdue"
    assert story.stands == ("open", "province", "360000")
    assert story.clocks == {"level_due": end_of(5)}


def test_a_reply_in_time_does_not_end_the_supervision_of_a_prominent_ticket() -> None:
    story = Story().open(march(2), prominent=True)
    story.says(Reply(promised_at=march(9), by=BY_DISTRIBUTOR), march(3)).wait(end_of(5))
    assert story.history[-1] == "province_overdue"
    assert story.stands == ("promised", "province", "360000")


def test_silence_confirms_at_the_end_of_the_third_working_day_after_the_day_of_solved() -> None:
    story = promised(6).says(SOLVE, march(4))
    assert story.given.when_woken(at=end_of(9) - MICROSECOND, world=WORLD) == ()
    story.wait(march(30))
    assert story.stands[0] == "confirmed"
    step = story.ticket.history[-1]
    assert (step.type, step.at, step.by) == ("confirmed", end_of(9), "silence")


def test_who_speaks_at_the_instant_of_silence_speaks_too_late() -> None:
    story = opened().says(SOLVE, march(4))
    story.refused(Confirm(by=BY_HOSPITAL), end_of(9), "wrong_state")
    story.refused(REOPEN, end_of(9), "wrong_state")


def test_solved_in_time_and_nothing_passes_any_more() -> None:
    story = promised(6).says(SOLVE, march(6) - MICROSECOND).says(Confirm(by=BY_HOSPITAL), march(9))
    assert story.wait(march(30)).history == ["opened", "replied", "solved", "confirmed"]


def test_solved_at_the_promised_instant_comes_when_the_promise_is_broken() -> None:
    story = promised(6).says(SOLVE, march(6))
    assert story.history[2:] == ["promise_broken", "supervision_began", "solved"]


def test_solved_stops_the_climb_and_a_reopen_lets_it_begin_afresh_where_it_stood() -> None:
    story = opened().wait(end_of(9))
    assert story.stands[1] == "city"
    story.says(SOLVE, march(10)).says(REOPEN, march(11))
    assert story.stands[1] == "city"
    assert story.clocks == {"level_due": end_of(16)}
    story.wait(end_of(16))
    assert story.stands[1] == "province"


def test_the_province_is_overdue_once_a_ticket() -> None:
    story = opened().wait(march(18))
    assert story.history[-1] == "province_overdue"
    story.says(SOLVE, march(18)).says(REOPEN, march(19)).wait(march(30))
    assert story.history.count("province_overdue") == 1
    assert story.stands == ("open", "province", "360000")


def test_a_promise_and_a_level_that_pass_at_one_instant_are_both_recorded_in_order() -> None:
    story = opened().says(Reply(promised_at=end_of(9), by=BY_DISTRIBUTOR), march(5)).wait(end_of(9))
    assert story.history[-2:] == ["promise_broken", "escalated"]
    assert story.stands == ("promised", "city", "360100")
    assert story.clocks == {"level_due": end_of(12)}
