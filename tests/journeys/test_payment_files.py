"""Where money goes and how a bank is told: accounts, blocks, files, the bank's answer, and who sees what."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
import rfc8785
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from shared.testing.sandbox import running_sandbox
from tests.journeys.december import DRAFT, deliver
from tests.journeys.goods import D2, FAR, H2, OPS, PROVINCE, D, H, Json, M
from tests.journeys.market import Market
from tests.journeys.strange import mutated

BASE = "/settlement/v1"
ACCOUNTS, FILES, PAYMENTS = f"{BASE}/payee-accounts", f"{BASE}/payment-files", f"{BASE}/payments"
KEEPER, CITY, ELSEWHERE = "finance:360000/qian", "finance:360100/wu", "finance:360700/wu"
NUMBER = "6222021502012345678"
ACCOUNT = {
    "account_name": "江西某某医药有限公司", "account_number": NUMBER, "bank_name": "工商银行南昌分行",
    "bank_code": "102421000013",
}  # fmt: skip
FACTORED = {
    **ACCOUNT, "account_name": "=某某保理有限公司", "account_number": "36050152015012345678",
    "assignee": {"name": "@某某保理有限公司", "contract": "BL-2026-001"},
}  # fmt: skip
PAIRS = [(H, D), (H, D2), (H2, D), (FAR, D)]
_numbers = count(1)
PLAYED_ON = ("log",)
"""These doors hear nothing of a bus; their facts go the way of all facts."""


@pytest.fixture
def town(bus: str) -> Iterator[Market]:
    """December has been settled up to the approval of four statements, each of 1,050 yuan."""
    with running_sandbox() as sandbox:
        yield approved(Market(sandbox))


def approved(market: Market) -> Market:
    for hospital, payee in PAIRS:
        deliver(market, hospital, payee, lines=1)
    market.sandbox.move(DRAFT)
    ids = [one["statement_id"] for one in market[OPS].get(f"{BASE}/statements").json()["items"]]
    assert len(ids) == len(PAIRS)
    for actor in (*{f"hospital:{h}" for h, _ in PAIRS}, *{f"distributor:{d}" for _, d in PAIRS}):
        step(market, actor, "confirm", ids)
    assert set(step(market, "bureau:360000/zhang", "approve", ids).values()) == {200}
    return market


def step(market: Market, actor: str, name: str, ids: list[str]) -> dict[str, int]:
    answer = market[actor].post(f"{BASE}/statements:{name}", json={"statement_ids": ids})
    assert answer.status_code == 200, answer.text
    return {one["statement_id"]: one["status"] for one in answer.json()["results"]}


def statement(hospital: str = H, payee: str = D) -> str:
    return f"2025-12-{hospital}-{payee}"


def pay(market: Market, *ids: str, who: str = CITY) -> list[Any]:
    return [market[who].post(f"{BASE}/statements/{id_}/pay") for id_ in ids]


def set_account(market: Market, payee: str = D, body: Json = ACCOUNT) -> Json:
    answer = market[KEEPER].put(f"{ACCOUNTS}/{payee}", json=body)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


def act(market: Market, name: str, reason: str, payee: str = D) -> Any:
    return market[KEEPER].post(f"{ACCOUNTS}/{payee}/{name}", json={"reason": reason})


def issue(market: Market, who: str = CITY, file_id: str | None = None, **more: str) -> Any:
    body = {"file_id": file_id or f"FILE-{next(_numbers)}", **more}
    return market[who].post(FILES, json=body)


def answered(market: Market, file_id: str, rows: Any, who: str = CITY) -> list[Json]:
    answer = market[who].post(f"{FILES}/{file_id}/results", json=rows)
    assert answer.status_code == 200, answer.text
    results: list[Json] = answer.json()["results"]
    return results


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def payments(market: Market, who: str = OPS, **wanted: Any) -> list[Json]:
    answer = market[who].get(PAYMENTS, params=wanted)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def test_money_goes_where_the_account_lay_when_it_was_ordered(town: Market) -> None:
    assert set_account(town)["version"] == 1
    assert set_account(town) == set_account(town), "the same account again changes nothing"
    pay(town, statement())
    assert set_account(town, body=FACTORED)["version"] == 2
    pay(town, statement(H2))
    found = {one["statement_id"]: one["account"] for one in payments(town, CITY)}
    assert found[statement()]["account_number"] == NUMBER
    assert found[statement()]["assignee"] is None
    assert found[statement(H2)]["account_number"] == FACTORED["account_number"]
    assert found[statement(H2)]["assignee"] == FACTORED["assignee"]
    pay(town, statement(H, D2))
    [unknown] = payments(town, CITY, payee_id=D2)
    assert unknown["account"] is None, "what the contract asks of /pay names no account"


def test_a_blocked_account_is_not_paid_into_until_it_is_unblocked(town: Market) -> None:
    set_account(town)
    assert act(town, "block", "账户异常").json()["blocked"] is True
    assert act(town, "block", "账户异常").status_code == 200
    assert code(act(town, "block", "另一原因")) == (409, "conflicting_duplicate")
    assert set_account(town, body=FACTORED)["blocked"] is True, "another account stays blocked"
    [answer] = pay(town, statement())
    assert code(answer) == (409, "payee_account_blocked")
    assert town[OPS].get(f"{BASE}/statements/{statement()}").json()["state"] == "approved"
    many = [statement(), statement(H, D2)]
    assert list(step(town, CITY, "pay", many).values()) == [409, 200], "it stops no other's"
    assert act(town, "unblock", "已核实").json()["blocked"] is False
    assert act(town, "unblock", "已核实").status_code == 200
    assert code(act(town, "unblock", "又一原因")) == (409, "conflicting_duplicate")
    [answer] = pay(town, statement())
    assert answer.json()["state"] == "paying"
    act(town, "block", "再次异常")
    assert [one.status_code for one in pay(town, statement())] == [200], "it is under way already"


def test_a_payment_enters_one_file_and_one_that_failed_comes_anew(town: Market) -> None:
    set_account(town)
    assert code(issue(town)) == (409, "nothing_to_pay")
    pay(town, statement(), statement(H2))
    first = issue(town, file_id="2026-02-09.1")
    assert first.status_code == 201, first.text
    file = first.json()
    assert (file["payments"], file["total"], file["pool"]) == (2, "2100.00", "360100")
    pay(town, statement(H, D2))
    again = issue(town, file_id="2026-02-09.1")
    assert (again.status_code, again.json()) == (200, file)
    assert code(issue(town, KEEPER, "2026-02-09.1")) == (409, "conflicting_duplicate")
    second = issue(town, file_id="2026-02-09.2").json()
    [line] = second["lines"]
    assert line["statement_id"] == statement(H, D2)
    assert (line["account_number"], "未登记账户" in line["remark"]) == (None, True)
    assert code(issue(town)) == (409, "nothing_to_pay")
    failed = file["lines"][0]
    [result] = answered(
        town,
        file["file_id"],
        [{"payment_id": failed["payment_id"], "result": "failed", "reason": "户名不符"}],
    )
    assert result["status"] == 200, result
    assert code(issue(town)) == (409, "nothing_to_pay"), "approved again, but not ordered"
    pay(town, failed["statement_id"])
    [line] = issue(town).json()["lines"]
    assert line["statement_id"] == failed["statement_id"]
    assert line["payment_id"] != failed["payment_id"]
    states = town[CITY].get(f"{FILES}/{file['file_id']}").json()["states"]
    assert {state: one["payments"] for state, one in states.items()} == {"failed": 1, "paying": 1}


def test_a_pool_has_its_own_files_and_the_province_may_write_them_all(town: Market) -> None:
    pay(town, *(statement(h, d) for h, d in PAIRS), who=KEEPER)
    assert code(issue(town, KEEPER)) == (409, "nothing_to_pay"), "no provincial hospital is paid"
    far = issue(town, KEEPER, pool="360700").json()
    assert [line["hospital_id"] for line in far["lines"]] == [FAR]
    assert issue(town).json()["payments"] == 3
    assert code(issue(town, CITY, pool="360700")) == (404, "not_found")
    assert code(issue(town, "finance:360102/x")) == (404, "not_found")
    assert code(issue(town, KEEPER, pool="360102")) == (422, "malformed")
    assert code(issue(town, "finance:360100")) == (422, "person_missing")
    assert code(issue(town, "bureau:360100/x")) == (403, "forbidden")
    assert code(issue(town, CITY, "a b")) == (422, "malformed")


def hash_of(file: Json) -> str:
    """The hash as docs/payments.md says it, with another implementation of RFC 8785."""
    rows = [sha256(rfc8785.dumps(line)).hexdigest() for line in file["lines"]]
    return sha256("\n".join([file["salt"], *rows]).encode()).hexdigest()


def test_a_file_is_a_sheet_that_no_spreadsheet_runs_and_its_hash_fits(town: Market) -> None:
    set_account(town, body=FACTORED)
    pay(town, statement(), statement(H, D2))
    file = issue(town, file_id="F1").json()
    assert file["sha256"] == hash_of(file)
    [fact] = [
        one["data"]
        for one in town[CITY].get(f"{BASE}/changes").json()["items"]
        if one["type"].endswith("payment_file_issued.v1")
    ]
    assert (fact["sha256"], fact["total_fen"]) == (file["sha256"], 210_000)
    answer = town[CITY].get(f"{FILES}/F1", params={"format": "csv"})
    assert answer.content.startswith("\ufeff".encode())
    *rows, total = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert [row["金额(元)"] for row in rows] == ["1050.00", "1050.00"]
    assert rows[0]["收款户名"] == "'=某某保理有限公司"
    assert rows[0]["保理受让方"] == "'@某某保理有限公司"
    assert rows[0]["收款账号"] == FACTORED["account_number"]
    assert (total["支付编号"], total["收款企业"], total["金额(元)"]) == ("合计", "2 笔", "2100.00")
    assert total["附言"] == f"sha256 {file['sha256']}"
    answer = town[CITY].get(f"{FILES}/F1", params={"format": "xlsx"})
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    header, first, *_ = book.get_sheet_by_index(0).to_python()
    told = dict(zip(header, first, strict=True))
    assert told["收款账号"] == FACTORED["account_number"], "a text: no digit is lost"
    assert told["金额(元)"] == "1050.00"
    english = town[CITY].get(
        f"{FILES}/F1", params={"format": "csv"}, headers={"accept-language": "en"}
    )
    rows = list(csv.DictReader(io.StringIO(english.content.decode("utf-8-sig"))))
    assert (rows[0]["amount"], rows[-1]["payment_id"]) == ("1050.00", "total")
    assert town[CITY].get(f"{FILES}/F1", params={"format": "pdf"}).status_code == 422


def test_the_bank_answers_in_the_same_sheet_row_by_row(town: Market) -> None:
    set_account(town)
    pay(town, statement(), statement(H2), statement(H, D2))
    file = issue(town, file_id="F1").json()
    ids = [line["payment_id"] for line in file["lines"]]
    sheet = town[CITY].get(f"{FILES}/F1", params={"format": "csv"}).content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(sheet))
    by_name = {name: place for place, name in enumerate(header)}
    for row, said in zip(
        rows,
        [("成功", "'0001", "2026-02-10", ""), ("失败", "", "20260210", "户名不符")],
        strict=False,
    ):
        row += [""] * (len(header) - len(row))
        for name, value in zip(("结果", "银行流水号", "入账日", "失败原因"), said, strict=True):
            row[by_name[name]] = value
    filled = io.StringIO()
    csv.writer(filled).writerows([header, *rows])
    for text in (filled.getvalue().encode("gb18030"), filled.getvalue().encode()):
        answer = town[CITY].post(
            f"{FILES}/F1/results", content=text, headers={"content-type": "text/csv"}
        )
        results = answer.json()["results"]
        assert [(one["row"], one["payment_id"], one["status"]) for one in results] == [
            (2, ids[0], 200),
            (3, ids[1], 200),
        ], "the third has no answer yet, the sum row is no payment; again changes nothing"
    found = {one["payment_id"]: one for one in payments(town, CITY)}
    assert [found[id_]["state"] for id_ in ids] == ["paid", "failed", "paying"]
    assert (found[ids[0]]["bank_reference"], found[ids[0]]["value_date"]) == ("0001", "2026-02-10")
    assert (found[ids[1]]["reason"], found[ids[1]]["value_date"]) == ("户名不符", "2026-02-10")
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as made:
        page = made.add_worksheet()
        page.write_row(0, 0, ["payment_id", "result", "bank_reference"])
        page.write_row(1, 0, [ids[2], "paid", "0003"])
    answer = town[CITY].post(
        f"{FILES}/F1/results",
        content=book.getvalue(),
        headers={"content-type": "application/octet-stream"},
    )
    assert [one["status"] for one in answer.json()["results"]] == [200]
    assert (
        town[OPS].get(f"{BASE}/statements/{results[0]['statement_id']}").json()["state"] == "paid"
    )
    assert town[PROVINCE].get(f"{BASE}/verify").json()["ok"] is True


def test_one_row_that_cannot_be_stops_no_other(town: Market) -> None:
    pay(town, *(statement(h, d) for h, d in PAIRS), who=KEEPER)
    file = issue(town, file_id="F1").json()
    far = issue(town, KEEPER, "F2", pool="360700").json()["lines"][0]["payment_id"]
    one, two, three = (line["payment_id"] for line in file["lines"])
    said = [
        {"payment_id": one, "result": "paid", "bank_reference": "R1"},
        {"payment_id": one, "result": "failed"},
        {"payment_id": two, "result": "paid", "bank_reference": "R1"},
        {"payment_id": two, "result": "maybe"},
        {"payment_id": far, "result": "paid"},
        {"payment_id": "NONE", "result": "paid"},
        "paid",
        {"payment_id": three, "result": "failed", "value_date": "2026-02-30"},
        {"payment_id": two, "result": "paid", "bank_reference": "R2"},
        {"payment_id": three, "result": "failed"},
    ]
    results = answered(town, "F1", said)
    assert [(result["row"], result["status"], result["code"]) for result in results] == [
        (1, 200, None),
        (2, 409, "conflicting_result"),
        (3, 409, "bank_reference_taken"),
        (4, 422, "malformed"),
        (5, 422, "unknown_payment"),
        (6, 422, "unknown_payment"),
        (7, 422, "malformed"),
        (8, 422, "malformed"),
        (9, 200, None),
        (10, 200, None),
    ]
    assert results[3]["pointer"] == "/result"
    states = {one["payment_id"]: one["state"] for one in payments(town)}
    assert states == {one: "paid", two: "paid", three: "failed", far: "paying"}
    again = answered(town, "F1", {"results": said})
    assert again[2]["status"] == 200, "paid it is by now, if under another reference"
    assert [*again[:2], *again[3:]] == [*results[:2], *results[3:]]
    assert {one["payment_id"]: one["state"] for one in payments(town)} == states


def test_what_is_no_answer_is_refused_as_a_whole(town: Market) -> None:
    pay(town, statement())
    issue(town, file_id="F1")
    for content, kind, expected in (
        (b"{", "application/json", (400, "malformed_json")),
        (b'{"a": 1}', "application/json", (422, "malformed")),
        (b"[]", "text/html", (415, "unsupported_media_type")),
        (b"a,b\n1,2\n", "text/csv", (422, "unknown_sheet")),
        (b"", "text/csv", (422, "unknown_sheet")),
        ("支付编号,结果,结果\n".encode(), "text/csv", (422, "unknown_sheet")),
        (b"PK\x03\x04broken", "text/csv", (422, "unreadable_sheet")),
        (json.dumps([{}] * 10_001).encode(), "application/json", (413, "batch_too_large")),
    ):
        answer = town[CITY].post(
            f"{FILES}/F1/results", content=content, headers={"content-type": kind}
        )
        assert code(answer) == expected, (content[:20], answer.text)


def test_numbers_are_whole_for_finance_and_the_payee_and_on_no_topic(town: Market) -> None:
    set_account(town)
    set_account(town, D2, FACTORED)
    pay(town, *(statement(h, d) for h, d in PAIRS), who=KEEPER)
    issue(town, file_id="F1")
    masked = f"****{NUMBER[-4:]}"
    own = {KEEPER: NUMBER, ELSEWHERE: NUMBER, f"distributor:{D}": NUMBER}
    for who, number in {**own, PROVINCE: masked, OPS: masked, "regulator:360000": masked}.items():
        answer = town[who].get(f"{ACCOUNTS}/{D}")
        assert answer.json()["account_number"] == number, who
        listed = {one["payee_id"]: one for one in town[who].get(ACCOUNTS).json()["items"]}
        assert listed[D] == answer.json()
        assert set(listed) == ({D} if who.startswith("distributor") else {D, D2}), who
    assert code(town[f"distributor:{D2}"].get(f"{ACCOUNTS}/{D}")) == (404, "not_found")
    assert town[f"distributor:{D2}"].get(ACCOUNTS, params={"payee_id": D}).json()["items"] == []
    for who in (f"hospital:{H}", f"manufacturer:{M}", "bureau:360100"):
        assert code(town[who].get(ACCOUNTS)) == (403, "forbidden"), who
    for who, expected in ((CITY, NUMBER), ("bureau:360100", masked), (OPS, masked)):
        lines = town[who].get(f"{FILES}/F1").json()["lines"]
        assert {one["account_number"] for one in lines if one["payee_id"] == D} == {expected}, who
        sheet = town[who].get(f"{FILES}/F1", params={"format": "csv"}).text
        assert (NUMBER in sheet) == (expected == NUMBER), who
    for who in (f"distributor:{D}", f"hospital:{H}"):
        assert code(town[who].get(f"{FILES}/F1")) == (403, "forbidden")
    for who in (ELSEWHERE, "bureau:360102", "bureau:360735"):
        assert code(town[who].get(f"{FILES}/F1")) == (404, "not_found"), who
        assert town[who].get(FILES).json()["items"] == []
    seen = {who: {(one["hospital_id"], one["payee_id"]) for one in payments(town, who)}
            for who in (CITY, f"distributor:{D}", "bureau:360102", "bureau:360735", OPS)}  # fmt: skip
    near = {(H, D), (H, D2), (H2, D)}
    assert seen == {
        CITY: near, f"distributor:{D}": {(H, D), (H2, D), (FAR, D)}, "bureau:360102": near,
        "bureau:360735": {(FAR, D)}, OPS: set(PAIRS),
    }  # fmt: skip
    told = [town[who].get(f"{BASE}/changes").text for who in (OPS, KEEPER, f"distributor:{D}")]
    assert all(masked[-4:] in text and NUMBER not in text for text in told)
    assert all(FACTORED["account_number"] not in text for text in told)
    heard = {
        who: [
            one["type"].rsplit(".", 2)[1]
            for one in town[who].get(f"{BASE}/changes").json()["items"]
            if "payee_account" in one["type"] or "payment_file" in one["type"]
        ]
        for who in (OPS, f"distributor:{D}", f"hospital:{H}", CITY, ELSEWHERE, "bureau:360100")
    }
    accounts = ["payee_account_set"]
    assert heard == {
        OPS: [*accounts * 2, "payment_file_issued"], f"distributor:{D}": accounts,
        f"hospital:{H}": [], CITY: ["payment_file_issued"], ELSEWHERE: [],
        "bureau:360100": ["payment_file_issued"],
    }  # fmt: skip


def test_only_finance_of_the_province_keeps_accounts(market: Market) -> None:
    for who in (CITY, PROVINCE, f"distributor:{D}", OPS):
        assert code(market[who].put(f"{ACCOUNTS}/{D}", json=ACCOUNT)) == (403, "forbidden"), who
        answer = market[who].post(f"{ACCOUNTS}/{D}/block", json={"reason": "x"})
        assert code(answer) == (403, "forbidden"), who
    assert code(act(market, "block", "x")) == (404, "not_found"), "there is no account to block"
    put = market[KEEPER].put
    assert code(put(f"{ACCOUNTS}/{M}", json=ACCOUNT)) == (422, "unknown_distributor")
    assert code(put(f"{ACCOUNTS}/nobody", json=ACCOUNT)) == (422, "malformed")
    for name, value in (
        ("account_number", "1234567"), ("account_number", "=62220215020"), ("account_number", None),
        ("bank_code", "10242100001"), ("bank_code", "１０２４２１００００１３"), ("account_name", ""),
        ("assignee", {"name": "某某保理"}),
    ):  # fmt: skip
        assert code(put(f"{ACCOUNTS}/{D}", json={**ACCOUNT, name: value})) == (422, "malformed")
    set_account(market)
    assert code(act(market, "unblock", "x")) == (409, "wrong_state")
    assert code(act(market, "block", "")) == (422, "malformed")


def test_lists_go_from_page_to_page(town: Market) -> None:
    set_account(town)
    set_account(town, D2)
    for hospital, payee in PAIRS[:3]:
        pay(town, statement(hospital, payee))
        assert issue(town).status_code == 201
    for path, length in ((ACCOUNTS, 2), (FILES, 3), (PAYMENTS, 3)):
        whole = town[CITY].get(path).json()["items"]
        found, after = [], {}
        while True:
            page = town[CITY].get(path, params={"limit": 1, **after}).json()
            found += page["items"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert found == whole
        assert len(found) == length
        assert code(town[CITY].get(path, params={"after": "!"})) == (422, "malformed")
    assert {one["state"] for one in payments(town, state="paying", pool="360100")} == {"paying"}
    assert payments(town, state="paid") == payments(town, pool="360700") == []
    for wanted in ({"state": "lost"}, {"pool": "x"}, {"payee_id": "x"}, {"limit": 0}):
        assert town[OPS].get(PAYMENTS, params=wanted).status_code == 422, wanted


@pytest.fixture(scope="module")
def fuzzed(bus: str) -> Iterator[Market]:
    """A sandbox with a file, for strange words alone."""
    with running_sandbox() as sandbox:
        market = approved(Market(sandbox))
        set_account(market)
        pay(market, statement())
        assert issue(market, file_id="F1").status_code == 201
        yield market


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    account=mutated(FACTORED), file=mutated({"file_id": "F2", "pool": "360100"}),
    rows=mutated([{"payment_id": f"{statement()}-p1", "result": "nothing", "value_date": "2026-02-10"}]),
    table=st.one_of(st.binary(max_size=80), st.text(max_size=40).map(
        lambda text: f"支付编号,结果,入账日\n{text},成功,{text}\n".encode(errors="replace"))),
)  # fmt: skip
def test_no_words_are_a_fault_of_ours(
    fuzzed: Market, account: Any, file: Any, rows: Any, table: bytes
) -> None:
    answer = fuzzed[KEEPER].put(f"{ACCOUNTS}/{D2}", content=json.dumps(account).encode())
    assert answer.status_code in (200, 422), (account, answer.text)
    answer = fuzzed[KEEPER].post(FILES, content=json.dumps(file).encode())
    assert answer.status_code in (200, 409, 422), (file, answer.text)
    path = f"{FILES}/F1/results"
    answer = fuzzed[CITY].post(path, content=json.dumps(rows).encode())
    assert answer.status_code in (200, 400, 422), (rows, answer.text)
    answer = fuzzed[CITY].post(path, content=table, headers={"content-type": "text/csv"})
    assert answer.status_code in (200, 413, 422), (table, answer.text)
