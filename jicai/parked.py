"""`jicai parked`: facts that a handler could not take (搁置的事实): seen, retried, skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Annotated, Any, TypeVar

import typer

from jicai.rooms import SERVICES, chosen
from jicai.running import reached_database
from shared.kernel.clock import local_text
from shared.runtime.house import House
from shared.runtime.releasing import retry, shelf, skip
from shared.runtime.room import Room
from shared.runtime.settings import Settings
from shared.runtime.time import DatabaseTime
from shared.store.parking import Parked
from shared.store.policy_files import policy_from

T = TypeVar("T")

app = typer.Typer(help="搁置的事实: 查看、重试、跳过", no_args_is_help=True)

ServiceName = Annotated[str, typer.Argument(help="orders | alerts | feedback | settlement")]
Stream = Annotated[str, typer.Argument(help="键, 如 order-H36010200001-1")]


@app.command("list")
def list_() -> None:
    """各服务搁置的键."""
    found = _in_house(_shelves)
    if not any(found.values()):
        typer.echo("没有搁置的事实 / nothing is parked")
        return
    _print_table(found)
    raise typer.Exit(1)


@app.command()
def show(service: ServiceName, stream: Stream) -> None:
    """一个键的全部搁置事实与原因."""
    for one in _in_house(lambda house: _in_room(house, service, partial(_shelf_of, stream=stream))):
        record = one.record
        typer.echo(
            f"{record.topic} v{record.version} {record.type} {record.source} {record.event_id}"
        )
        typer.echo(f"  {one.reason}")
        typer.echo(f"  {record.fact.decode(errors='replace')}")


@app.command("retry")
def retry_(service: ServiceName, stream: Stream) -> None:
    """按顺序重新处理一个键; 仍失败则全部保持原状."""
    _release(service, stream, retry)


@app.command("skip")
def skip_(service: ServiceName, stream: Stream) -> None:
    """跳过该键的第一个事实, 其余按顺序处理; 跳过的仍在日志和死信主题中."""
    _release(service, stream, skip)


def _release(service: str, stream: str, work: Callable[[Room, str], Awaitable[int]]) -> None:
    try:
        count = _in_house(lambda house: _in_room(house, service, lambda room: work(room, stream)))
    except Exception as error:
        typer.echo(f"仍无法处理, 保持原状 / still fails, left as it is: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"已处理 {count} 个事实 / {count} facts taken")


async def _shelves(house: House) -> dict[str, list[Parked]]:
    return {name: await _in_room(house, name, _shelf_of) for name in SERVICES}


async def _shelf_of(room: Room, stream: str | None = None) -> list[Parked]:
    return await shelf(room.pool, stream)


async def _in_room(house: House, service: str, work: Callable[[Room], Awaitable[T]]) -> T:
    if service not in SERVICES:
        raise typer.BadParameter(f"没有名为 {service} 的服务", param_hint="SERVICE")
    async with house.open_room(service) as room:
        return await work(room)


def _in_house(work: Callable[[House], Coroutine[Any, Any, T]]) -> T:
    """Do it beside whatever processes serve: a room of our own for a moment."""
    settings = Settings()
    with reached_database(settings) as (dsn, _):
        house = House(dsn, chosen("all"), DatabaseTime(), policy_from(settings.policy))
        return asyncio.run(work(house))


def _print_table(found: dict[str, list[Parked]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="搁置 / parked")
    for heading in ("服务", "键 stream", "主题", "数量", "自", "原因"):
        table.add_column(heading, overflow="fold")
    for service, parked in found.items():
        keys: dict[tuple[str, str], list[Parked]] = {}
        for one in parked:
            keys.setdefault((one.record.stream, one.record.topic), []).append(one)
        for (stream, topic), facts in keys.items():
            first = facts[0]
            since = local_text(first.record.recorded_at)[:19]
            table.add_row(service, stream, topic, str(len(facts)), since, first.reason)
    Console().print(table)
