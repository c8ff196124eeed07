"""The closing tables of a demonstration, in the words of a bureau clerk.

Everything shown comes from the public HTTP interface, so each number can be asked for again with
the addresses printed at the end. A rate is shown with its numerator and denominator, because a
percentage alone cannot be checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from jicai.client import Jicai
from shared.kernel.clock import local_text, parse_instant

__all__ = ["minute", "show_addresses", "show_figures"]

Json = dict[str, Any]
TARGETS = {"response": 95, "on_time": 90}
"""The province's own targets in percent (赣医保字〔2024〕22号, 第三条)."""
RATES = {
    "response": "订单响应率",
    "on_time": "配送及时率",
    "on_time_first": "首次配送及时率",
    "delivery": "配送率",
    "receipt": "到货率",
    "feedback": "反馈解决率",
}
QUANTITIES = frozenset({"delivery", "receipt"})
STATES = {
    "awaiting_answer": "待响应",
    "accepted": "已接单",
    "refused": "已拒单",
    "cancelled": "已撤单",
    "void": "超期作废",
    "dispatched": "配送中",
    "arrived": "已送达",
    "received": "已验收",
}
REASONS = {
    "conflicting_duplicate": "同一编号、内容不同,未改动原记录",
    "line_void": "订单行已超期作废",
    "order_exists": "订单号已存在",
    "product_suspended": "产品已暂停采购",
    "unknown_delivery": "找不到对应的配送单",
    "unknown_receipt": "找不到对应的验收单",
    "unknown_order": "找不到对应的订单",
    "already_answered": "已经响应过",
    "already_dispatched": "已经发货,不能撤单",
    "quantity_mismatch": "验收数量与配送数量不符",
    "return_exceeds_receipt": "退货数量超过验收数量",
    "unreadable_row": "文件中该行无法读取",
}


def show_figures(
    client: Jicai,
    console: Console,
    *,
    window: str = "30d",
    as_of: date | str | None = None,
    statuses: Mapping[str, int] | None = None,
    rejected: Mapping[str, int] | None = None,
) -> None:
    """Total, distributors from the worst, order lines by state, and what was turned away.

    `statuses` and `rejected` are the counts of a PlayReport or an ImportReport: the platform
    answers a duplicate or a rejection to its sender and keeps no public list of them.
    """
    ask = {"window": window, "as_of": None if as_of is None else str(as_of)}
    total = client.get("/alerts/v1/scorecards/total", **ask)
    console.print(_total_table(total))
    cards = client.pages("/alerts/v1/scorecards", subject="distributor", limit=1000, **ask)
    console.print(_distributors_table(cards))
    console.print(_states_table(client.pages("/orders/v1/orders", limit=1000)))
    if statuses is not None:
        console.print(_answers_table(statuses, rejected or {}))


def show_addresses(base_url: str, console: Console) -> None:
    """Where to look further: pages for the browser, lines for the terminal."""
    base = base_url.rstrip("/")
    console.print("\n[bold]在浏览器中继续查看[/bold]")
    for words, path in PAGES:
        console.print(f"  {words}  {base}{path}", highlight=False, soft_wrap=True)
    console.print("\n[bold]在终端中查询[/bold](请求头 X-Jicai-Actor 说明您是谁)")
    for words, actor, path in QUERIES:
        console.print(f"  [dim]# {words}[/dim]", highlight=False, soft_wrap=True)
        line = f"  curl -s -H 'X-Jicai-Actor: {actor}' '{base}{path}'"
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def minute(text: str) -> str:
    """An instant as people write it down, in Beijing time to the minute."""
    return local_text(parse_instant(text))[:16].replace("T", " ")


