"""Mutants of keeping and mending: rebuild, restore, the bounds of the door."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_COVERAGE: Final = "shared/runtime/coverage.py"
_TWINS: Final = "shared/store/twins.py"
_REBUILDING: Final = "tests/alerts/test_rebuilding_beside.py"
_PLACES: Final = "jicai/restore_places.py"

MUTANTS: Final = (
    Mutant(
        "rebuild-runs-ahead",
        "A rebuild takes facts that its service has not taken yet.",
        (
            Change(
                _COVERAGE,
                "        return place_of(record.place) <= reached",
                "        return place_of(record.place) <= reached or bool(self.places)",
            ),
        ),
        (
            f"{_REBUILDING}::test_while_facts_come_in_and_days_close_rows_and_alerts_are_as_without_it",
        ),
    ),
    Mutant(
        "rebuild-switches-unheld",
        "Tables are switched while a fold writes them.",
        (
            Change(
                _TWINS,
                'f"LOCK TABLE {self.live}.{table.name} IN {mode} MODE"',
                'f"LOCK TABLE {self.live}.{table.name} IN ACCESS SHARE MODE"',
            ),
        ),
        (f"{_REBUILDING}::test_a_fold_in_the_moment_of_the_switch_is_not_lost[held]",),
    ),
    Mutant(
        "rebuild-forgets-the-published",
        "A row that comes out otherwise takes its published form with it.",
        (
            Change(
                _TWINS,
                "                await self._keep(table)\n",
                "                pass\n",
            ),
        ),
        ("tests/alerts/test_rebuilding_published.py",),
    ),
    Mutant(
        "answers-see-through-the-switch",
        "An answer of several statements does not hold the tables that it reads.",
        (
            Change(
                "services/alerts/api/reading.py",
                "        await hold_tables(connection)\n",
                "",
            ),
        ),
        (
            f"{_REBUILDING}::test_an_answer_of_several_statements_never_sees_a_table_that_was_switched_behind_it",
        ),
    ),
    Mutant(
        "restore-keeps-the-epoch",
        "A restored log goes on under the epoch of before: old cursors look right.",
        (
            Change(
                _PLACES,
                "timestamptz '2026-01-01Z')::int) + 1 RETURNING epoch",
                "timestamptz '2026-01-01Z')::int) * 0 + $1::int RETURNING epoch",
            ),
        ),
        ("tests/restore/test_places.py",),
    ),
    Mutant(
        "a-rate-that-never-counts",
        "What an organisation sends is not counted.",
        (
            Change(
                "shared/runtime/limits.py",
                "        if not self._rate.per_second or not cost:\n            return\n",
                "        return\n",
            ),
        ),
        ("tests/hostile/test_rate_limits.py",),
    ),
)
