"""`python -m tests.mutants [NAME...]`: each promise is broken in turn, and the suite must notice."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from textwrap import indent

from tests.mutants.judging import Verdict, judge
from tests.mutants.mutant import Mutant
from tests.mutants.register import MUTANTS
from tests.mutants.running import Report, knows_only, run_tests
from tests.mutants.tree import copy_project


def main() -> int:
    """0 where every mutant asked for was caught."""
    asked = _arguments()
    mutants = [MUTANTS[name] for name in asked.names or MUTANTS]
    if asked.list:
        for mutant in mutants:
            print(f"{mutant.name:<26} {mutant.breaks}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        project = Path(place) / "project"
        project.mkdir()
        copy_project(project)
        if not knows_only(project):
            print("the copy would be tested with the product of another place", file=sys.stderr)
            return 1
        before = _unmutated(project, mutants, asked.jobs)
        if before.exit_code not in (0, 1):
            print(f"{before.said}\nthe tests do not run on the code as it is", file=sys.stderr)
            return 1
        verdicts = _judged(project, mutants, before, asked.jobs)
    _table(verdicts)
    return 0 if all(verdict.word == "caught" for verdict in verdicts) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all where none is named")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2), help="so many at a time")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in MUTANTS]
    if unknown:
        parser.error(f"no such mutant: {', '.join(unknown)} (see --list)")
    return asked


def _unmutated(project: Path, mutants: Sequence[Mutant], jobs: int) -> Report:
    """Every test that is to fail later, on the code as it is: there it must pass."""
    tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.caught_by))
    print(
        f"{len(mutants)} mutants; first their {len(tests)} tests on the code as it is", flush=True
    )
    report = run_tests(project, tests, "-n", str(jobs), "--dist", "loadscope")
    if report.exit_code == 1:
        print(report.said)
    return report


def _judged(project: Path, mutants: Sequence[Mutant], before: Report, jobs: int) -> list[Verdict]:
    """The verdicts in the order of the mutants; each is told when it is there."""
    verdicts: dict[str, Verdict] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(judge, one, project, before) for one in mutants]):
            verdict = future.result()
            verdicts[verdict.mutant.name] = verdict
            said = f"{len(verdicts)}/{len(mutants)} {verdict.mutant.name}: {verdict.word}"
            print(f"{said}, {verdict.seconds:.0f} s", flush=True)
            print(indent(verdict.by, "    "), flush=True)
    return [verdicts[mutant.name] for mutant in mutants]


def _table(verdicts: Sequence[Verdict]) -> None:
    print()
    for mutant, word, by, seconds in verdicts:
        print(f"{mutant.name:<26} {word:<10} {seconds:5.0f} s  {by.splitlines()[0]}")
        if word != "caught":
            print(f"{'':<26} {mutant.breaks}")
    caught = sum(verdict.word == "caught" for verdict in verdicts)
    print(f"{caught} of {len(verdicts)} mutants caught")


if __name__ == "__main__":
    sys.exit(main())
