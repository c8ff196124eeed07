"""`jicai keys`: keys of callers (访问密钥) are made, listed and revoked here, never over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from shared.kernel.clock import local_text
from shared.runtime.actors import Actor, parse_actor
from shared.runtime.settings import Settings
from shared.store.access.keys import KeyRow, add_key, list_keys, revoke_key
from shared.store.access.sealing import Sealing

T = TypeVar("T")

LIVE_USUAL = 2
"""One in use, and one that takes over: more than that is a key somebody forgot to revoke."""

keys = typer.Typer(help="访问密钥: 生成、列出、吊销", no_args_is_help=True)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="内嵌数据库的目录; 省略则为 JICAI_DATA")
]


@keys.command()
def add(
    actor: Annotated[str, typer.Argument(help="角色:机构[/经办人], 如 hospital:H36010200001")],
    sha256: Annotated[bool, typer.Option("--sha256", help="用 SHA-256 代替 SM3")] = False,
    data: DataOption = None,
) -> None:
    """生成一个密钥; 私密部分只显示这一次."""
    whose = _actor(actor)
    settings = _settings(data)
    sealing = _sealing(settings)
    algorithm = "sha256" if sha256 else "sm3"

    async def work(connection: Any) -> tuple[Any, int]:
        made = await add_key(connection, str(whose), algorithm, sealing)
        mine = [row for row in await list_keys(connection) if row.actor == str(whose)]
        return made, sum(row.revoked_at is None for row in mine)

    made, live = _with_database(settings, work)
    typer.echo(f"已生成密钥 / key added: {whose}")
    typer.echo(f"key: {made.key}")
    typer.echo(f"secret: {made.secret}")
    typer.echo(f"algorithm: {algorithm}")
    typer.echo("请立即妥善保存: 不会再次显示 / keep them now: they are not shown again")
    if live > LIVE_USUAL:
        typer.echo(
            f"注意: 该主体已有 {live} 个有效密钥, 轮换后请吊销旧的 / "
            f"{live} live keys: revoke the old ones after a rotation",
            err=True,
        )


@keys.command(name="list")
def list_(data: DataOption = None) -> None:
    """列出全部密钥, 不含私密部分."""
    rows = _with_database(_settings(data), list_keys)
    if not rows:
        typer.echo("没有密钥 / no keys")
        return
    _print_table(rows)


@keys.command()
def revoke(key: Annotated[str, typer.Argument(help="密钥编号")], data: DataOption = None) -> None:
    """吊销一个密钥; 数秒内在所有进程生效."""
    row = _with_database(_settings(data), lambda connection: revoke_key(connection, key))
    if row is None:
        typer.echo(f"没有密钥 {key} / no such key", err=True)
        raise typer.Exit(1)
    typer.echo(f"已吊销 / revoked: {row.key} ({row.actor})")


def _actor(text: str) -> Actor:
    try:
        return parse_actor(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"应为 角色:机构[/经办人], 如 hospital:H36010200001 ({error})", param_hint="ACTOR"
        ) from None


def _settings(data: Path | None) -> Settings:
    return Settings() if data is None else Settings(data=data, database_url=None)


def _sealing(settings: Settings) -> Sealing:
    secret = settings.secrets_key
    return Sealing(secret.get_secret_value() if secret else None)


def _with_database(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """Do it as owner; an embedded database that nobody runs is started for it."""
    from jicai.running import reached_database
    from shared.runtime.access import check_access, migrate_access

    async def run(dsn: str, embedded: bool) -> T:
        if embedded:
            await migrate_access(dsn)
        elif wrong := await check_access(dsn):
            what = "; ".join(wrong.values())
            typer.echo(f"请先运行 jicai migrate / run `jicai migrate` first: {what}", err=True)
            raise typer.Exit(3)
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    with reached_database(settings) as (dsn, embedded):
        return asyncio.run(run(dsn, embedded))


def _print_table(rows: list[KeyRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="访问密钥 / keys")
    for heading in ("密钥 key", "主体 actor", "经办人 person", "算法", "加密存放", "生成", "吊销"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        whose = parse_actor(row.actor)
        table.add_row(
            row.key,
            f"{whose.role}:{whose.organisation}",
            whose.person or "",
            row.algorithm,
            "是" if row.sealed else "否",
            local_text(row.created_at)[:19],
            local_text(row.revoked_at)[:19] if row.revoked_at else "有效 live",
        )
    # A log file or a pipe has no width of its own: nothing is folded there.
    Console(width=None if Console().is_terminal else 200).print(table)
