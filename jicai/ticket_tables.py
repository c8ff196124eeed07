"""The tickets of a demonstration: where they stand, how one climbed, how one deadline was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from jicai.client import Jicai
from jicai.province.places import divisions
from jicai.tables import minute

__all__ = ["show_tickets"]

Json = dict[str, Any]

STATES: Final = {
    "open": "待回复",
    "promised": "已承诺",
    "solved": "待确认",
    "confirmed": "已确认",
    "closed": "已关闭",
}
LEVELS: Final = {None: "未督办", "county": "县级", "city": "市级", "province": "省级"}
CATEGORIES: Final = {
    "short_supply": "供应不足",
    "late_delivery": "配送不及时",
    "selective_delivery": "选择性配送",
    "stops_after_agreed_volume": "完成约定量后不配送",
    "unsuitable_form": "剂型规格不适宜",
    "unsuitable_pack": "包装不合理",
    "illegible_lot": "批号印刷不清",
    "other": "其他",
}
STEPS: Final = {
    "opened": "提交反馈",
    "replied": "回复并承诺",
    "solved": "告知已解决",
    "confirmed": "确认解决",
    "reopened": "重新打开",
    "reply_overdue": "逾期未回复",
    "promise_broken": "未按承诺解决",
    "supervision_began": "启动督办",
    "escalated": "逐级上报",
    "province_overdue": "省级督办逾期",
    "supervised": "督办措施",
    "closed": "关闭",
}
PARTIES: Final = {
    "hospital": "医疗机构",
    "distributor": "配送企业",
    "manufacturer": "生产企业",
    "bureau": "医保局",
    "silence": "逾期未确认, 视为确认",
    "system": "系统",
}
HOPS: Final = frozenset({"supervision_began", "escalated"})
WEEKDAYS: Final = "一二三四五六日"
FINAL: Final = frozenset({"confirmed", "closed"})
SHOWN: Final = 12
CANDIDATES: Final = 8


def show_tickets(client: Jicai, console: Console, acts: Mapping[str, int]) -> None:
    """Tickets by state and level, the most urgent ones, one that climbed, and its longest deadline.

    `acts` counts what was done with them, as a PlayReport does.
    """
    tickets = list(client.pages("/feedback/v1/tickets", limit=1000))
    if not tickets:
        console.print("没有反馈工单。")
        return
    console.print(_standing_table(tickets, acts))
    console.print(_urgent_table([one for one in tickets if one["state"] not in FINAL]))
    ticket, deadline = _most_telling(client, tickets)
    console.print(_ladder_table(ticket))
    console.print(_days_table(deadline))
    console.print(f"  {deadline['explanation']['zh']}\n", highlight=False)


def _standing_table(tickets: Sequence[Json], acts: Mapping[str, int]) -> Table:
    table = Table(title=f"反馈工单({len(tickets)} 件): 状态与督办层级", title_justify="left")
    table.add_column("状态")
    for words in (*LEVELS.values(), "合计"):
        table.add_column(words, justify="right")
    found = Counter((one["state"], one["level"]) for one in tickets)
    for state, words in STATES.items():
        row = [found[state, level] for level in LEVELS]
        table.add_row(words, *(str(count) if count else "" for count in row), str(sum(row)))
    refused = [f"{code} {count}" for code, count in sorted(acts.items()) if code != "accepted"]
    table.caption = f"各方操作 {sum(acts.values())} 次" + (
        f", 其中退回: {', '.join(refused)}" if refused else ""
    )
    return table


def _urgent_table(tickets: Sequence[Json]) -> Table:
    table = Table(title=f"未办结的工单({len(tickets)} 件)", title_justify="left")
    for column in ("工单", "问题", "状态", "督办", "经办", "最近时限"):
        table.add_column(column, no_wrap=True)
    names = {code: division.name for code, division in divisions().items()}
    for ticket in sorted(tickets, key=_by_urgency)[:SHOWN]:
        level = LEVELS[ticket["level"]]
        table.add_row(
            ticket["ticket_id"] + (" [red]突出[/red]" if ticket["prominent"] else ""),
            CATEGORIES[ticket["category"]],
            STATES[ticket["state"]],
            f"[red]{level}[/red]" if ticket["level"] == "province" else level,
            f"{names.get(ticket['bureau'], ticket['bureau'])}医保局",
            "已逾期, 省级督办" if ticket["next_due"] is None else minute(ticket["next_due"]),
        )
    if len(tickets) > SHOWN:
        table.caption = f"仅列时限最近的 {SHOWN} 件"
    return table


def _ladder_table(ticket: Json) -> Table:
    """The history of one ticket, hop by hop."""
    names = {code: division.name for code, division in divisions().items()}
    table = Table(title=f"工单 {ticket['ticket_id']} 的处理记录", title_justify="left")
    for column in ("时间", "事项", "层级", "经办人", "说明"):
        table.add_column(column, no_wrap=column != "说明")
    for step in ticket["history"]:
        bureau = step.get("bureau") or step.get("copied_to")
        words = [
            "" if bureau is None else f"{names.get(bureau, bureau)}医保局",
            step.get("measure", ""),
            step.get("note", ""),
            step.get("reason", ""),
            f"承诺 {minute(step['promised_at'])}" if "promised_at" in step else "",
            "逾期回复" if step.get("late") else "",
        ]
        levels = [LEVELS[level] for level in (step["from"], step["to"]) if level is not None]
        name = STEPS.get(step["type"], step["type"])
        table.add_row(
            minute(step["at"]),
            f"[red]{name}[/red]" if step["type"] in HOPS else name,
            " → ".join(levels),
            PARTIES.get(step["by"].partition(":")[0], step["by"]),
            " ".join(word for word in words if word),
        )
    return table


def _days_table(deadline: Json) -> Table:
    """Every day on the way to one due, and why it counts or does not."""
    table = Table(title="其中最长的一项时限, 逐日计算", title_justify="left")
    for column in ("日期", "星期", "计入", "理由"):
        table.add_column(column, justify="center" if column == "计入" else "left")
    counted = 0
    for day in deadline["days"]:
        counted += day["counted"]
        table.add_row(
            day["date"],
            f"周{WEEKDAYS[date.fromisoformat(day['date']).weekday()]}",
            f"[green]第{counted}日[/green]" if day["counted"] else "–",
            day["reason_zh"],
        )
    return table


def _most_telling(client: Jicai, tickets: Sequence[Json]) -> tuple[Json, Json]:
    """The ticket that climbed furthest over the most days off, with its longest deadline."""
    climbed = sorted(tickets, key=_hops, reverse=True)[:CANDIDATES]
    pairs = [(ticket, _longest(client, ticket)) for ticket in climbed]
    return max(pairs, key=lambda pair: (_hops(pair[0]), len(pair[1]["days"])))


def _longest(client: Jicai, ticket: Json) -> Json:
    items: list[Json] = client.get(f"/feedback/v1/tickets/{ticket['ticket_id']}/deadlines")["items"]
    return max(items, key=lambda item: len(item["days"]))


def _hops(ticket: Json) -> int:
    """A prominent ticket climbs at once and shows nothing of how long that takes."""
    return 0 if ticket["prominent"] else sum(s["type"] in HOPS for s in ticket["history"])


def _by_urgency(ticket: Json) -> tuple[bool, str, str]:
    return (ticket["next_due"] is None, ticket["next_due"] or "", ticket["ticket_id"])
