"""A sandbox in its own process, as an integrator runs it; tests speak HTTP to it and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

START = "2026-01-05T09:00:00+08:00"


@dataclass(slots=True)
class Sandbox:
    """A running sandbox."""

    url: str
    process: subprocess.Popen[str]

    def client(self, actor: str | None = None, **headers: str) -> httpx2.Client:
        """An HTTP client that speaks as this actor."""
        if actor is not None:
            headers["X-Jicai-Actor"] = actor
        return httpx2.Client(base_url=self.url, headers=headers, timeout=120)

    def move(self, now: str) -> dict[str, Any]:
        """Move the clock."""
        with self.client() as client:
            answer = client.post("/sandbox/v1/clock", json={"now": now})
            answer.raise_for_status()
            document: dict[str, Any] = answer.json()
            return document

    def settle(self) -> None:
        """Wait until every consumer has caught up."""
        with self.client() as client:
            client.post("/sandbox/v1/settle").raise_for_status()

    def kill(self) -> None:
        """`kill -9` of the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


_broker: str | None = None


@contextmanager
def sandboxes_over(bootstrap: str | None) -> Iterator[None]:
    """Let every sandbox that is started inside run over this broker, or over the log bus."""
    global _broker  # a test module is played on one bus and then on the other, its code unchanged
    before, _broker = _broker, bootstrap
    try:
        yield
    finally:
        _broker = before


@contextmanager
def running_sandbox(
    now: str = START, data: Path | None = None, policy: Path | None = None
) -> Iterator[Sandbox]:
    """Start `jicai sandbox` on a free port, stop it at the end."""
    command = [sys.executable, "-m", "jicai", "sandbox", "--port", "0", "--now", now]
    if data is not None:
        command += ["--data", str(data)]
    if policy is not None:
        command += ["--policy", str(policy)]
    if _broker is not None:
        command += ["--kafka", _broker]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://"), f"the sandbox said {line!r}"
        yield Sandbox(line.split()[1], process)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
