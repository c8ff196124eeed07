"""`jicai import`: one file through one mapping into a running installation, with a report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jicai.client import Jicai, Problem, Unreachable
from jicai.imports.events import IdCollision
from jicai.imports.mapping import MappingError
from jicai.imports.rows import UnreadableFile
from jicai.imports.run import ImportReport, run_import
from jicai.signed import signed_by_environment

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def run_import_command(file: Path, mapping: str, url: str, actor: str, batch_size: int) -> int:
    """The exit code: 0 when every row was taken (or was there already), 1 else, 2 for a bad file.

    With JICAI_KEY and JICAI_SECRET in the environment it signs, else it says who it is by a header,
    which only a sandbox takes.
    """
    console = Console()
    try:
        auth = signed_by_environment()
        whose = actor if auth is None else None
        with (
            Jicai(url, whose, auth=auth) as client,
            Progress(*_COLUMNS, console=console) as progress,
        ):
            report = run_import(client, file, mapping, progress, batch_size=batch_size)
    except (IdCollision, MappingError, UnreadableFile, Problem, Unreachable, OSError) as error:
        console.print(f"[red]导入没有完成 / import failed[/red]: {error}")
        return 2
    show_report(report, console)
    return 0 if report.clean else 1


def show_report(report: ImportReport, console: Console) -> None:
    """What became of the file, in a few lines."""
    console.print(
        f"共 {report.rows:,} 行: 机构 {report.organisations:,}, 产品 {report.products:,}, "
        f"事件 {report.events:,}; 接收 {report.accepted:,}, 重复 {report.duplicate:,}, "
        f"拒绝 {sum(report.rejected.values()):,}; 用时 {report.seconds:.1f} 秒"
    )
    for rejection in report.first_rejections:
        console.print(f"  第 {rejection.row} 行 {rejection.code}: {rejection.detail}")
