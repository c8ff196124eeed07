"""A month's statements as clerks meet them: pages, many at once, sheets, reminders, two languages."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from shared.testing.sandbox import running_sandbox
from tests.journeys.december import DRAFT, deliver
from tests.journeys.goods import D2, FAR, H2, OPS, PROVINCE, D, H
from tests.journeys.market import Market

PATH = "/settlement/v1/statements"
BUREAU, FINANCE = "bureau:360100/li", "finance:360100/wang"
PAIRS = [(H, D), (H, D2), (H2, D), (FAR, D2)]


@pytest.fixture
def town(bus):
    """Four pairs' statements of December; one receipt line is worth 1,050 yuan."""
    with running_sandbox() as sandbox:
        market = Market(sandbox)
        for hospital, distributor in PAIRS:
            deliver(market, hospital, distributor)
        sandbox.move(DRAFT)
        yield market


def statements(town: Market, actor: str = OPS, **query: Any) -> list[Any]:
    answer = town[actor].get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


def id_of(hospital: str = H, distributor: str = D) -> str:
    return f"2025-12-{hospital}-{distributor}"


def take(town: Market, actor: str, step: str, *ids: str) -> list[tuple[int, str | None]]:
    answer = town[actor].post(f"{PATH}:{step}", json={"statement_ids": list(ids)})
    assert answer.status_code == 200, answer.text
    return [(one["status"], one["code"]) for one in answer.json()["results"]]


def test_pages_hold_every_statement_once_and_say_where_the_next_begins(town: Market) -> None:
    found, after = [], {}
    while True:
        page = town[OPS].get(PATH, params={"limit": 3, **after}).json()
        found += [one["statement_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == sorted(id_of(*pair) for pair in PAIRS)
    assert [one["payee_id"] for one in statements(town, f"distributor:{D}")] == [D, D]
    assert statements(town, month="2025-11") == []
    assert len(statements(town, hospital_id=H, payee_id=D2, state="draft")) == 1
    bad = town[OPS].get(PATH, params={"after": "x", "state": "lost"})
    assert bad.status_code == 422
    drafts = town[PROVINCE].get("/settlement/v1/drafts").json()["items"]
    assert drafts == [
        {"month": "2025-12", "at": DRAFT, "state": "done", "statements": 4, "hospitals_left": 0}
    ]


def test_a_thousand_at_once_is_each_by_itself(town: Market) -> None:
    ids = [id_of(H, D), id_of(H2, D), "2025-12-NONE", id_of(H, D)]
    hospital = take(town, f"hospital:{H}", "confirm", *ids)
    assert hospital == [(200, None), (404, "not_found"), (404, "not_found"), (200, None)]
    payee = take(town, f"distributor:{D}", "confirm", *ids[:2])
    assert payee == [(200, None), (409, "wrong_state")]
    assert take(town, BUREAU, "approve", *ids[:2]) == [(200, None), (409, "wrong_state")]
    assert take(town, BUREAU, "approve", ids[0]) == [(200, None)]
    assert take(town, "finance:360100/li", "pay", ids[0]) == [(422, "same_person")]
    assert take(town, "finance:360700/wang", "pay", ids[0]) == [(404, "not_found")]
    assert take(town, "finance:360100", "pay", ids[0]) == [(422, "person_missing")]
    assert take(town, FINANCE, "pay", ids[0]) == [(200, None)]
    [one] = statements(town, state="paying")
    assert one["payment"]["from_fund_fen"] == one["total_fen"] == 210_000
    assert [step["type"] for step in one["history"]] == [
        "drafted", "hospital_confirmed", "confirmed", "approved", "paying",
    ]  # fmt: skip
    assert [step["by"] for step in one["history"]][-2:] == [BUREAU, FINANCE]
    too_many = {"statement_ids": ["x"] * 1001}
    assert town[FINANCE].post(f"{PATH}:pay", json=too_many).status_code == 422
    assert town[FINANCE].post(f"{PATH}/{ids[0]}/dance").status_code == 404
    for odd in ("%00", "%ff", "x" * 300):
        assert town[FINANCE].post(f"{PATH}/{odd}/pay").status_code in (404, 422)
        assert town[PROVINCE].get(f"{PATH}/{odd}").status_code in (404, 422)


def test_silence_is_reminded_and_never_pays(town: Market) -> None:
    [one] = statements(town, hospital_id=H, payee_id=D)
    assert one["due"] == {
        "at": "2026-01-16T00:00:00+08:00",
        "of": "hospital",
        "working_days": 5,
        "began_at": DRAFT,
    }
    assert statements(town, overdue="true") == []
    town.sandbox.move("2026-01-16T00:00:00+08:00")
    assert len(statements(town, overdue="true")) == 4
    [late] = statements(town, hospital_id=H, payee_id=D, overdue="true")
    assert late["history"][-1] == {"type": "reminded", "at": one["due"]["at"], "by": "system"}
    assert take(town, f"hospital:{H}", "confirm", id_of()) == [(200, None)]
    town.sandbox.move("2026-03-01T00:00:00+08:00")
    assert {one["state"] for one in statements(town)} == {"draft", "hospital_confirmed"}
    reminders = [s["type"] for s in statements(town, hospital_id=H, payee_id=D)[0]["history"]]
    assert reminders.count("reminded") == 2


def test_a_list_and_the_lines_of_one_open_in_a_spreadsheet(town: Market) -> None:
    answer = town[OPS].get(PATH, params={"format": "csv", "limit": 3})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'rel="next"' in answer.headers["link"]
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header[:2] == ["对账单", "月份"]
    assert len(rows) == 3
    assert rows[0][header.index("应付金额(元)")] == "2100.00"
    assert rows[0][header.index("状态")] == "待医疗机构确认"

    english = {"Accept-Language": "en"}
    answer = town[OPS].get(f"{PATH}/{id_of()}", params={"format": "xlsx"}, headers=english)
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    header, *lines = book.get_sheet_by_index(0).to_python()
    assert [line[header.index("amount")] for line in lines] == [1050.0, 1050.0]
    assert [line[header.index("state")] for line in lines] == ["settled", "settled"]
    assert "statement-2025-12" in answer.headers["content-disposition"]
