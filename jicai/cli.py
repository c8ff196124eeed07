"""`jicai`: the command line (命令行)."""

from __future__ import annotations

import signal
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from jicai.keys import keys
from jicai.parked import app as parked
from jicai.safekeeping import backup, recover, restore
from shared.kernel.clock import parse_instant
from shared.runtime import logs
from shared.runtime.settings import Settings

app = typer.Typer(help="Jicai 集采: 药品和医用耗材集中带量采购执行平台", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(parked, name="parked")
app.command()(backup)
app.command()(restore)
app.command()(recover)

Data = Annotated[Path | None, typer.Option("--data", help="数据目录; 省略则用临时目录, 不留痕迹")]


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        raise typer.BadParameter("应为 RFC 3339 时间, 如 2026-01-05T09:00:00+08:00") from None


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="端口; 0 为任选")] = 8000,
    now: Annotated[str, typer.Option(help="起始时间")] = "2026-01-05T09:00:00+08:00",
    data: Data = None,
    host: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1",
    policy: Annotated[Path | None, typer.Option(help="政策参数文件")] = None,
    kafka: Annotated[str | None, typer.Option(help="经由真实的 Kafka, host:port")] = None,
) -> None:
    """沙箱: 四个服务在一个进程内运行, 时间由接口拨动."""
    from jicai.sandbox import run_sandbox

    logs.configure("WARNING")
    run_sandbox(port=port, now=_instant(now), data=data, host=host, policy=policy, kafka=kafka)


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help="orders | alerts | feedback | settlement | all")],
    host: Annotated[str | None, typer.Option(help="监听地址")] = None,
    port: Annotated[int | None, typer.Option(help="端口")] = None,
) -> None:
    """正式运行一个服务, 或在一个进程内运行全部."""
    from jicai.rooms import SERVICES
    from jicai.running import run_services
    from shared.runtime.house import NotServable

    if service not in (*SERVICES, "all"):
        raise typer.BadParameter(f"没有名为 {service} 的服务", param_hint="SERVICE")
    settings = _settings(host=host, port=port)
    logs.configure(settings.log_level)
    try:
        run_services(service, settings)
    except NotServable as error:
        typer.echo(f"不能启动 / cannot serve: {error}", err=True)
        raise typer.Exit(3) from None


@app.command()
def migrate() -> None:
    """更新数据库结构; 内嵌数据库会自动更新."""
    from jicai.running import run_migrate

    for service, applied in run_migrate(_settings()).items():
        typer.echo(f"{service}: {', '.join(applied) or '已是最新 / up to date'}")


@app.command()
def status(
    url: Annotated[
        list[str] | None, typer.Option(help="服务地址, 可重复; 省略则为 JICAI_HOST 与 JICAI_PORT")
    ] = None,
) -> None:
    """运行状况: 服务、积压、搁置、时限, 一张表; 一切正常时退出码为 0, 否则为 1."""
    from jicai.status import run_status

    raise typer.Exit(run_status(_settings(), url or []))


@app.command()
def rebuild(
    service: Annotated[str, typer.Argument(help="alerts | feedback | settlement")],
    check: Annotated[
        bool, typer.Option("--check", help="只比对, 不切换; 有差异时退出码为 1")
    ] = False,
) -> None:
    """重建读模型: 服务照常运行, 由日志重算各表, 逐行比对后切换; 不会重复预警."""
    from jicai.rebuild import run_rebuild

    raise typer.Exit(run_rebuild(_settings(), service, check=check))


topics = typer.Typer(help="Kafka 主题", no_args_is_help=True)
app.add_typer(topics, name="topics")


@topics.command("apply")
def topics_apply(
    replication: Annotated[int, typer.Option(help="副本数")] = 1,
    retention_days: Annotated[int, typer.Option(help="保留天数 (压缩主题除外)")] = 365,
) -> None:
    """建立缺少的主题, 已有的不变 (JICAI_KAFKA_BOOTSTRAP)."""
    from jicai.topics import run_apply

    made = run_apply(_settings(), replication=replication, retention_days=retention_days)
    typer.echo(f"新建主题 / made: {', '.join(made) or '无, 已齐全 / none, all are there'}")


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="演示后继续提供服务")] = False,
    data: Annotated[Path, typer.Option(help="演示数据的目录, 每次重建")] = Path(".jicai/demo"),
    history: Annotated[Path, typer.Option(help="SCMS 历史数据")] = Path(
        "../shared/data/scms_delivery_history.csv"
    ),
    orders: Annotated[int, typer.Option(help="模拟订单数")] = 1500,
    seed: Annotated[int, typer.Option(help="随机种子")] = 7,
    port: Annotated[int, typer.Option(help="端口; 0 为任选")] = 0,
) -> None:
    """演示: 真实历史与模拟省份走完主流程, 以表格结束."""
    from jicai.demo import run_demo

    run_demo(data=data, history=history, orders=orders, seed=seed, keep_serving=serve, port=port)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV 或 XLSX 文件")],
    mapping: Annotated[str, typer.Option(help="映射文件 (.toml), 或随产品发布的映射名, 如 scms")],
    url: Annotated[str, typer.Option(help="服务地址")] = "http://127.0.0.1:8000",
    actor: Annotated[str, typer.Option(help="数据迁移方")] = "importer:360000",
    batch_size: Annotated[int, typer.Option(help="每批事件数", min=1, max=1000)] = 500,
) -> None:
    """按映射文件导入历史数据; 重复导入不会重复登记. 正式环境以 JICAI_KEY、JICAI_SECRET 签名."""
    from jicai.importing import run_import_command

    raise typer.Exit(run_import_command(file, mapping, url, actor, batch_size))


@app.command()
def version() -> None:
    """版本号."""
    typer.echo(metadata.version("jicai"))


def _settings(**chosen: Any) -> Settings:
    return Settings(**{name: value for name, value in chosen.items() if value is not None})


def main() -> None:
    """The entry point. SIGTERM ends it as Ctrl-C would: what was begun is cleaned up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app()
