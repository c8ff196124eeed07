"""The verdict on a mutant: caught by a test, survived, or not judged at all."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Literal, NamedTuple

from tests.mutants.mutant import Moved, Mutant
from tests.mutants.running import Report, run_tests
from tests.mutants.tree import copy_tree

Word = Literal["caught", "survived", "not judged"]


class Verdict(NamedTuple):
    """What became of a mutant: who caught it, or why nobody can tell; and how long it took."""

    mutant: Mutant
    word: Word
    by: str
    seconds: float


def judge(mutant: Mutant, project: Path, before: Report) -> Verdict:
    """Let it live in a tree of its own and run its tests there, up to the first that fails.

    `before` tells how the tests end without it: one that fails anyway would catch nothing.
    """
    began = time.monotonic()
    if failing := before.fails(mutant.caught_by):
        return Verdict(mutant, "not judged", f"fails without it: {', '.join(failing)}", 0)
    with tempfile.TemporaryDirectory(prefix=f"mutant-{mutant.name}-") as place:
        tree = Path(place) / "tree"
        copy_tree(project, tree)
        try:
            mutant.apply(tree)
        except Moved as moved:
            return Verdict(mutant, "not judged", str(moved), time.monotonic() - began)
        word, by = word_on(run_tests(tree, mutant.caught_by, "-x"))
    return Verdict(mutant, word, by, time.monotonic() - began)


def word_on(report: Report) -> tuple[Word, str]:
    """Only a test that ran and failed has caught it; one that could not even begin says nothing."""
    if report.exit_code == 1 and report.failed and not report.broken:
        return "caught", f"{report.failed[0]}\n{report.words[report.failed[0]]}"
    if report.exit_code == 0 and report.passed:
        return "survived", f"{len(report.passed)} tests pass"
    what = ", ".join(report.broken) or f"pytest ended with {report.exit_code}"
    return "not judged", f"{what}\n{report.said[-3000:]}"
