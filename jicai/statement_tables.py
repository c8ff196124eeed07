"""Statements of a demonstration, one by one: the contested, the held, the carried forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from jicai.client import Jicai
from jicai.settlement_words import BASE, STATES, STEPS, Json, party, table_of, yuan
from jicai.tables import minute

__all__ = ["show_carried", "show_disputed", "show_held"]

SHOWN_LINES: Final = 12


def show_disputed(client: Jicai, console: Console, statements: Sequence[Json]) -> None:
    """The statement with a dispute, line by line, its history, and where the line came again."""
    known = {one["statement_id"]: one for one in statements}
    resolved = list(client.pages(f"{BASE}/disputes", state="resolved", limit=1))
    if not resolved:
        return
    [dispute] = resolved
    statement = known[dispute["statement_id"]]
    console.print(_lines_table(statement))
    console.print(_history_table(statement))
    contested = [line for line in statement["lines"] if line["line_id"] in dispute["line_ids"]]
    for line in contested:
        again = _where_again(statements, statement, line)
        words = f"编入 {again}" if again else "尚未进入后续对账单"
        console.print(
            f"  争议理由: {dispute['reason']}。统筹区处理: 恢复结算, 验收单 {line['receipt_id']} "
            f"重新匹配后{words}\n",
            highlight=False,
            soft_wrap=True,
        )


def _where_again(statements: Sequence[Json], first: Json, line: Json) -> str | None:
    """The later statement that has this receipt line, if any."""
    key = (line["receipt_id"], line["order_line_id"], line["kind"])
    return next(
        (
            f"{one['month']} 对账单"
            for one in statements
            if one["statement_id"] != first["statement_id"]
            and any((x["receipt_id"], x["order_line_id"], x["kind"]) == key for x in one["lines"])
        ),
        None,
    )


def _lines_table(statement: Json) -> Table:
    parties = f"{party(statement['hospital_id'])} 与 {party(statement['payee_id'])}"
    title = f"{statement['month']} 对账单: {parties}"
    table = table_of(title, "验收单", "产品", ">数量", ">单价(元)", ">金额(元)", "状态")
    lines = statement["lines"]
    for line in lines[:SHOWN_LINES]:
        is_disputed = line["state"] == "disputed"
        table.add_row(
            line["return_id"] or line["receipt_id"],
            line["product_id"],
            line["quantity"],
            line["unit_price"],
            yuan(line["amount_fen"]),
            "[red]争议, 不计入合计[/red]" if is_disputed else "计入",
        )
    table.add_section()
    table.add_row("应付合计", "", "", "", yuan(statement["total_fen"]), "", style="bold")
    if len(lines) > SHOWN_LINES:
        table.caption = f"共 {len(lines)} 行, 仅列前 {SHOWN_LINES} 行"
    return table


def _history_table(statement: Json) -> Table:
    table = table_of("办理记录", "时间", "事项", "经办")
    for step in statement["history"]:
        by = "系统" if step["by"] == "system" else step["by"]
        table.add_row(minute(step["at"]), STEPS.get(step["type"], step["type"]), by)
    payment = statement["payment"]
    if payment is not None:
        table.caption = (
            f"支付 {payment['payment_id'].rsplit('-', 1)[1]}: "
            f"预付冲抵 {yuan(payment['from_prepaid_fen'])} 元, "
            f"基金支付 {yuan(payment['from_fund_fen'])} 元"
        )
    return table


def show_held(client: Jicai, console: Console, statements: Sequence[Json]) -> None:
    """Each supplier that is suspended, with what waits in its held account."""
    for suspension in client.pages(f"{BASE}/suspensions", limit=10):
        payee = suspension["payee_id"]
        title = f"暂停结算: {party(payee)}, 自 {minute(suspension['begins_at'])}"
        table = table_of(title, "对账单", "医疗机构", "状态", ">金额(元)")
        for one in [one for one in statements if one["held"] and one["payee_id"] == payee]:
            words = f"{STATES[one['state']]}, 暂停"
            table.add_row(one["month"], party(one["hospital_id"]), words, yuan(one["total_fen"]))
        account = client.get(f"{BASE}/accounts/enterprise:{payee}:held")
        balance = yuan(-account["balance_fen"])
        table.caption = f"{suspension['decision']}; 暂停支付科目余额(贷) {balance} 元"
        console.print(table)


def show_carried(console: Console, statements: Sequence[Json]) -> None:
    """What asked for nothing, and the statement that its total entered."""
    below = [one for one in statements if one["state"] == "carried_forward"]
    if not below:
        return
    table = table_of(
        "应付不大于零: 不付款, 结转下期",
        "医疗机构 / 配送企业",
        "月份",
        ">验收(元)",
        ">退货(元)",
        ">合计(元)",
        "进入",
    )
    for one in below:
        entered = next((two for two in statements if _takes(two, one)), None)
        table.add_row(
            f"{party(one['hospital_id'])}\n{party(one['payee_id'])}",
            one["month"],
            yuan(one["receipts_fen"]),
            yuan(one["returns_fen"]),
            yuan(one["total_fen"]),
            _entered(entered),
        )
    console.print(table)


def _takes(later: Json, one: Json) -> bool:
    """Whether a later statement of the same pair has taken up a total below zero."""
    pair = ("hospital_id", "payee_id")
    return (
        later["month"] > one["month"]
        and all(later[member] == one[member] for member in pair)
        and later["carried_fen"] < 0
    )


def _entered(statement: Json | None) -> str:
    if statement is None:
        return "等待下一份对账单"
    return (
        f"{statement['month']}: 验收 {yuan(statement['receipts_fen'])}, 结转 "
        f"{yuan(statement['carried_fen'])}, 应付 {yuan(statement['total_fen'])}"
    )
