"""The money of a demonstration: what was paid, held and carried forward, and the books behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from jicai.client import Jicai
from jicai.settlement_words import BASE, STATES, Json, party, place, table_of, total_fen, yuan
from jicai.statement_tables import show_carried, show_disputed, show_held
from jicai.tables import minute

__all__ = ["show_settlement"]

REASONS: Final = {
    "no_invoice": "未开票",
    "quantity_differs": "数量不符",
    "price_above_selected": "高于中选价",
}
ANSWERS: Final = {
    "done": "办结",
    "failed": "银行退回",
    "payee_suspended": "企业已暂停结算",
}
ACCOUNTS: Final = {
    "fund": "医保基金",
    "goods_receivable": "应收货款",
    "prepaid": "预付",
    "payable": "应付货款",
    "held": "暂停支付",
}
STATE_SUMS: Final = (">验收(元)", ">退货(元)", ">上期结转(元)", ">应付合计(元)")
POOL_SUMS: Final = (
    ">应付合计(元)", ">已支付(元)", ">其中预付冲抵(元)", ">暂停支付(元)", ">尚未支付(元)",
)  # fmt: skip


def show_settlement(
    client: Jicai, console: Console, *, pool: str, errands: Mapping[str, Counter[str]]
) -> None:
    """What clerks did, statements by state and pool, one of them, what is held and carried, the books.

    `errands` is what came of each errand, as a PlayReport counts it; `pool` is shown account by account.
    """
    statements = list(client.pages(f"{BASE}/statements", limit=1000))
    if not statements:
        console.print("没有对账单。")
        return
    console.print(_errands_table(errands))
    console.print(_states_table(statements))
    console.print(_pools_table(statements))
    console.print(_unmatched_table(list(client.pages(f"{BASE}/unmatched", limit=1000))))
    show_disputed(client, console, statements)
    show_held(client, console, statements)
    show_carried(console, statements)
    console.print(_accounts_table(client.as_actor(f"finance:{pool}"), pool))
    _show_proof(client, console)


def _errands_table(errands: Mapping[str, Counter[str]]) -> Table:
    table = table_of("各方经办, 一次请求办理多份", "事项", "办结", "未办成")
    for label, found in errands.items():
        others = [f"{ANSWERS.get(c, c)} {n}" for c, n in sorted(found.items()) if c != "done"]
        table.add_row(label, str(found["done"]), ", ".join(others))
    return table


def _states_table(statements: Sequence[Json]) -> Table:
    title = f"对账单({len(statements)} 份): 状态"
    table = table_of(title, "状态", ">份数", ">催办过", *STATE_SUMS)
    for state, words in STATES.items():
        ones = [one for one in statements if one["state"] == state]
        if ones:
            table.add_row(words, *_sums(ones))
    table.add_section()
    table.add_row("合计", *_sums(statements), style="bold")
    held = [one for one in statements if one["held"]]
    if held:
        table.caption = f"待支付中有 {len(held)} 份暂停支付, 共 {yuan(total_fen(held))} 元"
    return table


def _sums(ones: Sequence[Json]) -> list[str]:
    reminded = sum(any(step["type"] == "reminded" for step in one["history"]) for one in ones)
    kinds = ("receipts_fen", "returns_fen", "carried_fen", "total_fen")
    return [str(len(ones)), str(reminded) if reminded else ""] + [
        yuan(sum(one[kind] for one in ones)) for kind in kinds
    ]


def _pools_table(statements: Sequence[Json]) -> Table:
    table = table_of("各统筹区", "统筹区", ">份数", *POOL_SUMS)
    for pool in sorted({one["pool"] for one in statements}):
        table.add_row(place(pool), *_paid([one for one in statements if one["pool"] == pool]))
    table.add_section()
    table.add_row("合计", *_paid(statements), style="bold")
    return table


def _paid(ones: Sequence[Json]) -> list[str]:
    """What of these is paid; what asks for nothing is not counted as unpaid."""
    asked = [one for one in ones if one["total_fen"] > 0]
    paid = [one for one in asked if one["state"] == "paid"]
    held = [one for one in asked if one["held"]]
    prepaid = sum(one["payment"]["from_prepaid_fen"] for one in paid)
    open_fen = total_fen(asked) - total_fen(paid) - total_fen(held)
    amounts = (total_fen(asked), total_fen(paid), prepaid, total_fen(held), open_fen)
    return [str(len(ones)), *(yuan(fen) for fen in amounts)]


def _unmatched_table(items: Sequence[Json]) -> Table:
    table = table_of("未匹配的验收明细", "原因", ">明细数")
    found = Counter(one["reason"] for one in items)
    for reason, words in REASONS.items():
        table.add_row(words, str(found[reason]))
    return table


def _accounts_table(finance: Jicai, pool: str) -> Table:
    """Every account that the pool's entries name, as its finance office sees them."""
    entries = finance.pages(f"{BASE}/entries", limit=1000)
    names = {posting["account"] for entry in entries for posting in entry["postings"]}
    accounts = [finance.get(f"{BASE}/accounts/{name}") for name in sorted(names)]
    table = table_of(
        f"{place(pool)}统筹区的科目", "科目", "主体", ">借方(元)", ">贷方(元)", ">余额(元)"
    )
    for one in accounts:
        _, owner, kind = one["account"].split(":")
        words = ACCOUNTS.get(kind, ACCOUNTS["fund"])
        amounts = [yuan(one[side]) for side in ("debit_fen", "credit_fen", "balance_fen")]
        table.add_row(words, party(owner), *amounts)
    debit, credit = (sum(one[side] for one in accounts) for side in ("debit_fen", "credit_fen"))
    table.add_section()
    sums = (debit, credit, debit - credit)
    table.add_row("合计", "", *(yuan(fen) for fen in sums), style="bold")
    table.caption = "[green]借贷平衡[/green]" if debit == credit else "[red]借贷不平[/red]"
    return table


def _show_proof(client: Jicai, console: Console) -> None:
    proof = client.get(f"{BASE}/verify")
    roots = list(client.pages(f"{BASE}/roots", limit=1000))
    word = "[green]账本核验通过 ✓[/green]" if proof["ok"] else "[red]账本核验未通过 ✗[/red]"
    console.print(f"\n{word}: 重算 {proof['entries']} 笔凭证、全部余额与存证链", highlight=False)
    if not proof["ok"]:
        console.print(f"  第一笔不符: {proof['first_bad']} ({proof['fault']})", highlight=False)
    if roots:
        last = roots[-1]
        words = f"  {minute(last['at'])} 签名的根哈希, 覆盖 {last['entries']} 笔: {last['root']}"
        console.print(words, highlight=False, soft_wrap=True)
