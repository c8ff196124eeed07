"""Mutants of rules: figures in any order of the facts, thresholds, the ladder, who must be two."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_RATES: Final = "shared/kernel/rates.py"
_DUES: Final = "tests/orders/test_dues.py"
_RATE_TESTS: Final = "tests/shared/kernel/test_rates.py"

MUTANTS: Final = (
    Mutant(
        "dropped-late-fact",
        "A step of a delivery that is heard behind a later one is thrown away.",
        (
            Change(
                "services/alerts/domain/line.py",
                "if any(step.version == new.version for step in known):",
                "if any(step.version >= new.version for step in known):",
            ),
        ),
        ("tests/alerts/test_line.py::test_any_order_and_any_repetition_give_the_same_value",),
    ),
    Mutant(
        "last-answer-stands",
        "Of two answers to a line the one that is heard last counts.",
        (
            Change(
                "services/alerts/domain/line.py",
                "case Answer() if answer is None or part.version < answer.version:",
                "case Answer() if answer is None or part.version != answer.version:",
            ),
        ),
        ("tests/alerts/test_line.py::test_any_order_and_any_repetition_give_the_same_value",),
    ),
    Mutant(
        "in-time-is-late",
        "An acceptance at the very instant of its deadline is late.",
        (
            Change(
                "services/alerts/domain/outcome.py",
                "facts.answer is not None and facts.answer.at <= terms.answer_due",
                "facts.answer is not None and facts.answer.at < terms.answer_due",
            ),
        ),
        ("tests/alerts/test_outcome.py::test_an_acceptance_exactly_at_48_h_is_in_time",),
    ),
    Mutant(
        "rounded-up",
        "A rate is rounded up where the rule rounds down.",
        (
            Change(
                _RATES,
                "self.numerator * 10_000 // self.denominator",
                "-(-self.numerator * 10_000 // self.denominator)",
            ),
        ),
        (_RATE_TESTS,),
    ),
    Mutant(
        "at-the-threshold",
        "A rate that stands exactly at its threshold is below it.",
        (
            Change(
                _RATES,
                "self.numerator * 100 < percent * self.denominator",
                "self.numerator * 100 <= percent * self.denominator",
            ),
        ),
        (_RATE_TESTS, "tests/alerts/test_threshold.py"),
    ),
    Mutant(
        "alerts-again",
        "A close raises an alert that is open already.",
        (
            Change(
                "services/alerts/domain/threshold.py",
                'return None if is_open else "raise"',
                'return "raise"',
            ),
        ),
        ("tests/alerts/test_threshold.py",),
    ),
    Mutant(
        "escalation-skips",
        "A ticket goes from the county to the province at once.",
        (
            Change(
                "services/feedback/domain/ladder.py",
                "return ladder[place + 1] if place + 1 < len(ladder) else None",
                "return ladder[-1] if place + 1 < len(ladder) else None",
            ),
        ),
        (
            "tests/feedback/test_passing_rules.py"
            "::test_a_ticket_nobody_answers_stands_at_the_province_hop_by_hop",
        ),
    ),
    Mutant(
        "pays-alone",
        "Who approved a statement may order its payment too.",
        (
            Change(
                "services/settlement/domain/stepping.py",
                "if person == state.approved_by:",
                "if False:",
            ),
        ),
        (
            "tests/settlement/test_statement_rules.py"
            "::test_who_approved_never_pays_and_is_told_so_first",
        ),
    ),
    Mutant(
        "crowd-without-lock",
        "Two owners hear of one product at once, and neither counts the other's ticket.",
        (
            Change(
                "services/alerts/consumer/concentration.py",
                "behind_locks(tx, room, [], last, locks=locks)",
                "behind_locks(tx, room, [], last, locks=locks[:0])",
            ),
        ),
        (
            "tests/alerts/test_crowds_db.py"
            "::test_two_owners_who_hear_of_one_product_at_once_tell_of_it_once",
        ),
    ),
    Mutant(
        "published-in-flight",
        "A publication is issued while a fold is under way, which then changes what it says.",
        (
            Change(
                "services/alerts/api/publishing.py",
                "        await hold_off_folds(tx)\n",
                "",
            ),
        ),
        ("tests/alerts/test_publishing.py::test_issuing_waits_for_the_fold_that_has_begun",),
    ),
    Mutant(
        "calendar-of-now",
        "What passed before a year was loaded is counted by the calendar that came later.",
        (
            Change(
                "services/feedback/api/loading.py",
                "    await apply_due(tx, room.desk.kit, head, now)\n",
                "",
            ),
        ),
        ("tests/feedback/test_calendar_moves.py",),
    ),
    Mutant(
        "late-at-the-limit",
        "What reaches us exactly a day late is judged by when it reached us.",
        (
            Change(
                "services/orders/domain/dues.py",
                "now - occurred_at <= late_after",
                "now - occurred_at < late_after",
            ),
        ),
        (f"{_DUES}::test_what_is_reported_a_day_late_is_judged_when_it_happened",),
    ),
    Mutant(
        "grace-without-its-end",
        "A receipt recorded at the end of its days of grace says nothing of the arrival.",
        (
            Change(
                "services/orders/domain/dues.py",
                "if receipt.recorded <= grace:",
                "if receipt.recorded < grace:",
            ),
        ),
        (f"{_DUES}::test_the_receipts_word_counts_to_the_end_of_the_third_working_day",),
    ),
    Mutant(
        "due-sooner",
        "A hospital's wish brings the delivery due forward.",
        (
            Change(
                "services/orders/domain/dues.py",
                "return due if required_by is None else max(due, required_by)",
                "return due if required_by is None else required_by",
            ),
        ),
        (f"{_DUES}::test_a_delivery_is_due_by_its_hospital_and_by_what_was_asked",),
    ),
)
