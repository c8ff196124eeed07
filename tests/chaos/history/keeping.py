"""One service as a supervisor keeps it: a process on a fixed port, started again whenever it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2

from shared.store.embedded_processes import dies_with_us
from shared.testing.broker_process import free_port

PAUSE = 0.5
"""What a supervisor waits before it starts again what has ended."""
ORDERLY = 20.0
"""Who has not ended so long after SIGTERM hangs."""


class Kept:
    """`jicai serve` of one service."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name, self.port = name, free_port()
        self._environment, self._log = environment, log
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._asking = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=4)
        self.ends: list[str] = []
        """How it ended where nobody had told it to."""
        self.hung = 0
        """How often an orderly end took too long."""

    def start(self) -> None:
        """Begin to run, and be kept running."""
        self._wanted = True
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jicai", "serve", self.name, "--port", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(self._environment),
                preexec_fn=dies_with_us(signal.SIGKILL),
            )  # fmt: skip

    async def keep_up(self) -> None:
        """Start it again where it has ended by itself."""
        if self._wanted and self._process is not None and self._process.poll() is not None:
            self.ends.append(f"{self.name} ended with {self._process.returncode}")
            await asyncio.sleep(PAUSE)
            if self._wanted and self._process.poll() is not None:
                self.start()

    def send(self, number: signal.Signals) -> None:
        """A signal to the process, if there is one."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone; it stays away until it is started."""
        self._wanted = False
        self.send(signal.SIGKILL)
        await self._gone()

    async def end(self) -> None:
        """SIGTERM; who hangs is killed."""
        self._wanted = False
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)
        began = time.monotonic()
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() - began > ORDERLY:
                self.hung += 1
                self.send(signal.SIGKILL)
                break
            await asyncio.sleep(0.05)
        await self._gone()

    async def _gone(self) -> None:
        while self._process is not None and self._process.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def readiness(self) -> str:
        """Empty when it is ready; else what is wrong."""
        try:
            answer = await self._asking.get("/readyz")
        except httpx2.HTTPError as error:
            return f"{type(error).__name__}"
        return "" if answer.status_code == 200 else str(answer.json().get("wrong", answer.text))

    async def close(self) -> None:
        """The process is killed, the client closed."""
        await self.kill()
        with contextlib.suppress(Exception):
            await self._asking.aclose()

    def said(self) -> str:
        """What it has logged."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""
