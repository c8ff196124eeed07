"""What is measured by asking the database (监控采集): at scrape time, briefly, never in the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from shared.bus.kafka import KafkaBus
from shared.events.topics import PUBLISHED_BY
from shared.runtime import metrics
from shared.runtime.desk import UNAVAILABLE
from shared.runtime.house import House
from shared.runtime.relay import GROUP
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.standing import Standing, horizon_age, standing_of

SECONDS: Final = 2.0
"""A scrape waits no longer for the database, however it hangs."""

Ends = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]
"""`(group, topics)`: the cursors at the ends of the bus, by partition (`KafkaBus.ends`)."""

log = structlog.get_logger()


class Measuring:
    """Sets the gauges that stand in the database; one that is away takes them off the page.

    A connection of its own for each scrape: a pool that is exhausted is just what must be seen.
    """

    def __init__(
        self, dsn: str, services: Sequence[Service], time: Time, *, ends: Ends | None = None
    ) -> None:
        self._dsn = dsn
        self._services = services
        self._time = time
        self._ends = ends
        self._asking = asyncio.Lock()

    async def __call__(self) -> None:
        """Ask and set; never raises for a database that does not answer."""
        if self._asking.locked():
            return  # another scrape is at it
        async with self._asking:
            try:
                async with asyncio.timeout(SECONDS):
                    await self._ask()
                metrics.DATABASE_UP.set(1)
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                log.warning("metrics.unavailable", error=f"{type(error).__name__}: {error}")
                metrics.DATABASE_UP.set(0)
                _show([], math.nan)

    async def _ask(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=SECONDS, server_settings={"application_name": "jicai-metrics"}
        )
        try:
            now = self._time.at(await connection.fetchval("SELECT clock_timestamp()"))
            found = [await self._standing(connection, service) for service in self._services]
            _show([(one, now) for one in found], await horizon_age(connection))
        finally:
            connection.terminate()

    async def _standing(self, connection: asyncpg.Connection, service: Service) -> Standing:
        ends = await self._ends_of(service)
        return await standing_of(
            connection, service.name, sources_of(service), relay=GROUP, ends=ends
        )

    async def _ends_of(self, service: Service) -> Mapping[str, str] | None:
        """Where the bus ends; nothing on the log bus, and an empty answer from a dead broker."""
        if self._ends is None:
            return None
        try:
            async with asyncio.timeout(SECONDS / 2):
                return await self._ends(service.name, service.topics)
        except Exception as error:  # the client's own, which only the bus may know
            log.warning("metrics.bus_unavailable", error=f"{type(error).__name__}: {error}")
            return {}


def measuring_of(house: House) -> Measuring:
    """What measures these services, over the bus that they travel on."""
    ends = None if house.kafka is None else KafkaBus(house.kafka).ends
    return Measuring(house.dsn, house.services, house.time, ends=ends)


def sources_of(service: Service) -> list[str]:
    """The logs a service listens to."""
    return [
        name
        for name, topics in PUBLISHED_BY.items()
        if name != service.name and set(topics) & set(service.topics)
    ]


def _show(standings: Sequence[tuple[Standing, datetime]], horizon: float) -> None:
    """All at once and nothing in between: what is not known any more leaves the page."""
    for gauge in metrics.FROM_DATABASE:
        gauge.clear()
    metrics.HORIZON_AGE.set(horizon)
    for found, now in standings:
        for topic, lag in found.lag.items():
            metrics.CONSUMER_LAG.labels(found.service, topic).set(lag)
        if found.relay_lag is not None:
            metrics.RELAY_LAG.labels(found.service).set(found.relay_lag)
        metrics.PARKED_KEYS.labels(found.service).set(found.parked_keys)
        metrics.HELD_PARTITIONS.labels(found.service).set(found.held_partitions)
        metrics.HELD_AGE.labels(found.service).set(_seconds_since(found.held_since, now))
        metrics.DEADLINE_OVERDUE.labels(found.service).set(_seconds_since(found.next_due, now))


def _seconds_since(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0
