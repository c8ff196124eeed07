"""Tests run in a tree of their own, and what their report says: who failed, and whether as a test fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from shared.store.embedded_processes import dies_with_us

SECONDS_MAX: Final = 900
"""Longer than any mutant's tests run on a slow machine: what takes longer hangs."""

_OVERSLEPT: Final = "from pytest-timeout"


class Report(NamedTuple):
    """How a run ended, in the order of the tests."""

    exit_code: int
    passed: list[str]
    failed: list[str]
    """Their assertions, or errors inside them: somebody noticed."""
    broken: list[str]
    """Not collected, not set up, or ended by a time limit: nobody can say that they noticed."""
    said: str
    words: dict[str, str]
    """What each that did not pass says of it, in a line."""

    def fails(self, tests: Iterable[str]) -> list[str]:
        """What did not pass of these tests, named by path or node id."""
        return [
            name
            for name in (*self.failed, *self.broken)
            if any(name == test or name.startswith((f"{test}::", f"{test}[")) for test in tests)
        ]


def run_tests(tree: Path, tests: Sequence[str], *options: str) -> Report:
    """Run these tests on this tree's code, in processes that know of no other."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
        f"--junitxml={report}", "-o", "junit_family=xunit1", *options, *tests,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=tree,
        # In front of everything that an installed project puts on the path.
        env=os.environ | {"PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=dies_with_us(signal.SIGKILL),  # also where we are killed ourselves
    )
    try:
        said, _ = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        said = f"ended after {SECONDS_MAX} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    xml = report.read_text("utf-8") if report.is_file() else "<testsuites/>"
    return read_report(xml, process.returncode, said)


def read_report(xml: str, exit_code: int, said: str = "") -> Report:
    """What a JUnit report tells of each test."""
    found = Report(exit_code, [], [], [], said, {})
    for case in ElementTree.fromstring(xml).iter("testcase"):
        name = f"{case.get('file')}::{case.get('name')}"
        error, failure = case.find("error"), case.find("failure")
        wrong = failure if error is None else error
        if wrong is None:
            if case.find("skipped") is None:
                found.passed.append(name)
            continue
        message = wrong.get("message", "")
        found.words[name] = next(iter(message.splitlines()), "")
        is_test = error is None and _OVERSLEPT not in message
        (found.failed if is_test else found.broken).append(name)
    return found


def knows_only(tree: Path) -> bool:
    """Whether a Python of ours finds the product in this tree and not in the working directory."""
    asked = (
        "import jicai, services, shared; print(jicai.__file__, services.__file__, shared.__file__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True,
    )  # fmt: skip
    return told.stdout.count(str(tree)) == 3
