"""The mutants still fit the code: what each changes stands there once, and its tests exist."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.mutants.judging import word_on
from tests.mutants.mutant import ROOT, Change, Moved, Mutant
from tests.mutants.register import MUTANTS
from tests.mutants.running import read_report


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fits_the_code_as_it_stands(name: str) -> None:
    """Its texts stand there exactly once, something changes, and what comes of it compiles."""
    for file, text in MUTANTS[name].files(ROOT).items():
        assert text != (ROOT / file).read_text("utf-8")
        if file.endswith(".py"):
            compile(text, file, "exec")


@cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


@pytest.mark.parametrize("name", MUTANTS)
def test_the_tests_that_catch_a_mutant_exist(name: str) -> None:
    assert MUTANTS[name].caught_by
    for test in MUTANTS[name].caught_by:
        file, _, function = test.partition("::")
        assert any(one.startswith("test_") for one in _functions(file))
        assert not function or function.partition("[")[0] in _functions(file)


def test_a_mutant_whose_text_has_moved_is_told_of() -> None:
    """Whether it stands there no more or twice: the run must not pass by changing nothing."""
    for text in ("no such text\n", "from"):
        moved = Mutant("m", "Nothing.", (Change("tests/mutants/mutant.py", text, ""),), ())
        with pytest.raises(Moved):
            moved.files(ROOT)


def a_report(*cases: str) -> str:
    """A JUnit report with one test for each of these."""
    inside = "".join(
        f'<testcase file="t.py" name="t{n}">{c}</testcase>' for n, c in enumerate(cases)
    )
    return f"<testsuites><testsuite>{inside}</testsuite></testsuites>"


FAILURE = '<failure message="assert 1 == 2">...</failure>'
SLEPT = '<failure message="Failed: Timeout (&gt;300.0s) from pytest-timeout.">...</failure>'
SKIPPED = '<skipped message="no broker">...</skipped>'
ERROR = '<error message="failed on setup with: SyntaxError">...</error>'


@pytest.mark.parametrize(
    ("cases", "exit_code", "word"),
    [
        (["", FAILURE], 1, "caught"),
        (["", ""], 0, "survived"),
        ([ERROR], 1, "not judged"),  # no test ran: the mutant is broken, not caught
        ([FAILURE, ERROR], 1, "not judged"),
        ([SLEPT], 1, "not judged"),
        ([SKIPPED], 0, "not judged"),
        ([], 5, "not judged"),
        ([FAILURE], 2, "not judged"),  # interrupted
        ([], -9, "not judged"),
    ],
)
def test_only_a_test_that_ran_and_failed_has_caught_a_mutant(
    cases: list[str], exit_code: int, word: str
) -> None:
    assert word_on(read_report(a_report(*cases), exit_code))[0] == word
