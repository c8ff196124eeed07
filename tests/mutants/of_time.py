"""Mutants of time: deadlines to the instant, marks by whoever finds them missing, days that end at 24:00."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_CLOCKWORK: Final = "shared/runtime/clockwork.py"
_JUDGING: Final = "shared/runtime/judging.py"
_TESTS: Final = "tests/shared/test_clockwork.py"
_DUE: Final = "if due is None or due > until:"

MUTANTS: Final = (
    Mutant(
        "early-timer",
        "A deadline passes a second before it is due.",
        (
            Change(
                _CLOCKWORK,
                "WHERE next_due <= $1 AND",
                "WHERE next_due <= $1::timestamptz + interval '1 second' AND",
            ),
            Change(_JUDGING, _DUE, "if due is None or (due - until).total_seconds() > 1:"),
        ),
        (f"{_TESTS}::test_nothing_fires_an_instant_before_it_is_due",),
    ),
    Mutant(
        "early-write",
        "Who writes to a stream finds a deadline passed that is due in a second.",
        (Change(_JUDGING, _DUE, "if due is None or (due - until).total_seconds() > 1:"),),
        (f"{_TESTS}::test_nothing_fires_an_instant_before_it_is_due",),
    ),
    Mutant(
        "late-timer",
        "At its own instant a deadline has not passed yet.",
        (Change(_JUDGING, _DUE, "if due is None or due >= until:"),),
        (f"{_TESTS}::test_behind_a_mark_everything_that_comes_due_fires",),
    ),
    Mutant(
        "mark-not-missed",
        "A writer that finds an instant passed without its mark writes all the same.",
        (
            Change(
                "shared/runtime/handling.py",
                "if head.next_mark is not None and now >= head.next_mark:",
                "if False:",
            ),
        ),
        (
            "tests/shared/test_marks.py"
            "::test_a_writer_that_finds_an_instant_passed_appends_its_mark_first",
        ),
    ),
    Mutant(
        "mark-before-timers",
        "A mark is appended before what is due by it has fired.",
        (
            Change(
                "shared/runtime/marks.py",
                "    await apply_due(tx, kit, head, at)\n",
                "",
            ),
            Change(
                "shared/runtime/marks.py",
                "        await fire_due(pool, kit, since_mark=since_mark)\n",
                "",
            ),
        ),
        (
            "tests/shared/test_marks.py"
            "::test_after_a_standstill_each_instant_has_one_mark_with_its_timers_before_it",
        ),
    ),
    Mutant(
        "due-day-off",
        "A deadline at 24:00 is counted on the day that begins then.",
        (
            Change(
                "shared/kernel/clock.py",
                "return local_day(due - _INSTANT_BEFORE)",
                "return local_day(due)",
            ),
        ),
        (
            "tests/shared/kernel/test_clock.py::test_midnight_begins_a_day_and_ends_a_deadline",
            "tests/alerts/test_outcome.py::test_a_deadline_at_24_belongs_to_the_day_it_ends",
        ),
    ),
    Mutant(
        "read-early",
        "Who reads in the last second before a deadline is told that it has passed.",
        (
            Change(
                "shared/kernel/decider.py",
                "(due := self.due(state)) is not None and due <= at",
                "(due := self.due(state)) is not None and (due - at).total_seconds() <= 1",
            ),
        ),
        ("tests/feedback/test_passing_rules.py::test_nothing_happens_an_instant_early",),
    ),
)
