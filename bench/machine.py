"""The machine of a run: one durable PostgreSQL, programs in processes of their own, CPU clocks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.store.embedded import EmbeddedPostgres
from shared.testing.broker import BrokerMissing, running_broker

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # When a row became visible is asked of the database itself: nobody is instrumented.
    "track_commit_timestamp": "on",
}
"""As an installation would set them; both sides of every pair run on them."""
BROKER_HEAP = (1024, 1024)
"""So that no round holds a whole collection of the broker's: either side would wait for it."""
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """CPU seconds of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def cpu_of_self() -> float:
    """CPU seconds of this process."""
    return cpu_of(os.getpid())


def cpu_of_tree(pid: int) -> float:
    """CPU seconds of a process, its living children and those that have ended."""
    own = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    total = sum(int(x) for x in own[11:15]) / _TICK
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
            if int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


@dataclass(slots=True)
class Program:
    """A program that said `ready URL` and serves there until it is ended."""

    url: str
    process: subprocess.Popen[str]

    @property
    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def end(self) -> None:
        """Ask it to stop, and wait."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass(slots=True)
class Machine:
    """The database server and the programs started beside it."""

    server: EmbeddedPostgres
    directory: Path
    programs: list[Program] = field(default_factory=list)

    @property
    def database_cpu(self) -> float:
        """CPU seconds of the whole PostgreSQL."""
        assert self.server.pid is not None
        return cpu_of_tree(self.server.pid)

    def dsn(self, database: str) -> str:
        """The superuser's DSN for one database."""
        parts = urlsplit(self.server.start())
        return urlunsplit(parts._replace(path=f"/{database}"))

    async def create(self, database: str, template: str = "template1") -> str:
        """A new database, copied from another one nobody is connected to; returns its DSN."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        finally:
            await connection.close()
        return self.dsn(database)

    async def drop(self, database: str) -> None:
        """Remove a database with everything in it."""
        await self.execute("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    async def execute(self, database: str, *statements: str) -> None:
        """Run statements as the superuser, outside any measured stretch."""
        connection = await asyncpg.connect(self.dsn(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def fetch(self, database: str, query: str) -> Any:
        """One value, as the superuser."""
        connection = await asyncpg.connect(self.dsn(database))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    def run(self, *arguments: str, dsn: str, kafka: str = "") -> Program:
        """Start a Python module and wait until it is ready."""
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(dsn, kafka),
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            process.kill()
            raise RuntimeError(f"{arguments} said {line!r}")
        program = Program(line.split()[1], process)
        self.programs.append(program)
        return program

    def call(self, *arguments: str, dsn: str = "", kafka: str = "") -> str:
        """Run a Python module to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=_environment(dsn, kafka),
        )
        return done.stdout

    def end_programs(self) -> None:
        """End what was started, the last first."""
        while self.programs:
            self.programs.pop().end()


def _environment(dsn: str, kafka: str) -> dict[str, str]:
    ours = {
        "JICAI_DATABASE_URL": dsn,
        "JICAI_TRUST_ACTOR_HEADER": "true",
        "JICAI_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
        # One sender loads the whole program: what it takes is measured, not what one may send.
        **{f"JICAI_RATE_{what}": "0" for what in ("REQUESTS", "EVENTS", "BYTES")},
    }
    if kafka:
        ours["JICAI_KAFKA_BOOTSTRAP"] = kafka
    return {**os.environ, **ours}


@contextmanager
def broker() -> Iterator[str]:
    """A broker of our own, empty and gone afterwards; its `host:port`."""
    with running_broker(heap=BROKER_HEAP) as found:
        if not found.can_be_killed:
            raise BrokerMissing("JICAI_KAFKA_BOOTSTRAP is others' too; unset it to measure")
        yield found.bootstrap


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine with an empty durable PostgreSQL; nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="jicai-bench-") as place:
        server = EmbeddedPostgres(Path(place) / "pg", durable=True, settings=SETTINGS)
        found = Machine(server, Path(place))
        try:
            server.start()
            yield found
        finally:
            found.end_programs()
            server.remove()
