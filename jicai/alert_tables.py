"""The alerts, lists and publications of a demonstration, in the words of a bureau clerk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from jicai.client import Jicai
from jicai.tables import minute

__all__ = ["show_alerts"]

Json = dict[str, Any]

SUBJECTS: Final = {"distributor": "配送企业", "manufacturer": "生产企业", "product": "产品"}
BECAUSE: Final = {"recovered": "已恢复", "sample_too_small": "样本不足"}
CROWDING: Final = "A3.3-feedback"
"""Its figure is no rate: tickets and hospitals are counted."""
SHOWN: Final = 12


def show_alerts(client: Jicai, console: Console, *, as_of: date) -> None:
    """Open alerts, how the others ended, crowded tickets, late-response lists, a publication."""
    found = list(client.pages("/alerts/v1/alerts", limit=1000))
    alerts = [one for one in found if one["rule"] != CROWDING]
    console.print(_open_table([one for one in alerts if one["state"] == "open"]))
    console.print(_ended_table([one for one in alerts if one["state"] == "cleared"]))
    console.print(_crowds_table([one for one in found if one["rule"] == CROWDING]))
    console.print(_lists_table(client.pages("/alerts/v1/late-response-lists", limit=1000)))
    published = client.post("/alerts/v1/publications", {"window": "30d", "as_of": str(as_of)})
    console.print(_publication_table(published))


def _open_table(alerts: list[Json]) -> Table:
    table = Table(title=f"未解除的预警({len(alerts)} 条)", title_justify="left")
    for column in ("规则", "对象", "编号", "发出时间"):
        table.add_column(column, no_wrap=True)
    for column in ("比率", "预警线"):
        table.add_column(column, justify="right")
    for alert in sorted(alerts, key=_by_figure)[:SHOWN]:
        figure = alert["figure"]
        table.add_row(
            alert["title"],
            SUBJECTS[alert["subject"]],
            alert["subject_id"],
            minute(alert["raised_at"]),
            f"[red]{figure['percent']}%[/red] ({figure['numerator']}/{figure['denominator']})",
            f"{alert['threshold']}%",
        )
    if len(alerts) > SHOWN:
        table.caption = f"仅列比率最低的 {SHOWN} 条"
    return table


def _ended_table(alerts: list[Json]) -> Table:
    table = Table(title="已解除的预警", title_justify="left")
    table.add_column("解除原因")
    table.add_column("条数", justify="right")
    ended = Counter(alert["cleared_because"] for alert in alerts)
    for reason, words in BECAUSE.items():
        table.add_row(words, str(ended[reason]))
    return table


def _crowds_table(alerts: list[Json]) -> Table:
    """Products that many hospitals reported (集中反馈), raised at the ticket that made it many."""
    table = Table(title=f"集中反馈预警({len(alerts)} 条)", title_justify="left")
    for column in ("产品", "发出时间"):
        table.add_column(column, no_wrap=True)
    for column in ("工单数", "医疗机构数"):
        table.add_column(column, justify="right")
    table.add_column("解除时间", no_wrap=True)
    for alert in sorted(alerts, key=lambda one: (one["raised_at"], one["alert_id"])):
        figure = alert["figure"]
        ended = alert["cleared_at"]
        table.add_row(
            alert["subject_id"],
            minute(alert["raised_at"]),
            str(figure.get("tickets", figure["numerator"])),
            str(figure.get("hospitals", "")),
            "[red]未解除[/red]" if ended is None else minute(ended),
        )
    table.caption = "工单提交即判定, 不等日结"
    return table


def _lists_table(lists: Iterable[Json]) -> Table:
    table = Table(title="超时未响应清单(每个工作日 9:00 发出)", title_justify="left")
    for column in ("日期", "清单数", "首次列入", "再次列入"):
        table.add_column(column, justify="right" if column != "日期" else "left")
    days: dict[str, Counter[str]] = {}
    for one in lists:
        day = days.setdefault(one["day"], Counter())
        day["lists"] += 1
        day.update(line["occurrence"] for line in one["lines"])
    for text, day in sorted(days.items())[-SHOWN:]:
        table.add_row(text, str(day["lists"]), str(day["first"]), str(day["again"]))
    table.caption = "春节假期内不发; 节后首个工作日一并列入"
    return table


def _publication_table(published: Json) -> Table:
    table = Table(title="一次冻结的发布", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, words in (
        ("publication_id", "编号"),
        ("window", "统计窗口"),
        ("as_of", "截至日"),
        ("policy_version", "政策版本"),
        ("root", "指标根哈希"),
        ("evidence_root", "证据根哈希"),
    ):
        table.add_row(words, str(published[name]))
    table.caption = "此后到来的事实不再改变它; 差异见 restatements"
    return table


def _by_figure(alert: Json) -> tuple[float, str]:
    figure = alert["figure"]
    return figure["numerator"] / figure["denominator"], alert["alert_id"]
