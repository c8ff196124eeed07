"""The house under test (被测系统): PostgreSQL, a broker, four services as processes, proxies in front."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from jicai.rooms import SERVICES as ROOMS
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.runtime.access import migrate_access
from shared.runtime.house import House, topics_of
from shared.runtime.time import DatabaseTime
from shared.store.policy_files import shipped_policy
from shared.testing.broker import Broker
from shared.testing.broker_container import container_broker
from shared.testing.broker_process import ProcessBroker, free_port
from tests.chaos.history.clock import JumpingClock
from tests.chaos.history.keeping import Kept
from tests.chaos.history.postgres import KillablePostgres
from tests.chaos.history.proxy import Proxy

SERVICES = ("orders", "alerts", "feedback", "settlement")
DOORS = ("orders", "feedback", "settlement")
"""The services whose doors the parties use."""


class HouseUnderTest:
    """Everything that can be hurt, and how it is put up."""

    def __init__(self, place: Path, seed: int) -> None:
        self._place = place
        self.clock = JumpingClock(place / "offset")
        self.postgres = KillablePostgres(place / "database")
        self._broker: Broker | None = None
        self.services: dict[str, Kept] = {}
        self.proxies: dict[str, Proxy] = {}
        self._seed = seed
        self._environment: dict[str, str] = {}
        self._keeping: asyncio.Task[None] | None = None

    @property
    def broker(self) -> Broker:
        """The broker of this house alone."""
        assert self._broker is not None, "the house is not up"
        return self._broker

    async def put_up(self) -> None:
        """Schemas, topics, services; returns when every one is ready."""
        _, self._broker = await asyncio.gather(
            self.postgres.prepare(), asyncio.to_thread(_own_broker)
        )
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("JICAI_")},
            "JICAI_DATABASE_URL": self.postgres.dsn,
            "JICAI_KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "JICAI_TRUST_ACTOR_HEADER": "true",
            "JICAI_CLOCK_OFFSET_FILE": str(self.clock.file),
            "PYTHONUNBUFFERED": "1",
        }
        await asyncio.gather(self._migrate(), self._make_topics())
        for name in SERVICES:
            self.add(name, name)
        for number, name in enumerate(DOORS):
            proxy = Proxy(free_port(), self.services[name].port, self._seed + number)
            self.proxies[name] = proxy
            await proxy.start()
        self._keeping = asyncio.create_task(self._keep_up())
        async with asyncio.timeout(120):
            while await self.not_ready():  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.2)

    async def _migrate(self) -> None:
        """As `jicai migrate` does, without a process of its own."""
        rooms = House(self.postgres.dsn, list(ROOMS.values()), DatabaseTime(), shipped_policy())
        await rooms.migrate()
        await migrate_access(self.postgres.dsn)

    async def _make_topics(self) -> None:
        """As `jicai topics apply` does."""
        bus = KafkaBus(KafkaAddress(bootstrap=self.broker.bootstrap))
        await bus.apply_topics(topics_of(list(ROOMS.values())))

    def add(self, service: str, called: str) -> Kept:
        """A further process of a service, under a name of its own."""
        log = self._place / f"{called}.log"
        self.services[called] = Kept(service, self._environment, log)
        self.services[called].start()
        return self.services[called]

    async def drop(self, called: str) -> None:
        """Take a process away for good, in good order."""
        one = self.services.pop(called)
        await one.end()
        await one.close()

    async def command(self, *words: str) -> tuple[int, str]:
        """Run one `jicai` command to its end; its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jicai", *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )  # fmt: skip
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        assert process.returncode is not None
        return process.returncode, said.decode("utf-8", "replace")

    async def not_ready(self) -> dict[str, str]:
        """Which services are not ready, and why."""
        names = list(self.services)
        found = await asyncio.gather(*(self.services[name].readiness() for name in names))
        return {name: wrong for name, wrong in zip(names, found, strict=True) if wrong}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection]:
        """The database of the house, as its owner."""
        connection = await asyncpg.connect(self.postgres.dsn, timeout=3, command_timeout=20)
        try:
            yield connection
        finally:
            connection.terminate()

    async def end_services(self) -> None:
        """Every service ends in good order."""
        await asyncio.gather(*(one.end() for one in self.services.values()))

    async def pull_down(self) -> None:
        """Nothing is left."""
        if self._keeping is not None:
            self._keeping.cancel()
        for proxy in self.proxies.values():
            await proxy.stop()
        await asyncio.gather(*(one.close() for one in self.services.values()))
        # No threads here: who interrupts a run twice still leaves nothing behind.
        if self._broker is not None:
            with contextlib.suppress(Exception):
                self._broker.remove()
        self.postgres.remove()

    async def _keep_up(self) -> None:
        while True:
            await self.postgres.keep_up()
            for one in list(self.services.values()):
                await one.keep_up()
            await asyncio.sleep(0.2)


def _own_broker() -> Broker:
    return container_broker({}) or ProcessBroker({})
