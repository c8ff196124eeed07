"""Where hospitals pay by themselves: what they owe, when it is due, and what they report to have paid."""

from __future__ import annotations

import csv
import io
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.store.policy_files import shipped_policy
from shared.testing.sandbox import Sandbox, running_sandbox
from tests.journeys.goods import D2, DISTRIBUTOR, FAR, H2, HOSPITAL, OPS, D, H, Json, M
from tests.journeys.market import Market, Tale
from tests.journeys.strange import mutated, texts

PAYMENTS, ARREARS = "/settlement/v1/hospital-payments", "/settlement/v1/arrears"
FINANCE, COUNTY, RIVAL = "finance:360100", "bureau:360102", f"distributor:{D2}"
SHIPPED = Path(__file__).parents[2] / "shared" / "kernel" / "data" / "policy_jiangxi.toml"
LINE_FEN = 105_000
"""100 boxes at 10.50 yuan."""

_numbers = count(1)


PLAYED_ON = ("log",)
"""What it hears are the receipts and invoices that statements hear on both buses."""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy, but that the hospitals of 360100 pay by themselves."""
    text = SHIPPED.read_text(encoding="utf-8")
    chosen = text.replace("hospital_pays_pools = []", 'hospital_pays_pools = ["360100"]')
    assert chosen != text
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(chosen, encoding="utf-8")
    return path


@pytest.fixture
def town(bus: str, policy: Path) -> Iterator[Market]:
    """A sandbox of its own under that policy: over a broker two at once would hear each other."""
    with running_sandbox(policy=policy) as sandbox:
        yield Market(sandbox)


def supplied(town: Market, hospital: str = H, distributor: str = D, **receipt: Any) -> Tale:
    """A line of 100 that was received and is invoiced as it should be."""
    tale = town.placed(hospital, distributor)
    for done in (tale.dispatch(), tale.receive(**receipt), tale.send(tale.invoicing())):
        assert done["status"] == "accepted", done
    town.sandbox.settle()
    return tale


def returned(tale: Tale, quantity: str, **answer: Any) -> None:
    lines = [{"line_id": "L1", "quantity": quantity}]
    for event in (tale.returning(lines=lines), tale.settling_return(**answer)):
        done = tale.send(event)
        assert done["status"] == "accepted", done
    tale.market.sandbox.settle()


def payment(fen: int = 1_000, hospital: str = H, **more: Any) -> Json:
    """A payment with an id and a reference of its own."""
    number = next(_numbers)
    return {
        "payment_id": f"{hospital}-P{number}",
        "hospital_id": hospital,
        "payee_id": D,
        "amount_fen": fen,
        "paid_on": "2026-01-05",
        "bank_reference": f"ICBC{number:08}",
        **more,
    }


def pay(town: Market, fen: int, who: str = HOSPITAL, **more: Any) -> Json:
    answer = town[who].post(PAYMENTS, json=payment(fen, **more))
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document


def act(town: Market, payment_id: str, name: str, who: str, **said: Any) -> Any:
    return town[who].post(f"{PAYMENTS}/{payment_id}/{name}", json=said)


def arrears(town: Market, who: str = OPS, **wanted: Any) -> list[Json]:
    answer = town[who].get(ARREARS, params=wanted)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def lines(town: Market, hospital: str = H, who: str = OPS, **wanted: Any) -> list[Json]:
    answer = town[who].get(f"{ARREARS}/{hospital}/lines", params=wanted)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def buckets(item: Json) -> dict[tuple[int, int | None], int]:
    return {(b["from_days"], b["to_days"]): b["amount_fen"] for b in item["overdue"]}


def test_what_is_received_is_owed_and_grows_old(town: Market) -> None:
    supplied(town)
    [owed] = arrears(town)
    assert owed == {
        "hospital_id": H, "payee_id": D, "pool": "360100", "mode": "hospital",
        "accepted_fen": LINE_FEN, "returned_fen": 0, "paid_fen": 0, "owed_fen": LINE_FEN,
        "credit_fen": 0, "not_yet_due_fen": LINE_FEN, "overdue_fen": 0,
        "overdue": [
            {"from_days": 1, "to_days": 30, "amount_fen": 0},
            {"from_days": 31, "to_days": 60, "amount_fen": 0},
            {"from_days": 61, "to_days": 90, "amount_fen": 0},
            {"from_days": 91, "to_days": None, "amount_fen": 0},
        ],
        "oldest_due_on": "2026-02-04",
    }  # fmt: skip
    [in_time] = arrears(town, as_of="2026-02-04")
    assert in_time["not_yet_due_fen"] == LINE_FEN
    ages = {
        "2026-02-05": 30,
        "2026-03-06": 30,
        "2026-03-07": 60,
        "2026-05-05": 90,
        "2026-05-06": None,
    }
    for day, last in ages.items():
        [late] = arrears(town, as_of=day)
        assert (late["not_yet_due_fen"], late["overdue_fen"]) == (0, LINE_FEN)
        assert [to for (_, to), fen in buckets(late).items() if fen] == [last], day
    assert arrears(town, as_of="2026-01-04") == []
    town.sandbox.move("2026-02-05T00:00:00+08:00")
    [today] = arrears(town)
    assert today["overdue_fen"] == LINE_FEN
    frame = town[OPS].get(ARREARS).json()
    assert frame["due"] == {"days": 30}
    assert (frame["mode"], frame["pools"], frame["as_of"]) == ("hospital", ["360100"], "2026-02-05")


def test_what_is_not_matched_is_not_owed(town: Market) -> None:
    tale = town.placed()
    for done in (tale.dispatch(), tale.receive()):
        assert done["status"] == "accepted"
    town.sandbox.settle()
    assert arrears(town) == []
    wrong = tale.invoicing("I1", lines=[{"line_id": "L1", "quantity": "99", "unit_price": "10.5"}])
    assert tale.send(wrong)["status"] == "accepted"
    town.sandbox.settle()
    assert arrears(town) == []
    rest = tale.invoicing("I2", lines=[{"line_id": "L1", "quantity": "1", "unit_price": "10.5"}])
    assert tale.send(rest)["status"] == "accepted"
    town.sandbox.settle()
    [owed] = arrears(town)
    # Due from acceptance, whenever the invoice comes.
    assert (owed["owed_fen"], owed["oldest_due_on"]) == (LINE_FEN, "2026-02-04")


def test_payments_go_to_the_oldest_due_first_and_a_return_leaves_a_credit(town: Market) -> None:
    first = supplied(town)
    town.sandbox.move("2026-01-20T09:00:00+08:00")
    second = supplied(town)
    pay(town, LINE_FEN + 5_000, paid_on="2026-01-20")
    assert [(one["order_id"], one["open_fen"]) for one in lines(town, paid=True)] == [
        (first.order_id, 0),
        (second.order_id, 100_000),
    ]
    [left] = lines(town)
    assert (left["due_on"], left["paid_fen"], left["overdue_days"]) == ("2026-02-19", 5_000, 0)
    assert lines(town, overdue="true", as_of="2026-02-19") == []
    [late] = lines(town, overdue="true", as_of="2026-02-20")
    assert (late["order_id"], late["overdue_days"]) == (second.order_id, 1)
    # All of the first comes back: what was paid of it pays the second, and the rest is a credit.
    returned(first, "100")
    [owed] = arrears(town)
    assert (owed["owed_fen"], owed["credit_fen"], owed["returned_fen"]) == (0, 5_000, LINE_FEN)
    assert owed["oldest_due_on"] is None
    supplied(town)
    [owed] = arrears(town)
    assert (owed["owed_fen"], owed["credit_fen"]) == (100_000, 0)
    assert owed["accepted_fen"] - owed["returned_fen"] - owed["paid_fen"] == 100_000


def test_a_receipt_that_is_told_late_is_paid_first(town: Market) -> None:
    late = supplied(town)
    pay(town, LINE_FEN)
    assert lines(town) == []
    early = supplied(town, time="2026-01-03T09:00:00+08:00")
    [left] = lines(town)
    assert left["order_id"] == late.order_id
    assert [one["order_id"] for one in lines(town, paid=True)] == [early.order_id, late.order_id]


def test_a_payment_is_reported_once_however_often_it_is_said(town: Market) -> None:
    said = payment()
    first = town[HOSPITAL].post(PAYMENTS, json=said)
    again = town[HOSPITAL].post(PAYMENTS, json=said)
    by_finance = town[FINANCE].post(PAYMENTS, json=said)
    assert (first.status_code, again.status_code, by_finance.status_code) == (201, 200, 200)
    assert first.json() == again.json() == by_finance.json()
    assert first.json() == {
        **said, "state": "reported", "reason": None, "reported_at": "2026-01-05T09:00:00+08:00",
    }  # fmt: skip
    for changed in (
        {"amount_fen": 2},
        {"payee_id": D2},
        {"paid_on": "2026-01-04"},
        {"bank_reference": "X"},
    ):
        answer = town[HOSPITAL].post(PAYMENTS, json={**said, **changed})
        assert code(answer) == (409, "conflicting_duplicate"), changed
    other = payment(bank_reference=said["bank_reference"])
    assert code(town[HOSPITAL].post(PAYMENTS, json=other)) == (409, "bank_reference_taken")
    # Another hospital's bank has references of its own.
    pay(town, 1, f"hospital:{H2}", hospital=H2, bank_reference=said["bank_reference"])
    assert [one["paid_fen"] for one in arrears(town, hospital_id=H)] == [1_000]


WRONG = [
    (HOSPITAL, {"amount_fen": 0}, (422, "malformed")),
    (HOSPITAL, {"amount_fen": 2**53}, (422, "malformed")),
    (HOSPITAL, {"amount_fen": "5"}, (422, "malformed")),
    (HOSPITAL, {"payment_id": f"{H2}-1"}, (422, "malformed")),
    (HOSPITAL, {"payment_id": f"{H}-a/b"}, (422, "malformed")),
    (HOSPITAL, {"paid_on": "2026-1-5"}, (422, "malformed")),
    (HOSPITAL, {"bank_reference": ""}, (422, "malformed")),
    (HOSPITAL, {"hospital_id": 5}, (422, "malformed")),
    (HOSPITAL, {"paid_on": "2026-01-06"}, (422, "paid_in_future")),
    (HOSPITAL, {"payee_id": M}, (422, "unknown_distributor")),
    (HOSPITAL, {"hospital_id": H2, "amount_fen": 0}, (404, "not_found")),
    (FINANCE, {"hospital_id": "H36010299999", "payment_id": "H36010299999-1"}, (422, "unknown_hospital")),
    (FINANCE, {"hospital_id": FAR, "amount_fen": 0}, (404, "not_found")),
    ("finance:360102", {}, (404, "not_found")),
    ("finance:360000", {"hospital_id": FAR, "payment_id": f"{FAR}-1"}, (409, "fund_pays")),
    (DISTRIBUTOR, {"amount_fen": 0}, (403, "forbidden")),
    (OPS, {}, (403, "forbidden")),
    (f"manufacturer:{M}", {}, (403, "forbidden")),
]  # fmt: skip
"""What is wrong with a payment, and how it is told."""


def test_what_is_wrong_with_a_payment_is_said(town: Market) -> None:
    for who, said, expected in WRONG:
        answer = town[who].post(PAYMENTS, json=payment(**said))
        assert code(answer) == expected, (who, said)
    assert town[OPS].get(PAYMENTS).json()["items"] == []


def test_what_its_payee_contests_pays_nothing_until_it_is_acknowledged(town: Market) -> None:
    supplied(town)
    id_ = pay(town, 5_000)["payment_id"]
    [owed] = arrears(town)
    assert owed["paid_fen"] == 5_000
    contested = act(town, id_, "contest", DISTRIBUTOR, reason="未到账")
    assert contested.status_code == 200, contested.text
    assert (contested.json()["state"], contested.json()["reason"]) == ("contested", "未到账")
    assert act(town, id_, "contest", DISTRIBUTOR, reason="未到账").json() == contested.json()
    other = act(town, id_, "contest", DISTRIBUTOR, reason="金额不符")
    assert code(other) == (409, "conflicting_duplicate")
    assert [one["paid_fen"] for one in arrears(town)] == [0]
    found = act(town, id_, "acknowledge", DISTRIBUTOR)
    assert (found.json()["state"], found.json()["reason"]) == ("acknowledged", None)
    assert act(town, id_, "acknowledge", DISTRIBUTOR).json() == found.json()
    assert [one["paid_fen"] for one in arrears(town)] == [5_000]
    for name, who in (("contest", DISTRIBUTOR), ("withdraw", HOSPITAL)):
        assert code(act(town, id_, name, who, reason="误")) == (409, "wrong_state")


def test_a_payment_reported_by_mistake_is_withdrawn_and_its_reference_is_free(town: Market) -> None:
    wrong = pay(town, 5_000)
    gone = act(town, wrong["payment_id"], "withdraw", HOSPITAL, reason="金额登错")
    assert gone.json()["state"] == "withdrawn"
    assert act(town, wrong["payment_id"], "withdraw", FINANCE, reason="金额登错").status_code == 200
    assert code(act(town, wrong["payment_id"], "acknowledge", DISTRIBUTOR)) == (409, "wrong_state")
    assert arrears(town) == []
    pay(town, 500, bank_reference=wrong["bank_reference"])
    [owed] = arrears(town)
    assert (owed["paid_fen"], owed["credit_fen"]) == (500, 500)


def test_faults_of_an_act_are_told_in_their_order(town: Market) -> None:
    id_ = pay(town, 5_000)["payment_id"]
    for who, name, expected in (
        (RIVAL, "contest", (404, "not_found")),
        (f"hospital:{H2}", "withdraw", (404, "not_found")),
        ("finance:360700", "withdraw", (404, "not_found")),
        (f"manufacturer:{M}", "contest", (403, "forbidden")),
        (HOSPITAL, "contest", (403, "forbidden")),
        (HOSPITAL, "acknowledge", (403, "forbidden")),
        (DISTRIBUTOR, "withdraw", (403, "forbidden")),
        (COUNTY, "withdraw", (403, "forbidden")),
        (DISTRIBUTOR, "contest", (422, "malformed")),
        (HOSPITAL, "withdraw", (422, "malformed")),
    ):
        assert code(act(town, id_, name, who, reason="")) == expected, (who, name)
    assert code(act(town, "nothing", "contest", DISTRIBUTOR, reason="")) == (404, "not_found")


def test_everybody_sees_their_own_and_nobody_a_neighbours(town: Market) -> None:
    for hospital, payee in ((H, D), (H, D2), (H2, D), (FAR, D)):
        supplied(town, hospital, payee)
    pay(town, 7)
    pay(town, 8, payee_id=D2)
    pay(town, 9, f"hospital:{H2}", hospital=H2)
    everything = [(H, D), (H, D2), (H2, D)]
    sees = {
        HOSPITAL: [(H, D), (H, D2)],
        DISTRIBUTOR: [(H, D), (H2, D)],
        RIVAL: [(H, D2)],
        COUNTY: everything,
        "bureau:360735": [],
        "bureau:360000": everything,
        FINANCE: everything,
        "finance:360700": [],
        "regulator:360000": everything,
    }
    for who, theirs in sees.items():
        found = [(one["hospital_id"], one["payee_id"]) for one in arrears(town, who)]
        assert found == sorted(theirs), who
        paid = town[who].get(PAYMENTS).json()["items"]
        assert sorted((one["hospital_id"], one["payee_id"]) for one in paid) == sorted(theirs), who
    assert arrears(town, RIVAL, payee_id=D) == []
    assert town[RIVAL].get(PAYMENTS, params={"payee_id": D}).json()["items"] == []
    assert arrears(town, HOSPITAL, hospital_id=H2) == []
    assert {one["payee_id"] for one in lines(town, who=RIVAL)} == {D2}
    assert lines(town, who=RIVAL, payee_id=D) == []
    assert [one["hospital_id"] for one in arrears(town, payee_id=D, hospital_id=H2)] == [H2]
    for who in (f"hospital:{H2}", "bureau:360735", "finance:360700"):
        assert code(town[who].get(f"{ARREARS}/{H}/lines")) == (404, "not_found"), who
    for path in (ARREARS, PAYMENTS, f"{ARREARS}/{H}/lines"):
        assert code(town[f"manufacturer:{M}"].get(path)) == (403, "forbidden")


def test_where_the_fund_pays_nothing_is_owed_in_this_mode(town: Market) -> None:
    supplied(town, FAR)
    document = town[OPS].get(ARREARS, params={"hospital_id": FAR}).json()
    assert (document["items"], document["mode"]) == ([], "fund")
    document = town[OPS].get(f"{ARREARS}/{FAR}/lines").json()
    assert (document["items"], document["mode"]) == ([], "fund")


def test_no_statement_is_drafted_where_the_hospital_pays(town: Market) -> None:
    supplied(town)
    supplied(town, FAR)
    town.sandbox.move("2026-02-09T09:00:00+08:00")
    statements = town[OPS].get("/settlement/v1/statements").json()["items"]
    assert [one["hospital_id"] for one in statements] == [FAR]
    assert [one["overdue_fen"] for one in arrears(town)] == [LINE_FEN]


def test_what_the_fund_has_drafted_is_not_owed_when_the_mode_changes(
    bus: str, policy: Path, tmp_path: Path
) -> None:
    """The pool changes on the 9th of February: January is the fund's, what comes then the hospital's."""
    with running_sandbox(data=tmp_path / "data") as sandbox:
        supplied(Market(sandbox))
        sandbox.move("2026-02-09T09:00:00+08:00")
    with running_sandbox(data=tmp_path / "data", policy=policy) as sandbox:
        town = Market(sandbox, fill=False)
        assert arrears(town) == []
        supplied(town)
        assert [one["owed_fen"] for one in arrears(town)] == [LINE_FEN]
        [statement] = town[OPS].get("/settlement/v1/statements").json()["items"]
        assert statement["total_fen"] == LINE_FEN


def test_the_shipped_policy_has_no_hospital_pay_by_itself(sandbox: Sandbox) -> None:
    market = Market(sandbox)
    supplied(market)
    document = market[HOSPITAL].get(ARREARS).json()
    assert (document["items"], document["mode"], document["pools"]) == ([], "fund", [])
    assert document["policy_version"] == shipped_policy().version
    assert code(market[HOSPITAL].post(PAYMENTS, json=payment())) == (409, "fund_pays")


def test_lists_go_from_page_to_page(town: Market) -> None:
    for hospital, payee in ((H, D), (H, D2), (H2, D), (H, D)):
        supplied(town, hospital, payee)
    for _ in range(3):
        pay(town, 1)
    for path, key in (
        (ARREARS, "payee_id"),
        (f"{ARREARS}/{H}/lines", "order_id"),
        (PAYMENTS, "payment_id"),
    ):
        whole = town[OPS].get(path).json()["items"]
        found, after = [], {}
        while True:
            page = town[OPS].get(path, params={"limit": 1, **after}).json()
            found += page["items"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert found == whole, key
        assert len(found) == 3


def test_faults_of_a_question_are_named(town: Market) -> None:
    supplied(town)
    cursors = [
        {"after": urlsafe_b64encode(key).decode()}
        for key in (
            b"!",
            b"[]",
            b'["",""]',
            b'["H","\\u0000"]',
            b'["","","","",""]',
            b'["\\ud800"]',
            b"[1]",
        )
    ]
    asked = (
        {"hospital_id": "H1"},
        {"payee_id": "x"},
        {"as_of": "2026-02-30"},
        {"format": "pdf"},
        *cursors,
    )
    for path in (ARREARS, f"{ARREARS}/{H}/lines"):
        for wanted in asked:
            if path != ARREARS and "hospital_id" in wanted:
                continue
            answer = town[OPS].get(path, params=wanted)
            assert answer.status_code == 422, (path, wanted, answer.text)
    for wanted in ({"state": "lost"}, {"after": "!"}, {"limit": 0}):
        assert town[OPS].get(PAYMENTS, params=wanted).status_code == 422
    for day in ("0001-01-01", "9999-12-31"):
        assert len(arrears(town, as_of=day)) == len(lines(town, as_of=day)) == (day > "2026")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=mutated(payment()), kind=st.sampled_from(["hospital-payments", "arrears", f"arrears/{H}/lines"]),
    query=st.dictionaries(
        st.sampled_from(["after", "as_of", "payee_id", "overdue", "limit"]), texts, max_size=3
    ),
)  # fmt: skip
def test_no_words_and_no_question_are_a_fault_of_ours(
    town: Market, body: Any, kind: str, query: dict[str, str]
) -> None:
    answer = town[HOSPITAL].post(PAYMENTS, content=json.dumps(body).encode())
    assert answer.status_code in (200, 201, 404, 409, 422), (body, answer.text)
    answer = town[OPS].get(f"/settlement/v1/{kind}", params=query)
    assert answer.status_code in (200, 422), (kind, query, answer.text)


def test_a_list_is_a_sheet_that_no_spreadsheet_runs(town: Market) -> None:
    supplied(town)
    pay(town, 5_000, bank_reference="=1+1", paid_on="2026-01-05")
    answer = town[OPS].get(PAYMENTS, params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["银行流水号"], row["金额(分)"], row["状态"]) == ("'=1+1", "5000", "已登记")
    answer = town[OPS].get(ARREARS, params={"format": "csv", "limit": 1, "as_of": "2026-02-05"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["应付未付(分)"], row["逾期1-30天(分)"], row["逾期91+天(分)"]) == (
        "100000",
        "100000",
        "0",
    )
    assert 'rel="next"' in answer.headers["link"]
    english = town[OPS].get(
        f"{ARREARS}/{H}/lines", params={"format": "csv"}, headers={"accept-language": "en"}
    )
    [row] = csv.DictReader(io.StringIO(english.content.decode("utf-8-sig")))
    assert (row["due_on"], row["open_fen"], row["quantity"]) == ("2026-02-04", "100000", "100")


def test_the_payee_hears_of_a_payment_on_its_feed_and_its_rival_does_not(town: Market) -> None:
    id_ = pay(town, 5_000)["payment_id"]
    act(town, id_, "contest", DISTRIBUTOR, reason="未到账")
    heard = {
        who: [
            one["type"].rsplit(".", 2)[1]
            for one in town[who].get("/settlement/v1/changes").json()["items"]
            if "hospital_payment" in one["type"]
        ]
        for who in (HOSPITAL, DISTRIBUTOR, RIVAL, COUNTY, f"manufacturer:{M}")
    }
    told = ["hospital_payment_reported", "hospital_payment_contested"]
    assert heard == {
        HOSPITAL: told, DISTRIBUTOR: told, COUNTY: told, RIVAL: [], f"manufacturer:{M}": [],
    }  # fmt: skip
