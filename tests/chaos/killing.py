"""A sandbox over one data directory that is killed in several ways and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from shared.testing.sandbox import START, Sandbox

ORPHANING = (
    "import shared.store.embedded as e; e.PARENT_DEATH_SIGNAL = 0; import sys; "
    "sys.argv[0] = 'jicai'; from jicai.cli import main; main()"
)
"""The launcher without the kernel's help: killed, it leaves its PostgreSQL running."""


class Unavailable(Exception):
    """The request was not answered, or with 503: the sender does not know what became of it."""


def children(pid: int) -> list[int]:
    """The processes whose parent this one is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    """Whether it runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 30, *, pause: float = 0.01) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + seconds
    nothing = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        nothing.wait(pause)


class Undying:
    """The sandbox as its clients know it: gone now and then, back at another port."""

    def __init__(self, data: Path, now: str = START, *, orphans: bool = False) -> None:
        self.data, self.now, self.orphans = data, now, orphans
        self.kills = 0
        self.orphaned = 0
        self.sandbox: Sandbox = self._start()

    def _start(self) -> Sandbox:
        launcher = ["-c", ORPHANING] if self.orphans else ["-m", "jicai"]
        process = subprocess.Popen(
            [sys.executable, *launcher, "sandbox", "--port", "0", "--now", self.now,
             "--data", str(self.data)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://"), f"the sandbox said {line!r}"
        self._clients: dict[str | None, httpx2.Client] = {}
        return Sandbox(line.split()[1], process)

    @property
    def postmaster(self) -> int:
        """The PostgreSQL of the running sandbox."""
        [pid] = children(self.sandbox.process.pid)
        return pid

    def kill(self, how: str = "sandbox") -> None:
        """`kill -9`: of the sandbox, of it with its postmaster, or of every process there is."""
        pids, postmaster = [self.sandbox.process.pid], 0
        with contextlib.suppress(ValueError):
            postmaster = self.postmaster
            if how in ("both", "all"):
                pids.insert(0, postmaster)
            if how == "all":
                pids += children(postmaster)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills += 1
        while alive(self.sandbox.process.pid):
            os.sched_yield()
        self.orphaned += alive(postmaster)

    def revive(self) -> None:
        """Start again over the same data, if it is dead."""
        if self.sandbox.process.poll() is None:
            # It was not it that failed, or the blow is still falling.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.sandbox.process.wait(1)
        if self.sandbox.process.poll() is not None:
            assert self.sandbox.process.stdout is not None
            self.sandbox.process.stdout.close()
            self.sandbox = self._start()

    def ask(self, actor: str | None, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request; Unavailable when nobody can say what became of it."""
        if actor not in self._clients:
            self._clients[actor] = self.sandbox.client(actor)
        try:
            answer = self._clients[actor].request(method, path, **options)
        except httpx2.TransportError as error:
            raise Unavailable from error
        if answer.status_code == 503:
            raise Unavailable(answer.text)
        assert answer.status_code < 500, answer.text
        return answer

    def insist(self, actor: str | None, method: str, path: str, **options: Any) -> Any:
        """The same again after every death, until it is answered."""
        for _ in range(30):
            try:
                answer = self.ask(actor, method, path, **options)
            except Unavailable:
                self.revive()
                continue
            assert answer.status_code in (200, 207, 422), answer.text
            return answer.json()
        raise AssertionError("never answered")

    def stop(self) -> None:
        """An orderly end, with whatever PostgreSQL is left over."""
        if self.sandbox.process.poll() is None:
            pids = children(self.sandbox.process.pid)
            self.sandbox.process.terminate()
            self.sandbox.process.wait(30)
            assert not any(alive(pid) for pid in pids)


@contextmanager
def undying(data: Path, now: str = START, *, orphans: bool = False) -> Iterator[Undying]:
    """A sandbox to be killed; at the end nothing of it is left running."""
    one = Undying(data, now, orphans=orphans)
    try:
        yield one
    except BaseException:
        one.kill("all")
        raise
    else:
        one.stop()
