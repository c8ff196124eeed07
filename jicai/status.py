"""`jicai status`: whether the services serve and keep up, on one page (运行状况).

It asks the services' own doors, the database and the bus, each for a moment; whatever does not
answer is shown as such, and the rest is shown all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg
import httpx2
from rich.console import Console

from jicai.rooms import SERVICES
from jicai.status_findings import Door, Status
from jicai.status_table import show
from jicai.topics import address_of
from services.feedback.projections.standing import count_under_way
from shared.bus.kafka import KafkaBus
from shared.runtime.desk import UNAVAILABLE
from shared.runtime.measuring import Ends, sources_of
from shared.runtime.relay import GROUP
from shared.runtime.settings import Settings
from shared.store.embedded import running_dsn
from shared.store.standing import Standing, horizon_age, standing_of

_SECONDS: Final = 5.0


def run_status(settings: Settings, urls: Sequence[str], console: Console | None = None) -> int:
    """Ask, show; 0 when all is well, else 1."""
    found = asyncio.run(ask(settings, urls))
    faults = found.faults()
    show(found, faults, console or Console())
    return 1 if faults else 0


async def ask(settings: Settings, urls: Sequence[str]) -> Status:
    """Everything at one moment, as far as it answers."""
    found = Status(at=datetime.fromtimestamp(0, UTC))
    await _ask_database(found, settings)
    for url in urls or [f"http://{settings.host}:{settings.port}"]:
        await _ask_door(found, url.rstrip("/"))
    return found


async def _ask_door(found: Status, url: str) -> None:
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=_SECONDS) as client:
            names = (await client.get("/version")).json()["services"]
            ready = await client.get("/readyz", headers={"Accept-Language": "zh-CN"})
            wrong = not_well(ready)
    except (httpx2.HTTPError, ValueError, KeyError):
        found.silent.append(url)
        return
    for name in names:
        found.doors[name] = Door(url, wrong)


def not_well(ready: httpx2.Response) -> str:
    """Why it does not serve, or what somebody should look at although it does."""
    document = ready.json()
    if ready.status_code != 200:
        return str(document["detail"])
    return "; ".join(f"{name}: {what}" for name, what in document.get("notices", {}).items())


async def _ask_database(found: Status, settings: Settings) -> None:
    address = address_of(settings)
    bus = None if address is None else KafkaBus(address).ends
    try:
        dsn = settings.database_url or running_dsn(settings.data / "pg")
        connection = await asyncpg.connect(dsn, timeout=_SECONDS, command_timeout=_SECONDS)
    except FileNotFoundError:
        found.database = f"{settings.data} 中没有运行的内嵌数据库 / no embedded database runs there"
        return
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        found.database = f"不通 / does not answer ({type(error).__name__})"
        return
    try:
        found.at = await connection.fetchval("SELECT clock_timestamp()")
        found.horizon = await horizon_age(connection)
        for name in SERVICES:
            found.standings[name] = await _standing(found, connection, name, bus)
        found.tickets = await count_under_way(connection)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        found.database = "结构未更新, 请运行 jicai migrate / not migrated"
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        found.database = f"{type(error).__name__}: {error}"
    finally:
        connection.terminate()


async def _standing(
    found: Status, connection: asyncpg.Connection, name: str, bus: Ends | None
) -> Standing:
    """One service's backlog; a broker that does not answer once is not asked again."""
    service = SERVICES[name]
    ends: Mapping[str, str] | None = None if bus is None else {}
    if bus is not None and not found.bus:
        try:
            async with asyncio.timeout(_SECONDS):
                ends = await bus(name, service.topics)
        except Exception as error:  # the client's own, which only the bus may know
            found.bus = f"不通 / does not answer ({type(error).__name__})"
    return await standing_of(
        connection, name, sources_of(service), relay=GROUP, ends=ends, count_deadlines=True
    )
