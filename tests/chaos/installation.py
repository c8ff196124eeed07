"""An installation as operators run it: one process a service, a database, a broker; and what kills it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from shared.testing.broker import Broker
from shared.testing.broker_container import container_broker
from shared.testing.broker_process import ProcessBroker
from tests.chaos.killing import wait_until

OPS = "ops:360000"


@contextmanager
def own_broker() -> Iterator[Broker]:
    """A broker of this test alone, even where one is given: it is killed, and its topics are new."""
    broker: Broker = container_broker({}) or ProcessBroker({})
    try:
        yield broker
    finally:
        broker.remove()


class Server:
    """One `jicai serve` process; what it logs is kept."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jicai", "serve", name, "--port", "0"],
                stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready http://"), f"{name} said {line!r}: {log.read_text()[-2000:]}"
        self.url = line.split()[1]
        self._asking = self.client()

    def client(self, actor: str = OPS) -> httpx2.Client:
        """Speaks as this actor."""
        return httpx2.Client(base_url=self.url, headers={"X-Jicai-Actor": actor}, timeout=20)

    def get(self, path: str, **query: Any) -> Any:
        """One document, asked by operations."""
        answer = self._asking.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def readiness(self) -> tuple[int, dict[str, str]]:
        """The status of /readyz, and what it names."""
        answer = self._asking.get("/readyz")
        return answer.status_code, answer.json().get("wrong", {})

    def said(self, event: str) -> list[dict[str, Any]]:
        """What it has logged under this name."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if f'"event": "{event}"' in line]

    def send(self, number: signal.Signals) -> None:
        """A signal to this process."""
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self._gone()

    def stop(self) -> None:
        """An orderly end; one that sleeps or hangs is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(ProcessLookupError):
                self.send(signal.SIGCONT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(20)
        self._asking.close()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Installation:
    """The processes over one database and one broker."""

    def __init__(self, dsn: str, bootstrap: str | None, place: Path) -> None:
        self._place = place
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("JICAI_")},
            "JICAI_DATABASE_URL": dsn,
            "JICAI_TRUST_ACTOR_HEADER": "true",
            "PYTHONUNBUFFERED": "1",
        }
        self._kafka = {} if bootstrap is None else {"JICAI_KAFKA_BOOTSTRAP": bootstrap}
        self.servers: list[Server] = []

    def command(self, *words: str) -> str:
        """Run one `jicai` command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "jicai", *words],
            capture_output=True, text=True, env=self._environment | self._kafka, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, name: str, *, over_the_log_bus: bool = False) -> Server:
        """Start one service; it is ready to be asked when this returns."""
        environment = self._environment | ({} if over_the_log_bus else self._kafka)
        log = self._place / f"{name}-{len(self.servers)}.log"
        server = Server(name, environment, log)
        self.servers.append(server)
        return server

    def stop(self) -> None:
        """End every process that still lives."""
        threads = [threading.Thread(target=server.stop) for server in self.servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@contextmanager
def installed(dsn: str, bootstrap: str, place: Path) -> Iterator[Installation]:
    """Schemas and topics in place; at the end no process is left."""
    installation = Installation(dsn, bootstrap, place)
    installation.command("migrate")
    installation.command("topics", "apply")
    try:
        yield installation
    finally:
        installation.stop()


def sleep_past(seconds: float) -> None:
    """Let a time-out of the broker's pass: nothing can be asked for it."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, seconds + 5, pause=0.05)
