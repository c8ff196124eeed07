"""A broker of our own: Kafka in KRaft mode in one Java process, small, on loopback, gone with us."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.store.embedded_processes import dies_with_us, spawn_in_lasting_thread
from shared.testing.broker_jars import broker_jars, find_java
from shared.testing.broker_talk import answers

_START_SECONDS = 90
_STOP_SECONDS = 10
_ATTEMPTS = 5

_JVM = (
    "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
    "-Djava.io.tmpdir=.",
)  # fmt: skip

Heap = tuple[int, int]
"""Megabytes of the heap at first and at most."""
SMALL: Final[Heap] = (96, 256)
"""Enough for a test; under a steady load it stops the broker for 100 ms once a minute."""

SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": "data",
    "auto.create.topics.enable": "false",
    # A broker that was killed waits out its old session before it may register again.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "250",
    "controlled.shutdown.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "log.index.size.max.bytes": "1048576",
    # Cleaning is quick to look; how soon a topic is dirty enough is the topic's own setting.
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.cleaner.io.buffer.size": "131072",
    "log.cleaner.backoff.ms": "250",
}
"""Fast to start and small; every one may be overridden."""


class BrokerDidNotStart(RuntimeError):
    """The broker's process ended or stayed silent; the text is the end of its log."""


class ProcessBroker:
    """One Kafka over one temporary directory, which outlives `kill` and goes with `remove`."""

    can_be_killed = True

    def __init__(
        self,
        properties: Mapping[str, str],
        *,
        listeners: Mapping[str, str] = {},
        heap: Heap = SMALL,
    ) -> None:
        """`listeners`: names of further doors and their protocols (`{"LOCKED": "SASL_SSL"}`)."""
        self._heap = [f"-Xms{heap[0]}m", f"-Xmx{heap[1]}m"]
        self._java, self._properties = find_java(), {**SETTINGS, **properties}
        self._protocols = listeners
        self.listeners: dict[str, str] = {}
        jars = broker_jars()
        self._place = Path(tempfile.mkdtemp(prefix="jicai-kafka-"))
        (self._place / "data").mkdir()
        # Everything is named relative to the place: no path then needs quoting.
        (self._place / "jars").symlink_to(jars)
        (self._place / "data" / "meta.properties").write_text(
            f"version=1\ncluster.id={_id()}\nnode.id=1\ndirectory.id={_id()}\n", "ascii"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = ""
        self._start_somewhere()

    @property
    def pid(self) -> int:
        """The process of the broker while it runs."""
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def _start_somewhere(self) -> None:
        """The first start: another program may take a free port before we do."""
        for attempt in range(1, _ATTEMPTS + 1):
            port, controller = free_port(), free_port()
            self.bootstrap = f"127.0.0.1:{port}"
            self.listeners = {name: f"127.0.0.1:{free_port()}" for name in self._protocols}
            self._write(controller)
            try:
                return self.start()
            except BrokerDidNotStart as error:
                if attempt == _ATTEMPTS or "Address already in use" not in str(error):
                    self.remove()
                    raise
        return None

    def _write(self, controller: int) -> None:
        doors = {"PLAINTEXT": self.bootstrap, **self.listeners}
        advertised = ",".join(f"{name}://{place}" for name, place in doors.items())
        further = "".join(f",{name}:{protocol}" for name, protocol in self._protocols.items())
        settings = {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"{advertised},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": advertised,
            **self._properties,
        }
        settings["listener.security.protocol.map"] += further
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self._place / "server.properties").write_text(lines, "ascii")

    def start(self) -> None:
        """Start on the same data and port, and wait until it answers; nothing when it runs."""
        if self._process is not None:
            return
        with (self._place / "broker.log").open("wb") as log:
            self._process = spawn_in_lasting_thread(
                [self._java, *self._heap, *_JVM, "-cp", "jars/*", "kafka.Kafka", "server.properties"],
                cwd=self._place, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                start_new_session=True, preexec_fn=dies_with_us(signal.SIGKILL),
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.bootstrap):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise BrokerDidNotStart(self._last_words())
            time.sleep(0.05)

    def _last_words(self) -> str:
        return (self._place / "broker.log").read_text("utf-8", "replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP: it holds its connections and answers nobody."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its data."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._place, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                os.kill(self._process.pid, number)
            self._process.wait(_STOP_SECONDS)
            self._process = None


def _id() -> str:
    """An id as Kafka writes them: a UUID in 22 characters."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def free_port() -> int:
    """A free port below those the kernel hands out.

    Among those a client that calls a dead broker may be given the broker's own port, and be
    connected to itself; the broker then cannot start again.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    while True:
        port = random.randrange(min(10_000, lowest // 2), lowest)  # noqa: S311 - a place, no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
