"""A child that halts at its riskiest moment and says so, so that a test may kill it or put it to sleep there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def halt(word: str) -> None:
    """In the child: say where we are, and go on when told."""
    print(word, flush=True)
    sys.stdin.readline()


class Child:
    """A program of the tests as a process of its own."""

    def __init__(self, module: str, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def heard(self) -> str:
        """The next line it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def hear_until(self, word: str) -> None:
        """Read on until a line has this in it."""
        while word not in (line := self.heard()):
            assert line, f"it ended without {word}"

    def go_on(self) -> None:
        """Let it leave its halt."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        """A signal to it."""
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait(20)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


@contextmanager
def child(module: str, *words: str) -> Iterator[Child]:
    """At the end it is dead."""
    process = Child(module, *words)
    try:
        yield process
    finally:
        process.kill()