def _total_table(card: Json) -> Table:
    window = card["window"]
    table = Table(title=f"全省总体情况  {window['from']} 至 {window['to']}", title_justify="left")
    for column, justify in (("指标", "left"), ("比率", "right"), ("目标", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("达标", justify="center")
    table.add_column("分子 / 分母", justify="right")
    for name, words in RATES.items():
        rate = card["rates"][name]
        target = TARGETS.get(name)
        fraction = f"{_count(name, rate['numerator'])} / {_count(name, rate['denominator'])}"
        goal = "" if target is None else f"{target}%"
        table.add_row(words, _percent(rate), goal, _mark(rate, target), fraction)
    table.caption = f"不计入:补录 {card['back_entered']} 行,有据免责 {card['excused']} 行"
    return table


def _count(name: str, number: int) -> str:
    """Quantities are counted in ten-thousandths of a unit, everything else in lines."""
    return f"{number // 10_000 if name in QUANTITIES else number:,}"


def _distributors_table(cards: Iterable[Json]) -> Table:
    table = Table(title="配送企业排名(得分低者在前)", title_justify="left")
    table.add_column("配送企业", no_wrap=True)
    for column in (
        "订单行数",
        "响应率",
        "及时率",
        "首次及时率",
        "配送率",
        "到货率",
        "反馈率",
        "评分",
    ):
        table.add_column(column, justify="right")
    for card in sorted(cards, key=_worst_first):
        rates = card["rates"]
        table.add_row(
            card["name"],
            str(rates["on_time"]["denominator"]),
            *(_coloured(rates[name], TARGETS.get(name)) for name in RATES),
            card["score"] or "无数据",
        )
    table.caption = "订单行数:配送期限落在统计期内的订单行。红色:低于目标。"
    return table


def _states_table(orders: Iterable[Json]) -> Table:
    found = Counter(line["state"] for order in orders for line in order["lines"])
    table = Table(title="全部订单行目前的状态", title_justify="left")
    table.add_column("状态")
    table.add_column("行数", justify="right")
    for state, words in STATES.items():
        table.add_row(words, str(found[state]))
    table.add_section()
    table.add_row("合计", str(found.total()))
    return table


def _answers_table(statuses: Mapping[str, int], rejected: Mapping[str, int]) -> Table:
    table = Table(title="平台对上报数据的答复", title_justify="left")
    table.add_column("答复")
    table.add_column("条数", justify="right")
    table.add_column("说明")
    table.add_row("已接收", str(statuses.get("accepted", 0)), "")
    table.add_row("重复", str(statuses.get("duplicate", 0)), "重发的同一数据,只计一次")
    table.add_row("退回", str(statuses.get("rejected", 0)), "逐条说明原因,其余数据不受影响")
    for code, count in sorted(rejected.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"  {code}", str(count), REASONS.get(code, ""))
    return table


def _worst_first(card: Json) -> tuple[bool, Decimal, Decimal, str]:
    """By score, then by on-time rate; who has no score comes last."""
    percent = card["rates"]["on_time"]["percent"]
    score = card["score"]
    return (score is None, Decimal(score or 0), Decimal(percent or 0), card["id"])


def _percent(rate: Json) -> str:
    return "无数据" if rate["percent"] is None else f"{rate['percent']}%"


def _met(rate: Json, target: int) -> bool:
    """On integers, as the rule compares them: 94.999 % is not 95 %."""
    return bool(rate["numerator"] * 100 >= target * rate["denominator"])


def _mark(rate: Json, target: int | None) -> str:
    if target is None or not rate["denominator"]:
        return ""
    return "[green]✓[/green]" if _met(rate, target) else "[red]✗[/red]"


def _coloured(rate: Json, target: int | None) -> str:
    if target is None or not rate["denominator"] or _met(rate, target):
        return _percent(rate)
    return f"[red]{_percent(rate)}[/red]"


PAGES = (
    ("接口文档", "/docs"),
    ("接口定义", "/openapi.json"),
    ("事件定义", "/asyncapi.json"),
)
PROVINCE = "bureau:360000"
QUERIES = (
    ("配送企业评分", PROVINCE, "/alerts/v1/scorecards?subject=distributor"),
    ("未及时配送的每一行及其依据",
     PROVINCE, "/alerts/v1/evidence?subject=total&id=total&rate=on_time&outcome=miss"),
    ("未解除的预警", PROVINCE, "/alerts/v1/alerts?state=open&limit=5"),
    ("超时未响应清单", PROVINCE, "/alerts/v1/late-response-lists?limit=2"),
    ("预警实时推送", PROVINCE, "/alerts/v1/stream"),
    ("省级督办的反馈工单", PROVINCE, "/feedback/v1/tickets?level=province&limit=5"),
    ("等待省医保局处理的工单", PROVINCE, "/feedback/v1/waiting?limit=5"),
    ("赣州市医保局看到的待响应订单",
     "bureau:360700", "/orders/v1/orders?state=awaiting_answer&limit=5"),
    ("各服务的变更流", PROVINCE, "/orders/v1/changes?limit=5"),
    ("暂停支付和待支付的对账单", PROVINCE, "/settlement/v1/statements?state=approved&limit=2"),
    ("未匹配的验收明细及原因", PROVINCE, "/settlement/v1/unmatched?limit=5"),
    ("账本核验", PROVINCE, "/settlement/v1/verify"),
)  # fmt: skip
