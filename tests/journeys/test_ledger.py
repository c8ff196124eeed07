"""The ledger over HTTP: offsets, reversals, months, balances, and its proof without the product."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import FAR, H2, PROVINCE, D, H
from tests.journeys.market import Market

FINANCE, TREASURY, OTHER = "finance:360100/li", "finance:360000/wang", "finance:360700/zhao"
VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "clients" / "verify_ledger.py"


@pytest.fixture
def town(bus):
    """A sandbox of its own: months are closed in it."""
    with running_sandbox() as sandbox:
        yield Market(sandbox)


def offset(town: Market, id_: str, fen: int = 100, who: str = FINANCE, hospital: str = H) -> Any:
    said = {"offset_id": id_, "hospital_id": hospital, "amount_fen": fen}
    return town[who].post("/settlement/v1/offsets", json=said)


def reverse(town: Market, entry_id: str, reason: str = "重复入账", who: str = FINANCE) -> Any:
    return town[who].post(f"/settlement/v1/entries/{entry_id}/reverse", json={"reason": reason})


def balance(town: Market, account: str, who: str = PROVINCE, **query: str) -> int:
    answer = town[who].get(f"/settlement/v1/accounts/{account}", params=query)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["balance_fen"] == document["debit_fen"] - document["credit_fen"]
    fen: int = document["balance_fen"]
    return fen


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def everything(town: Market, what: str, limit: int = 2) -> list[Any]:
    """All items of a list, page by page."""
    items, after = [], {}
    while True:
        page = town[PROVINCE].get(f"/settlement/v1/{what}", params={"limit": limit, **after}).json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def close(town: Market, month: str, who: str = TREASURY) -> Any:
    return town[who].post(f"/settlement/v1/months/{month}/close")


def test_an_offset_is_posted_once_however_often_it_is_said(town):
    first = offset(town, "X")
    again = offset(town, "X")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert code(offset(town, "X", 101)) == (409, "conflicting_duplicate")
    assert code(offset(town, "X", hospital=H2)) == (409, "conflicting_duplicate")
    # The office of the province may say it again; another pool's learns nothing of it.
    assert offset(town, "X", who=TREASURY).json() == first.json()
    assert code(offset(town, "X", who=OTHER)) == (404, "not_found")
    assert balance(town, f"hospital:{H}:claims_payable") == 100
    assert balance(town, f"hospital:{H}:goods_receivable") == -100
    assert balance(town, f"hospital:{H2}:claims_payable") == 0
    [entry] = everything(town, "entries")
    assert entry["entry_id"] == first.json()["entry_id"]
    assert entry["postings"] == [
        {"account": f"hospital:{H}:claims_payable", "debit_fen": 100, "credit_fen": 0},
        {"account": f"hospital:{H}:goods_receivable", "debit_fen": 0, "credit_fen": 100},
    ]
    assert (entry["at"], entry["reverses"]) == ("2026-01-05T09:00:00+08:00", None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"amount_fen": 0}, (422, "malformed")),
        ({"amount_fen": 1.5}, (422, "malformed")),
        ({"amount_fen": "5"}, (422, "malformed")),
        ({"amount_fen": True}, (422, "malformed")),
        ({"amount_fen": 2**53}, (422, "malformed")),
        ({"offset_id": "a/b"}, (422, "malformed")),
        ({"hospital_id": 5}, (422, "malformed")),
        ({"hospital_id": "H36010299999"}, (422, "unknown_hospital")),
        ({"hospital_id": FAR}, (404, "not_found")),
        ({"hospital_id": FAR, "amount_fen": 0}, (404, "not_found")),
    ],
)
def test_what_is_wrong_with_an_offset_is_said_and_posts_nothing(market, said, expected):
    body = {"offset_id": "WRONG", "hospital_id": H, "amount_fen": 1, **said}
    answer = market[FINANCE].post("/settlement/v1/offsets", json=body)
    assert code(answer) == expected
    assert code(market["hospital:" + H].post("/settlement/v1/offsets", json=body)) == (
        403,
        "forbidden",
    )


def test_a_reversal_is_an_entry_and_there_is_one(town):
    entry_id = offset(town, "X", 700).json()["entry_id"]
    town.sandbox.move("2026-02-03T10:00:00+08:00")
    reversal = reverse(town, entry_id)
    assert reversal.status_code == 200, reversal.text
    document = reversal.json()
    assert document["reverses"] == entry_id
    assert document["at"] == "2026-02-03T10:00:00+08:00"
    assert reverse(town, entry_id).json()["entry_id"] == document["entry_id"]
    assert code(reverse(town, entry_id, "另一原因")) == (409, "conflicting_duplicate")
    assert code(reverse(town, document["entry_id"])) == (409, "not_reversible")
    claims = f"hospital:{H}:claims_payable"
    assert (balance(town, claims), balance(town, claims, as_of="2026-02-02")) == (0, 700)
    assert balance(town, claims, as_of="2026-01-04") == 0
    assert len(everything(town, "entries")) == 2


def test_who_may_reverse_is_told_in_the_order_of_faults(town):
    entry_id = offset(town, "X").json()["entry_id"]
    for who, expected in (
        (OTHER, (404, "not_found")),
        (f"hospital:{H}", (404, "not_found")),
        ("bureau:360100", (403, "forbidden")),
        (FINANCE, (422, "malformed")),
    ):
        answer = town[who].post(f"/settlement/v1/entries/{entry_id}/reverse", json={"reason": ""})
        assert code(answer) == expected, who
    assert code(reverse(town, "nothing")) == (404, "not_found")


def test_a_month_is_closed_when_it_has_ended_and_takes_nothing_afterwards(town):
    offset(town, "X", 5)
    assert code(close(town, "2026-01")) == (409, "month_not_ended")
    assert code(close(town, "2026-13")) == (422, "malformed")
    assert code(close(town, "2026-01", FINANCE)) == (403, "forbidden")
    town.sandbox.move("2026-01-31T23:59:59+08:00")
    assert code(close(town, "2026-01")) == (409, "month_not_ended")
    town.sandbox.move("2026-02-01T00:00:00+08:00")
    closed = close(town, "2026-01")
    assert (closed.status_code, closed.json()["month"]) == (200, "2026-01")
    town.sandbox.move("2026-02-02T00:00:00+08:00")
    assert close(town, "2026-01").json() == closed.json()
    assert close(town, "2026-01", "finance:360000/zhou").json() == closed.json()
    # Corrections are dated in the month that runs.
    assert offset(town, "X", 5).status_code == 200
    assert offset(town, "Y", 5).status_code == 201
    assert balance(town, f"hospital:{H}:claims_payable", as_of="2026-01-31") == 5


def test_an_enterprises_account_is_its_own_and_a_wrong_name_is_nobodys(market):
    for account, expected in (
        ("enterprise:911:payable", 404),
        ("hospital:H36010200001:bank", 404),
        ("fund:360100:bank:x", 404),
        ("fund:360100:bank", 200),
    ):
        answer = market[PROVINCE].get(f"/settlement/v1/accounts/{account}")
        assert answer.status_code == expected
    answer = market[PROVINCE].get(
        "/settlement/v1/accounts/fund:360100:bank", params={"as_of": "2026-02-30"}
    )
    assert code(answer) == (422, "malformed")


def verifier() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_ledger", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_ledger_is_proved_without_the_product(town, tmp_path, capsys):
    """Chain, roots and signatures from exported JSON; whatever is changed in it is found."""
    for n in range(3):
        offset(town, f"X{n}", n + 1)
    town.sandbox.move("2026-01-05T10:00:00.5+08:00")
    reverse(town, offset(town, "Y").json()["entry_id"])
    town.sandbox.move("2026-01-06T09:00:00+08:00")
    offset(town, "Z")
    assert town[PROVINCE].get("/settlement/v1/verify").json() == {
        "ok": True, "entries": 6, "first_bad": None, "fault": None, "wrong_balances": [],
    }  # fmt: skip
    exported = {what: everything(town, what) for what in ("entries", "blocks", "roots")}
    [root] = exported["roots"]
    assert (root["at"], root["entries"]) == ("2026-01-06T00:00:00+08:00", 5)
    prove = verifier()

    def verdict(key: str = root["public_key"], **changed: Any) -> int:
        paths = []
        for what, items in {**exported, **changed}.items():
            paths.append(tmp_path / what)
            paths[-1].write_text(json.dumps({"items": items}) + "\n" + json.dumps([]))
        result: int = prove.main([*map(str, paths), "--key", key])
        return result

    assert verdict() == 0
    assert "ok: 6 entries" in capsys.readouterr().out
    entries = sorted(exported["entries"], key=lambda entry: entry["seq"])
    third = entries[2]
    richer = [{**side, **{k: 9 for k in side if side[k] == 3}} for side in third["postings"]]
    changed = [*entries[:2], {**third, "postings": richer}, *entries[3:]]
    assert verdict(entries=changed) == 1
    assert third["entry_id"] in capsys.readouterr().out
    assert verdict(entries=[*entries[:2], *entries[3:]]) == 1
    swapped = [{**entries[0], "seq": 2}, {**entries[1], "seq": 1}, *entries[2:]]
    assert verdict(entries=swapped) == 1
    assert verdict(entries=entries[:-1]) == 1
    other = "01" if root["signature"].startswith("00") else "00"
    assert verdict(roots=[{**root, "signature": other + root["signature"][2:]}]) == 1
    assert verdict(roots=[{**root, "at": "2026-01-07T00:00:00+08:00"}]) == 1
    assert verdict(key="11" * 32) == 1
    assert verdict(entries=[{"seq": 1}]) == 2


def test_the_root_travels_on_the_topic(town):
    """Others keep what we cannot take back."""
    offset(town, "X")
    town.sandbox.move("2026-01-06T09:00:00+08:00")
    feed = town[PROVINCE].get("/settlement/v1/changes", params={"limit": 1000}).json()["items"]
    roots = [item for item in feed if item["type"] == "jicai.settlement.root_published.v1"]
    [published] = everything(town, "roots")
    assert [item["data"]["root"] for item in roots] == [published["root"]]
    for_hospital = town[f"hospital:{H}"].get("/settlement/v1/changes").json()["items"]
    assert for_hospital == []


def prepay(town: Market, id_: str, fen: int, who: str = FINANCE, **said: Any) -> Any:
    body = {"prepayment_id": id_, "hospital_id": H, "batch_id": "B", "amount_fen": fen, **said}
    return town[who].post("/settlement/v1/prepayments", json=body)


def test_a_prepayment_is_at_least_thirty_percent_of_what_was_agreed(town):
    """B1.3.2: 1,000.01 boxes at 10.50 and what else the hospital has agreed to buy of the batch."""
    agreement = {"batch_id": "B", "hospital_id": H, "product_id": "P", "distributor_id": D}
    for id_, more in (
        ("A", {"agreed_quantity": "1000.01"}),
        ("A2", {"agreed_quantity": "1"}),
        ("A3", {"agreed_quantity": "5", "product_id": "Q"}),
        ("A4", {"agreed_quantity": "70", "hospital_id": H2}),
    ):
        answer = town[PROVINCE].put(f"/orders/v1/agreements/{id_}", json={**agreement, **more})
        assert answer.status_code == 200, answer.text
    # 1,050,010.5 fen, rounded up, and 1,050: Q was not selected, H2 is somebody else.
    agreed = 1_050_011 + 1_050
    least = -(-agreed * 30 // 100)
    refused = prepay(town, "V", least - 1)
    assert code(refused) == (422, "prepayment_below_30_percent")
    made = prepay(town, "V", least)
    assert (made.status_code, made.json()["agreed_fen"]) == (201, agreed)
    town[PROVINCE].put("/orders/v1/agreements/A", json={**agreement, "agreed_quantity": "9999"})
    town.sandbox.settle()
    # What was prepaid stands, whatever is agreed afterwards.
    assert prepay(town, "V", least).status_code == 200
    assert code(prepay(town, "V", least + 1)) == (409, "conflicting_duplicate")
    assert code(prepay(town, "W", least)) == (422, "prepayment_below_30_percent")
    assert code(prepay(town, "W", least, batch_id="B9")) == (422, "unknown_batch")
    assert code(prepay(town, "W", least, who=OTHER)) == (404, "not_found")
    assert balance(town, f"hospital:{H}:prepaid") == least
    assert balance(town, "fund:360100:bank") == -least
    # Nothing of it was drawn, so it can be undone.
    assert reverse(town, made.json()["entry_id"]).status_code == 200
    assert balance(town, f"hospital:{H}:prepaid") == 0
    assert town[PROVINCE].get("/settlement/v1/verify").json()["ok"] is True


def cursor(*key: str | int) -> str:
    """A cursor as somebody might make one up."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("what", ["entries", "blocks", "roots"])
def test_a_strange_cursor_of_a_ledgers_list_is_no_fault_of_ours(market, what):
    far = cursor("zzz") if what == "entries" else cursor(2**63 - 1)
    path = f"/settlement/v1/{what}"
    assert market[PROVINCE].get(path, params={"after": far}).json()["items"] == []
    for after in ("x", cursor(-1), cursor(2**63), cursor("a", "b"), ""):
        assert code(market[PROVINCE].get(path, params={"after": after})) == (422, "malformed")
