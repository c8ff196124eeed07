"""`jicai serve` and `jicai migrate`: services with time of their own (正式运行)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jicai.rooms import chosen
from jicai.server import run, serve
from jicai.topics import address_of
from shared.runtime.access import SCHEMA, check_access, migrate_access, open_access
from shared.runtime.house import House, NotServable
from shared.runtime.limits import rates
from shared.runtime.measuring import measuring_of
from shared.runtime.sent_body import Intake
from shared.runtime.settings import Settings
from shared.runtime.time import DatabaseTime, OffsetTime, Time
from shared.runtime.web import create_app
from shared.store.access.sealing import Sealing
from shared.store.embedded import DataDirectoryInUse, EmbeddedPostgres, running_dsn
from shared.store.policy_files import policy_from


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, bool]]:
    """The database to use, and whether it is the embedded one."""
    if settings.database_url:
        yield settings.database_url, False
        return
    with EmbeddedPostgres(settings.data / "pg") as server:
        yield server.start(), True


@contextmanager
def reached_database(settings: Settings) -> Iterator[tuple[str, bool]]:
    """The same for a command beside a running service: its embedded database is asked, not started."""
    try:
        with database(settings) as reached:
            yield reached
    except DataDirectoryInUse:
        yield running_dsn(settings.data / "pg"), True


def run_services(
    name: str,
    settings: Settings,
    *,
    on_ready: Callable[[str], None] = lambda url: print(f"ready {url}", flush=True),
) -> None:
    """Serve one service or all until stopped."""
    address_of(settings)  # what cannot be meant is refused before a database is started for it
    with database(settings) as (dsn, embedded):
        run(_serve(name, settings, dsn, embedded, on_ready))


async def _serve(
    name: str, settings: Settings, dsn: str, embedded: bool, on_ready: Callable[[str], None]
) -> None:
    house = _house(name, settings, dsn)
    if embedded:
        await _house("all", settings, dsn).migrate()
        await migrate_access(dsn)
    if wrong := await check_access(dsn):
        raise NotServable("; ".join(f"{name}: {what}" for name, what in wrong.items()))
    await house.start()
    secret = settings.secrets_key
    access = await open_access(
        dsn, house.time, secrets_key=secret.get_secret_value() if secret else None
    )

    async def readiness() -> dict[str, str]:
        return await house.readiness() or await access.readiness()

    async def stop() -> None:
        await house.stop()
        await access.close()

    app = create_app(
        house.rooms,
        trust_actor_header=settings.trust_actor_header,
        readiness=readiness,
        measure=measuring_of(house),
        access=access,
        limits=rates(
            requests=settings.rate_requests,
            body_bytes=settings.rate_bytes,
            events=settings.rate_events,
            burst_seconds=settings.rate_burst_seconds,
        ),
        intake=Intake(settings.bodies_bytes, settings.receive_seconds),
    )
    await serve(
        app,
        host=settings.host,
        port=settings.port,
        on_ready=on_ready,
        on_stop=stop,
        head_seconds=settings.receive_seconds,
    )


def run_migrate(settings: Settings) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied, by service."""
    with database(settings) as (dsn, _):
        return asyncio.run(_migrate(settings, dsn))


async def _migrate(settings: Settings, dsn: str) -> dict[str, list[str]]:
    applied = await _house("all", settings, dsn).migrate()
    return {**applied, SCHEMA: await migrate_access(dsn)}


def _house(name: str, settings: Settings, dsn: str) -> House:
    secret = settings.secrets_key
    return House(
        dsn,
        chosen(name),
        _time(settings),
        policy_from(settings.policy),
        kafka=address_of(settings),
        sealing=Sealing(secret.get_secret_value() if secret else None),
    )


def _time(settings: Settings) -> Time:
    file = settings.clock_offset_file
    return DatabaseTime() if file is None else OffsetTime(file)
