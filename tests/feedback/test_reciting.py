"""Deadlines told from a ticket's facts, and moved by a change of the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from services.feedback.commands import Close, Confirm, Reopen, Reply, Solve
from services.feedback.domain.moving import moved_deadlines
from services.feedback.domain.reciting import Recited, recited
from shared.events.feedback import DEADLINE_MOVED, DeadlineMoved
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import DayKind, SpecialDay
from shared.kernel.clock import parse_instant
from tests.feedback.telling_tickets import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    COUNTY,
    WORLD,
    Story,
    end_of,
    march,
    world,
)

MICROSECOND = timedelta(microseconds=1)
SOLVE, CONFIRM, REOPEN = Solve(by=BY_DISTRIBUTOR), Confirm(by=BY_HOSPITAL), Reopen(by=BY_HOSPITAL)


def opened() -> Story:
    """Opened on Monday the 2nd at 10:00; a reply is due at the end of Wednesday."""
    return Story().open(march(2))


def promised(day: int) -> Story:
    """The same, with a promise given on Tuesday."""
    return opened().says(Reply(promised_at=march(day), by=BY_DISTRIBUTOR), march(3))


def items(story: Story, now: datetime) -> list[Recited]:
    return recited(story.facts, now)


def standing(story: Story, now: datetime) -> list[tuple[str, str]]:
    """Name and state of each deadline that has begun."""
    return [(item.deadline.name, item.state) for item in items(story, now)]


def test_a_ticket_begins_with_its_reply_due() -> None:
    assert standing(opened(), march(3)) == [("reply_due", "running")]


def test_a_reply_meets_the_reply_due_and_the_limit_of_its_promise() -> None:
    assert standing(promised(6), march(4)) == [
        ("reply_due", "met"), ("promise_limit", "met"), ("promised", "running"),
    ]  # fmt: skip


def test_what_passed_stays_passed_whatever_comes_later() -> None:
    story = opened().says(Reply(promised_at=march(6), by=BY_DISTRIBUTOR), march(5)).wait(end_of(6))
    story.says(SOLVE, march(9)).says(CONFIRM, march(10))
    assert standing(story, march(10)) == [
        ("reply_due", "passed"), ("level_due", "stopped"), ("promise_limit", "met"),
        ("promised", "passed"), ("confirm_due", "met"),
    ]  # fmt: skip


def test_solved_stops_what_was_still_running() -> None:
    assert standing(opened().says(SOLVE, march(3)), march(4)) == [
        ("reply_due", "stopped"), ("confirm_due", "running"),
    ]  # fmt: skip


def test_a_promise_that_was_kept_is_met_when_it_is_confirmed() -> None:
    story = promised(6).says(SOLVE, march(4))
    assert standing(story, march(4))[2:] == [("promised", "stopped"), ("confirm_due", "running")]
    assert standing(story, march(9))[2] == ("promised", "stopped")
    story.says(CONFIRM, march(9))
    assert standing(story, march(9))[2:] == [("promised", "met"), ("confirm_due", "met")]


def test_silence_passes_the_confirmation_and_meets_the_promise() -> None:
    story = promised(6).says(SOLVE, march(4)).wait(march(30))
    assert standing(story, march(30))[2:] == [("promised", "met"), ("confirm_due", "passed")]


def test_a_promise_reopened_in_time_runs_again_as_the_one_it_was() -> None:
    story = promised(6).says(SOLVE, march(4)).says(REOPEN, march(5))
    assert standing(story, march(5)) == [
        ("reply_due", "met"), ("promise_limit", "met"), ("promised", "running"),
        ("confirm_due", "stopped"),
    ]  # fmt: skip


def test_a_promise_reopened_too_late_stays_stopped_until_it_is_confirmed() -> None:
    story = promised(6).says(SOLVE, march(4)).says(REOPEN, march(6))
    assert standing(story, march(6))[2] == ("promised", "stopped")
    story.says(SOLVE, march(9)).says(CONFIRM, march(9))
    assert standing(story, march(9))[2] == ("promised", "met")


def test_a_reply_due_reopened_in_time_runs_again_with_its_days() -> None:
    story = opened().says(SOLVE, march(3)).says(REOPEN, march(4))
    first = items(story, march(4))[0]
    assert (first.state, first.deadline.due_at) == ("running", end_of(4))
    assert [day.date.day for day in first.deadline.days] == [3, 4]


def test_each_level_is_a_deadline_of_its_own() -> None:
    story = opened().wait(march(30))
    assert standing(story, march(30)) == [("reply_due", "passed")] + [("level_due", "passed")] * 3
    assert [item.deadline.due_at for item in items(story, march(30))[1:]] == [
        end_of(9), end_of(12), end_of(17),
    ]  # fmt: skip


def test_a_prominent_ticket_waits_at_no_level_on_its_way() -> None:
    assert standing(Story().open(march(2), prominent=True), march(2)) == [
        ("reply_due", "running"), ("level_due", "stopped"), ("level_due", "stopped"),
        ("level_due", "running"),
    ]  # fmt: skip


def test_a_reopen_that_climbs_leaves_the_level_stopped_and_begins_the_next() -> None:
    story = opened().wait(march(5))
    for day in (5, 6):
        story.says(SOLVE, march(day, "11:00:00")).says(REOPEN, march(day, "12:00:00"))
    levels = [item.state for item in items(story, march(6)) if item.deadline.name == "level_due"]
    assert levels == ["stopped", "stopped", "running"]


def test_a_province_due_that_follows_the_recorded_one_passes_without_a_word() -> None:
    story = opened().wait(march(18)).says(SOLVE, march(18)).says(REOPEN, march(19))
    assert standing(story, march(19))[-1] == ("level_due", "running")
    assert standing(story.wait(march(30)), march(30))[-1] == ("level_due", "passed")
    assert story.history.count("province_overdue") == 1


def test_what_passed_without_a_word_is_not_stopped_by_what_comes_after_it() -> None:
    story = opened().wait(march(18)).says(SOLVE, march(18)).says(REOPEN, march(19))
    assert story.clocks == {"level_due": end_of(24)}
    story.says(SOLVE, end_of(24))
    assert standing(story, march(25))[-2:] == [("level_due", "passed"), ("confirm_due", "running")]


def test_closing_stops_what_was_running_and_leaves_the_rest() -> None:
    story = opened().wait(march(5)).says(Close(reason="重复", by=COUNTY), march(5))
    assert standing(story, march(30)) == [("reply_due", "passed"), ("level_due", "stopped")]
    solved = promised(6).says(SOLVE, march(4)).says(Close(reason="重复", by=COUNTY), march(5))
    assert standing(solved, march(30))[2:] == [("promised", "stopped"), ("confirm_due", "stopped")]


NOW = march(2, "12:00:00")


def with_days(*named: tuple[str, DayKind], calendar: WorkCalendar = WORLD.calendar) -> WorkCalendar:
    """2026 with some days more."""
    more = [SpecialDay(date.fromisoformat(day), kind, "临时安排") for day, kind in named]
    return calendar.with_year(2026, [*calendar.year(2026).days, *more])


def moves(story: Story, after: WorkCalendar, now: datetime) -> Sequence[DeadlineMoved]:
    """What loading this calendar makes of the ticket; the ticket is left with it."""
    before, story.world = story.world.calendar, world(after)
    decided = list(moved_deadlines(story.ticket, before, story.world, now))
    assert {one.type for one in decided} <= {DEADLINE_MOVED}
    story.happen(*decided)
    return [one.fact for one in decided]


def test_a_holiday_announced_in_between_moves_the_running_due_and_keeps_the_old_one() -> None:
    story = opened()
    [fact] = moves(story, with_days(("2026-03-04", "holiday")), NOW)
    assert (fact.name, fact.before, fact.deadlines[0].due_at) == ("reply_due", end_of(4), end_of(5))
    assert story.clocks == {"reply_due": end_of(5)}
    [item] = items(story, NOW)
    assert (item.deadline.due_at, item.state) == (end_of(5), "running")
    assert [(move.before, move.at) for move in item.moves] == [(end_of(4), NOW)]
    assert item.deadline.calendar_version == story.world.calendar.version
    assert [(day.date.day, day.counted, day.reason) for day in item.deadline.days] == [
        (3, True, "workday"), (4, False, "临时安排"), (5, True, "workday"),
    ]  # fmt: skip
    assert story.wait(end_of(4)).history == ["opened"]
    assert story.wait(end_of(5)).history[1] == "reply_overdue"


def test_a_working_weekend_makes_a_due_earlier_but_never_earlier_than_now() -> None:
    """Opened on Friday the 6th: due on the 10th; with the 7th worked, at the end of the 9th."""
    worked = with_days(("2026-03-07", "workday"))
    early = Story().open(march(6))
    [fact] = moves(early, worked, march(6, "12:00:00"))
    assert fact.deadlines[0].due_at == end_of(9)
    late = Story().open(march(6))
    assert moves(late, worked, end_of(9) + MICROSECOND) == []
    assert late.clocks == {"reply_due": end_of(10)}
    assert moves(Story().open(march(6)), worked, end_of(9) - MICROSECOND) != []


def test_what_has_passed_is_not_undone() -> None:
    story = opened().wait(end_of(4))
    after = with_days(("2026-03-04", "holiday"), ("2026-03-05", "holiday"))
    [fact] = moves(story, after, march(5))
    assert fact.name == "level_due"
    assert story.history == ["opened", "reply_overdue", "supervision_began"]
    assert standing(story, march(5)) == [("reply_due", "passed"), ("level_due", "running")]


def test_a_level_begun_at_24_00_is_counted_again_from_the_day_that_ended() -> None:
    story = opened().wait(end_of(4))
    assert story.clocks == {"level_due": end_of(9)}  # begun on the 4th: 5, 6, 9
    moves(story, with_days(("2026-03-05", "holiday")), march(5))
    assert story.clocks == {"level_due": end_of(10)}


def test_a_promise_was_chosen_and_is_not_moved() -> None:
    story = promised(6)
    assert moves(story, with_days(("2026-03-06", "holiday")), march(4)) == []


def test_what_is_stopped_is_not_moved() -> None:
    story = opened().says(SOLVE, march(3))
    [fact] = moves(story, with_days(("2026-03-04", "holiday")), march(3, "12:00:00"))
    assert fact.name == "confirm_due"


def test_a_day_beside_the_way_moves_nothing() -> None:
    assert moves(opened(), with_days(("2026-03-06", "holiday")), NOW) == []
    assert moves(opened(), with_days(), NOW) == []


def test_a_year_announced_as_expected_only_ends_what_was_provisional() -> None:
    at = parse_instant("2026-12-30T10:00:00+08:00")
    story = Story().open(at)
    assert story.ticket.running["reply_due"].provisional
    expected = WORLD.calendar.with_year(2027, WORLD.calendar.year(2027).days)
    due = story.clocks["reply_due"]
    [fact] = moves(story, expected, at + timedelta(hours=1))
    assert (fact.before, fact.deadlines[0].due_at, fact.deadlines[0].provisional) == (
        due, due, False,
    )  # fmt: skip
    assert not story.ticket.running["reply_due"].provisional


def test_the_lateness_of_a_reply_is_measured_at_the_moved_due() -> None:
    story = opened()
    moves(story, with_days(("2026-03-04", "holiday")), NOW)
    story.says(SOLVE, march(3)).says(REOPEN, march(3, "12:00:00"))
    assert story.clocks["reply_due"] == end_of(5)
    story.says(Reply(promised_at=march(9), by=BY_DISTRIBUTOR), march(5))
    assert "late" not in story.ticket.history[-1].more
