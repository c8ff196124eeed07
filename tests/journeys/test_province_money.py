"""The money of the simulated province, played by the demonstration's own clerks to its end."""

from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from jicai.client import Jicai
from jicai.province.play import go_on, play
from jicai.province.report import PlayReport
from jicai.province.settling import (
    ENDS_AT,
    POOL,
    PREPAID_HOSPITAL,
    errands,
    least_prepayment_fen,
    suspended_id,
)
from jicai.province.story import write_story
from jicai.settlement_tables import show_settlement
from shared.testing.sandbox import running_sandbox

PLAYED_ON = ("log",)
"""`test_settling_oracle` plays settlement on both buses; this is about the clerks and their tables."""

ORDERS = 120
STEP = timedelta(hours=6)
"""Coarser than the demonstration: a step costs a wait for every consumer."""


@dataclass
class Ended:
    """The province in April."""

    client: Jicai
    report: PlayReport
    paper: str
    statements: list[dict]

    def of(self, **members: object) -> list[dict]:
        return [s for s in self.statements if all(s[k] == v for k, v in members.items())]


@pytest.fixture(scope="module")
def april(bus):
    """A small province played to its end on each bus, with the demonstration's own clerks and tables."""
    story = write_story(7, orders=ORDERS)
    with (
        running_sandbox(now=story.begins_at.isoformat()) as sandbox,
        Jicai(sandbox.url, "bureau:360000") as client,
    ):
        report = play(client, story, errands=errands(), step=STEP)
        go_on(client, errands(), ENDS_AT, report)
        paper = Console(file=StringIO(), width=120)
        show_settlement(client, paper, pool=POOL, errands=report.errands)
        statements = list(client.pages("/settlement/v1/statements", limit=1000))
        yield Ended(client, report, paper.file.getvalue(), statements)


def test_every_errand_is_run_once_and_only_the_suspended_supplier_is_refused(april):
    assert list(april.report.errands) == [errand.label for errand in errands()]
    refused = {
        label: set(found) - {"done", "failed"} for label, found in april.report.errands.items()
    }
    assert {label: codes for label, codes in refused.items() if codes} == {
        "2 月 · 财务支付": {"payee_suspended"}
    }
    assert april.report.errands["1 月 · 银行回执"]["failed"] == 1


def test_the_demonstration_ends_with_money_paid_held_and_carried_forward(april):
    assert len(april.of(state="paid")) > 20
    held = april.of(held=True)
    assert held
    assert {(one["payee_id"], one["state"]) for one in held} == {(suspended_id(), "approved")}
    [below] = april.of(state="carried_forward")
    assert below["total_fen"] < 0
    pair = {member: below[member] for member in ("hospital_id", "payee_id")}
    [after] = april.of(month="2026-03", **pair)
    assert after["carried_fen"] == below["total_fen"]
    assert sum(one["carried_fen"] for one in april.statements) == below["total_fen"]


def test_the_prepayment_is_drawn_before_the_fund(april):
    paid = [one for one in april.of(state="paid") if one["hospital_id"] == PREPAID_HOSPITAL]
    drawn = sum(one["payment"]["from_prepaid_fen"] for one in paid)
    assert drawn == min(
        least_prepayment_fen(PREPAID_HOSPITAL), sum(one["total_fen"] for one in paid)
    )


def test_the_contested_line_is_in_one_later_statement(april):
    [dispute] = april.client.pages("/settlement/v1/disputes")
    assert (dispute["state"], dispute["outcome"]) == ("resolved", "settle")
    lines = [
        (one["month"], line)
        for one in april.statements
        for line in one["lines"]
        if line["kind"] == "receipt"
    ]
    contested = next(line for _, line in lines if line["line_id"] in dispute["line_ids"])
    key = ("receipt_id", "order_line_id")
    standing = [
        (month, line["state"]) for month, line in lines if all(line[k] == contested[k] for k in key)
    ]
    assert standing == [("2026-01", "disputed"), ("2026-02", "settled")]


def test_the_tables_show_it_and_the_ledger_is_verified(april):
    proof = april.client.get("/settlement/v1/verify")
    assert proof["ok"]
    roots = list(april.client.pages("/settlement/v1/roots", limit=1000))
    for words in (
        f"重算 {proof['entries']} 笔凭证",
        roots[-1]["root"],
        "账本核验通过",
        "借贷平衡",
        "已结转下期",
        "暂停支付科目余额",
        "重新匹配后编入 2026-02 对账单",
        "企业已暂停结算",
        "高于中选价",
    ):
        assert words in april.paper, words
