"""`jicai serve` and `jicai migrate`: services with time of their own (正式运行)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jicai.rooms import chosen
from jicai.server import run, serve
from shared.runtime.house import House
from shared.runtime.settings import Settings
from shared.runtime.time import DatabaseTime
from shared.runtime.web import create_app
from shared.store.embedded import EmbeddedPostgres
from shared.store.policy_files import policy_from


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, bool]]:
    """The database to use, and whether it is the embedded one."""
    if settings.database_url:
        yield settings.database_url, False
        return
    with EmbeddedPostgres(settings.data / "pg") as server:
        yield server.start(), True


def run_services(
    name: str,
    settings: Settings,
    *,
    on_ready: Callable[[str], None] = lambda url: print(f"ready {url}", flush=True),
) -> None:
    """Serve one service or all until stopped."""
    with database(settings) as (dsn, embedded):
        run(_serve(name, settings, dsn, embedded, on_ready))


async def _serve(
    name: str, settings: Settings, dsn: str, embedded: bool, on_ready: Callable[[str], None]
) -> None:
    house = _house(name, settings, dsn)
    if embedded:
        await _house("all", settings, dsn).migrate()
    await house.start()
    app = create_app(
        house.rooms,
        trust_actor_header=settings.trust_actor_header,
        readiness=house.readiness,
    )
    await serve(app, host=settings.host, port=settings.port, on_ready=on_ready, on_stop=house.stop)


def run_migrate(settings: Settings) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied, by service."""
    with database(settings) as (dsn, _):
        return asyncio.run(_house("all", settings, dsn).migrate())


def _house(name: str, settings: Settings, dsn: str) -> House:
    return House(dsn, chosen(name), DatabaseTime(), policy_from(settings.policy))
