"""`jicai rebuild`: a service's read model made anew beside the running service (重建读模型)."""

from __future__ import annotations

import asyncio

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from jicai.rooms import SERVICES
from jicai.running import reached_database
from jicai.topics import address_of
from shared.bus.wire import PARTITIONS
from shared.runtime.desk import UNAVAILABLE
from shared.runtime.rebuilding import Busy, Rebuild, Report, Told
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.store.database import BUS_ROLE, open_pool
from shared.store.locks import REBUILD_CLASS, singleton
from shared.store.reader import LogReader


def run_rebuild(settings: Settings, name: str, *, check: bool) -> int:
    """Rebuild, or only compare; the exit code: 0 well, 1 rows differ (check), 2 could not."""
    service = SERVICES.get(name)
    if service is None or service.read_model is None:
        typer.echo(f"{name} 没有可重建的读模型 / has no read model", err=True)
        return 2
    address = address_of(settings)
    partitions = PARTITIONS if address is None else address.partitions
    with reached_database(settings) as (dsn, _):
        try:
            report = asyncio.run(_rebuild(dsn, service, partitions, check=check))
        except Busy:
            typer.echo(
                "表一直被占用, 未切换, 请在空闲时再试 / the tables were never free", err=True
            )
            return 2
        except UNAVAILABLE as error:
            what = str(error) or type(error).__name__
            typer.echo(f"数据库不可用, 未切换 / the database went away: {what}", err=True)
            return 2
    if report is None:
        typer.echo(f"{name} 正在重建 / is being rebuilt by another process", err=True)
        return 2
    _print(name, report)
    return int(check and any(report.differing.values()))


async def _rebuild(dsn: str, service: Service, partitions: int, *, check: bool) -> Report | None:
    pool = await open_pool(dsn, "public", size=2, role=BUS_ROLE)
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        if not await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, $2)", REBUILD_CLASS, singleton(service.name, "rebuild")
        ):
            return None
        with _progress() as progress:
            rebuild = Rebuild(
                connection, LogReader(pool), service, partitions=partitions, tell=_teller(progress)
            )
            return await rebuild.run(switch=not check)
    finally:
        await connection.close()
        await pool.close()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _teller(progress: Progress) -> Told:
    """One line for the facts taken, one for each table compared."""
    tasks: dict[str, TaskID] = {}

    def tell(phase: str, done: int, of: int) -> None:
        if phase not in tasks:
            words = "事实 facts" if phase == "facts" else f"比对 {phase}"
            tasks[phase] = progress.add_task(words, total=of or None)
        progress.update(tasks[phase], completed=done)

    return tell


def _print(name: str, report: Report) -> None:
    table = Table(title=f"{name}: {report.facts} 个事实 / facts")
    for heading in ("表 table", "行数 rows", "不同 differ", "例 examples"):
        table.add_column(heading, overflow="fold")
    for one, rows in report.rows.items():
        examples = " ".join("/".join(key) for key in report.examples.get(one, []))
        table.add_row(one, str(rows), str(report.differing[one]), examples)
    console = Console()
    console.print(table)
    for fact, reason in report.left_out:
        console.print(f"未计入 / left out: {fact.stream} v{fact.version} {fact.type}: {reason}")
    console.print("已切换 / switched" if report.switched else "未切换 / not switched")
