"""`jicai backup`, `restore` and `recover` as operators type them (备份、恢复、恢复后核对)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.kernel.clock import local_text
from shared.runtime.settings import Settings

if TYPE_CHECKING:
    from jicai.backup import Progress
    from jicai.backup_manifest import Manifest

File = Annotated[Path, typer.Argument(help="备份文件, 如 jicai-20260105.tar")]


def backup(file: File) -> None:
    """备份: 全部服务与访问密钥在同一时刻的内容, 服务不停."""
    from jicai.backup import run_backup

    with _told(), _shown() as progress:
        manifest = run_backup(Settings(), file, progress)
    typer.echo(f"已备份 / saved: {file}, {_summary(manifest)}")


def restore(
    file: File,
    check: Annotated[bool, typer.Option("--check", help="只核对备份文件, 不恢复")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="删除数据库中已有的内容")] = False,
    database: Annotated[
        str | None, typer.Option("--database", help="与 --replace 同用: 该数据库的名称")
    ] = None,
) -> None:
    """恢复到空数据库, 服务须先停止; 每个日志进入新纪元, 旧游标失效."""
    from jicai.restore import run_check, run_restore

    if check:
        with _told(), _shown() as progress:
            manifest = run_check(file, progress)
        typer.echo(f"备份完好 / the backup is whole: {_summary(manifest)}")
        return
    if replace and database is None:
        database = typer.prompt("将删除已有内容, 请输入数据库名称 / type the database's name")
    with _told(), _shown() as progress:
        manifest = run_restore(Settings(), file, database if replace else None, progress)
    typer.echo(f"已恢复并核对 / restored and checked: {_summary(manifest)}")
    if Settings().kafka_bootstrap is not None:
        typer.echo("请运行 jicai recover 核对消息代理 / run `jicai recover`: the broker knows more")


def recover(
    accept: Annotated[
        bool, typer.Option("--accept", help="确认: 以日志为准, 从日志重新发布和读取")
    ] = False,
) -> None:
    """恢复后核对: 列出超前于日志的检查点, 以及主题上有而日志中没有的事实."""
    from jicai.recover import run_recover

    with _told():
        found = run_recover(Settings(), accept=accept)
    for sentence in found.sentences():
        typer.echo(sentence)
    raise typer.Exit(1 if found.is_ahead and not accept else 0)


def _summary(manifest: Manifest) -> str:
    at = local_text(manifest.taken_at)[:19]
    return f"{at}, {len(manifest.tables)} 张表 / tables, {manifest.rows:,} 行 / rows"


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be is told in one sentence."""
    from jicai.backup_manifest import Unusable

    try:
        yield
    except Unusable as error:
        typer.echo(f"未执行 / not done: {error}", err=True)
        raise typer.Exit(3) from None


@contextmanager
def _shown() -> Iterator[Progress]:
    """A bar on a terminal: a province's log takes minutes."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(name: str, number: int, count: int, rows: int) -> None:
            bar.update(task, completed=number, total=count, description=f"{name} {rows:,}")

        yield progress
