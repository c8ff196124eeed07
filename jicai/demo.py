"""`jicai demo`: real history and a simulated province through the real doors, then the figures.

Everything goes over HTTP into a sandbox with its data under `.jicai/demo`, so what is shown can be
asked for again: `jicai sandbox --data .jicai/demo` opens the same province.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jicai.alert_tables import show_alerts
from jicai.client import Jicai
from jicai.imports.run import run_import
from jicai.province.play import go_on, play
from jicai.province.settling import ENDS_AT, POOL, errands
from jicai.province.story import write_story
from jicai.settlement_tables import show_settlement
from jicai.tables import show_addresses, show_figures
from jicai.ticket_tables import show_tickets

PROVINCE = "bureau:360000"
IMPORTER = "importer:360000"
BEFORE_ALL = "2026-01-19T00:00:00+08:00"


def run_demo(
    *, data: Path, history: Path | None, orders: int, seed: int, keep_serving: bool, port: int
) -> None:
    """Import the history where it is there, play the story, show the tables, perhaps go on serving."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    shutil.rmtree(data, ignore_errors=True)
    console.rule("Jicai 集采 演示")
    with _sandbox(data, port) as url:
        if history is not None and history.exists():
            _import_history(url, history, console)
        else:
            console.print("没有找到 SCMS 历史数据, 只演示模拟省份。")
        console.print("\n[bold]模拟省份[/bold]: 江西区划, 含春节假期; 时间由沙箱时钟拨动")
        with Jicai(url, PROVINCE) as client:
            story = write_story(seed, orders=orders)
            played = play(client, story, console, errands=errands())
            show_figures(
                client,
                console,
                as_of=story.last_day,
                statuses=played.statuses,
                rejected=played.rejected,
            )
            show_tickets(client, console, played.acts)
            show_alerts(client, console, as_of=story.last_day)
            console.rule("按月结算")
            go_on(client, errands(), ENDS_AT, played, console)
            show_settlement(client, console, pool=POOL, errands=played.errands)
        if keep_serving:
            show_addresses(url, console)
            console.print("\n服务继续运行, 按 Ctrl-C 结束。")
            _wait()
            return
    console.print(f"\n再次打开这个省份: [bold].venv/bin/jicai sandbox --data {data}[/bold]")
    show_addresses("http://127.0.0.1:8000", console)


def _import_history(url: str, history: Path, console: Console) -> None:
    """The SCMS history through its mapping file, then its on-time rate year by year."""
    console.print(f"\n[bold]真实数据[/bold]: {history.name} (10,324 条订单明细, 2006–2015)")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Jicai(url, IMPORTER) as client:
        with Progress(*columns, console=console) as progress:
            report = run_import(client, history, "scms", progress)
        client.settle()
        console.print(
            f"接收 {report.accepted:,} 个事件, 重复 {report.duplicate:,}, "
            f"拒绝 {sum(report.rejected.values()):,}, 用时 {report.seconds:.1f} 秒"
        )
    with Jicai(url, PROVINCE) as client:
        console.print(history_table(client))


def history_table(client: Jicai) -> Table:
    """The on-time rate of the imported history, year by year and in all."""
    table = Table(title="SCMS 历史: 配送及时率 (on_time.v1)")
    for heading in ("年度", "应到明细", "及时", "及时率"):
        table.add_column(heading, justify="right")
    hits = lines = 0
    for year in range(2006, 2016):
        card = client.get(
            "/alerts/v1/scorecards/total", window=str(year), as_of=str(date(year, 12, 31))
        )
        rate = card["rates"]["on_time"]
        hits, lines = hits + rate["numerator"], lines + rate["denominator"]
        table.add_row(
            str(year), f"{rate['denominator']:,}", f"{rate['numerator']:,}", f"{rate['percent']} %"
        )
    percent = f"{hits * 10000 // lines / 100:.2f} %" if lines else "–"
    table.add_row("合计", f"{lines:,}", f"{hits:,}", percent, style="bold")
    return table


@contextmanager
def _sandbox(data: Path, port: int) -> Iterator[str]:
    command = [
        sys.executable, "-m", "jicai", "sandbox", "--port", str(port),
        "--now", BEFORE_ALL, "--data", str(data),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready "):
            raise RuntimeError("沙箱没有启动 / the sandbox did not start")
        yield line.split()[1]
    finally:
        process.terminate()
        process.wait(30)


def _wait() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
