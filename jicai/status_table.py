"""The page of `jicai status`: one table, and below it what is not well (运行状况表)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from jicai.rooms import SERVICES
from jicai.status_findings import Status
from shared.kernel.clock import local_text
from shared.store.standing import LAG_MAX, Standing

UNKNOWN = "?"
STATES = {"open": "待回复", "promised": "已承诺", "solved": "待确认"}
LEVELS = {"county": "县级", "city": "市级", "province": "省级"}


def show(status: Status, faults: Sequence[str], console: Console) -> None:
    """A row for each service, the database's horizon, the tickets under way, every fault by name."""
    table = Table(title=f"运行状况  {_moment(status)}", title_justify="left")
    for column in (
        "服务",
        "状态",
        "积压(按来源)",
        "待转发",
        "搁置键",
        "等待结账的分区",
        "未到期限",
    ):
        table.add_column(column, overflow="fold")
    for name in SERVICES:
        table.add_row(name, _door(status, name), *_standing(status, status.standings.get(name)))
    if not status.database:
        table.caption = f"最老的写事务: {status.horizon:.1f} 秒"
    console.print(table)
    if not status.database:
        console.print(f"在办工单: {_tickets(status)}", highlight=False)
    if not faults:
        console.print("[green]一切正常 / all is well[/green]")
    for fault in faults:
        console.print(f"[red]✗[/red] {fault}", highlight=False, soft_wrap=True)


def _moment(status: Status) -> str:
    return (
        "数据库不通 / no database"
        if status.database
        else local_text(status.at.replace(microsecond=0))
    )


def _door(status: Status, name: str) -> str:
    door = status.doors.get(name)
    if door is None:
        return "[red]不通 down[/red]"
    return "[yellow]未就绪 not ready[/yellow]" if door.wrong else "[green]就绪 ready[/green]"


def _standing(status: Status, standing: Standing | None) -> list[str]:
    if standing is None:
        return [UNKNOWN] * 5
    lag = "\n".join(f"{topic} {_count(lag)}" for topic, lag in sorted(standing.lag.items()))
    held = str(standing.held_partitions)
    if standing.held_since is not None:
        held += f"\n自 {local_text(standing.held_since)} ({_age(status, standing.held_since)})"
    due = str(standing.deadlines)
    if standing.next_due is not None:
        due += f"\n最早 {local_text(standing.next_due)}"
    relay = "—" if standing.relay_lag is None else _count(standing.relay_lag)
    return [lag or "—", relay, str(standing.parked_keys), held, due]


def _tickets(status: Status) -> str:
    """How many, by state, and how many of them at which level."""
    states: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    for (state, level), number in status.tickets.items():
        states[state] += number
        if level is not None:
            levels[level] += number
    found = [f"{words} {states[state]}" for state, words in STATES.items() if states[state]]
    climbed = [f"{words} {levels[level]}" for level, words in LEVELS.items() if levels[level]]
    return f"{', '.join(found) or '无'}" + (f"; 其中督办 {', '.join(climbed)}" if climbed else "")


def _count(lag: int) -> str:
    return f"{lag:,}+" if lag >= LAG_MAX else f"{lag:,}"


def _age(status: Status, at: datetime) -> str:
    minutes, seconds = divmod(int(status.seconds_since(at)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
