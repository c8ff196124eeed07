"""Retained surplus through the doors of a sandbox: set, previewed, calculated once, explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings

from shared.testing.sandbox import running_sandbox
from tests.journeys.small_town import DISTRIBUTOR, HOSPITAL, MAKER, OTHER_HOSPITAL, PROVINCE, Town
from tests.journeys.strange import RETENTION_INPUTS, mutated

POOL, COUNTY, ELSEWHERE = "bureau:360100", "bureau:360102", "bureau:360500"
BY_HOSPITAL, FINANCE = f"hospital:{HOSPITAL}", "finance:360100"
GOLDEN = {
    "generic_name": "头孢呋辛",
    "reported_quantity": "100000",
    "agreed_quantity": "70000",
    "selected_quantity": "90000",
    "pre_price": "2.00",
    "selected_price": "0.50",
    "non_selected": [{"quantity": "10000", "price": "1.80"}],
}
FACTORS = {"assessment": "0.40", "accuracy": "1", "fund_ratio": "0.60", "insured_share": "0.80"}
INPUTS = {**FACTORS, "varieties": [GOLDEN]}
_years = count(2030)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A small town with a second hospital in another pool; each test takes a year of its own."""
    with running_sandbox() as sandbox:
        town = Town(sandbox)
        body = {"kinds": ["hospital"], "name": "某医院", "division": "360502"}
        town.put(f"/orders/v1/organisations/{OTHER_HOSPITAL}", body)
        sandbox.settle()
        yield town


@pytest.fixture
def year() -> int:
    return next(_years)


def path(year: int, hospital: str = HOSPITAL, batch: str = "B1") -> str:
    return f"/settlement/v1/retention-inputs/{batch}/{year}/{hospital}"


def calculate(town: Town, year: int, actor: str = POOL, **more: Any) -> httpx2.Response:
    body = {"batch_id": "B1", "year": year, "hospital_id": HOSPITAL, **more}
    return town.client(actor).post("/settlement/v1/retentions:calculate", json=body)


def item(answer: httpx2.Response) -> dict[str, Any]:
    """The one result of a calculation."""
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["items"]
    return dict(found)


def fault(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def balance(town: Town, account: str) -> int:
    """What stands on an account (余额)."""
    document = town.get(f"/settlement/v1/accounts/{account}", "finance:360000")
    return int(document["balance_fen"])


def test_the_golden_example_is_calculated_once_posted_and_shown(town: Town, year: int) -> None:
    set_ = town.put(path(year), {**INPUTS, "memo": "考核报告第3号"}, POOL)
    assert set_ == {
        **INPUTS, "memo": "考核报告第3号", "id": f"B1/{year}/{HOSPITAL}",
        "batch_id": "B1", "year": year, "hospital_id": HOSPITAL,
    }  # fmt: skip
    payable, expense = f"retention:{HOSPITAL}:payable", "retention:360100:expense"
    before = balance(town, payable), balance(town, expense)
    found = item(calculate(town, year))
    assert balance(town, payable) == before[0] - 2_822_400
    assert balance(town, expense) == before[1] + 2_822_400
    [variety] = found["varieties"]
    figures = ("budget_fen", "spend_fen", "base_fen", "retained_fen")
    assert [variety[f] for f in figures] == [9_600_000, 2_544_000, 7_056_000, 2_822_400]
    assert found["retained_fen"] == 2_822_400
    assert {name: variety["factors"][name] for name in FACTORS} == FACTORS
    shown = town.get(f"/settlement/v1/retentions?batch_id=B1&year={year}", BY_HOSPITAL)
    assert shown == {"items": [found], "next": None}
    assert any("28224.00" in line["zh"] for line in variety["explanation"])
    assert found["entry_key"] == f"retention-B1-{year}-{HOSPITAL}"


def test_inputs_changed_after_the_run_change_nothing(town: Town, year: int) -> None:
    town.put(path(year), INPUTS, POOL)
    before = item(calculate(town, year))
    town.put(path(year), {**INPUTS, "assessment": "0.50"}, POOL)
    assert item(calculate(town, year)) == before
    assert item(calculate(town, year, preview=True)) == before
    assert item(calculate(town, year, PROVINCE)) == before
    facts = [
        fact for fact in town.get("/settlement/v1/changes?limit=1000")["items"]
        if fact["type"].endswith("retention_calculated.v1") and fact["data"]["year"] == year
    ]  # fmt: skip
    assert len(facts) == 1


def test_a_preview_keeps_nothing_and_foretells_the_run(town: Town, year: int) -> None:
    town.put(path(year), INPUTS, POOL)
    foretold = item(calculate(town, year, preview=True))
    assert town.get(f"/settlement/v1/retentions?year={year}", POOL)["items"] == []
    assert item(calculate(town, year)) == foretold


def test_a_bureau_calculates_all_of_its_pool_and_no_other(town: Town, year: int) -> None:
    town.put(path(year), INPUTS, POOL)
    town.put(path(year, OTHER_HOSPITAL), INPUTS, PROVINCE)
    mine = calculate(town, year, hospital_id=None).json()["items"]
    assert [one["hospital_id"] for one in mine] == [HOSPITAL]
    everybody = calculate(town, year, PROVINCE, hospital_id=None).json()["items"]
    assert [one["hospital_id"] for one in everybody] == [HOSPITAL, OTHER_HOSPITAL]
    assert [one["pool"] for one in everybody] == ["360100", "360500"]


def test_a_price_nobody_knows_stops_the_run_and_says_where(town: Town, year: int) -> None:
    lacking = {key: value for key, value in GOLDEN.items() if key != "pre_price"}
    town.put(path(year), {**FACTORS, "varieties": [lacking]}, POOL)
    for preview in (True, False):
        answer = calculate(town, year, preview=preview)
        assert fault(answer) == (422, "retention_input_missing")
        pointer = answer.json()["errors"][0]["pointer"]
        assert pointer == f"/{HOSPITAL}/头孢呋辛/pre_price"
    assert town.get(f"/settlement/v1/retentions?year={year}", POOL)["items"] == []


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"assessment": "0.5001"}, "/assessment"),
        ({"assessment": None}, "/assessment"),
        ({"assessment": "-0.1"}, "/assessment"),
        ({"assessment": 0.4}, "/assessment"),
        ({"grade": "E"}, "/grade"),
        ({"grade": "A"}, "/assessment"),
        ({"accuracy": "1.1"}, "/accuracy"),
        ({"fund_ratio": None}, "/fund_ratio"),
        ({"varieties": []}, "/varieties"),
        ({"varieties": [GOLDEN, GOLDEN]}, "/varieties"),
        ({"varieties": [{**GOLDEN, "pre_price": "1.23456"}]}, "/varieties/0/pre_price"),
        ({"varieties": [{"pre_price": "1"}]}, "/varieties/0/generic_name"),
    ],
)
def test_inputs_that_policy_does_not_allow_are_refused(
    town: Town, wrong: dict[str, Any], pointer: str
) -> None:
    answer = town.client(POOL).put(path(2029), json={**INPUTS, **wrong})
    assert fault(answer) == (422, "malformed")
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_strange_inputs_are_refused_or_calculated_and_never_a_500(town: Town, year: int) -> None:
    client = town.client(POOL)

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(mutated(RETENTION_INPUTS))
    def every(body: Any) -> None:
        answer = client.put(path(year), content=json.dumps(body))
        assert answer.status_code in (200, 422), answer.text
        answer = calculate(town, year, preview=True)
        assert answer.status_code in (200, 422), answer.text

    every()
    town.put(path(year), RETENTION_INPUTS, POOL)
    assert item(calculate(town, year))["retained_fen"] == 2_822_400


def test_an_assessment_may_be_stated_as_a_grade(town: Town, year: int) -> None:
    town.put(path(year), {**INPUTS, "assessment": None, "grade": "B"}, POOL)
    found = item(calculate(town, year, preview=True))
    assert found["retained_fen"] == 2_822_400
    assert found["varieties"][0]["factors"]["grade"] == "B"


def test_what_refers_to_something_unknown_is_refused(town: Town, year: int) -> None:
    put = town.client(PROVINCE).put
    assert fault(put(path(year, batch="NONE"), json=INPUTS)) == (422, "unknown_batch")
    assert fault(put(path(year, "H36010299999"), json=INPUTS)) == (422, "unknown_hospital")
    assert fault(put(path(year, "nobody"), json=INPUTS)) == (422, "unknown_hospital")
    assert fault(put(path(999), json=INPUTS)) == (422, "malformed")
    assert fault(calculate(town, year)) == (422, "unknown_retention_inputs")
    assert fault(calculate(town, year, batch_id="NONE")) == (422, "unknown_batch")
    assert fault(calculate(town, year, PROVINCE, hospital_id="H36010299999")) == (
        422, "unknown_hospital",
    )  # fmt: skip
    assert calculate(town, year, hospital_id=None).json()["items"] == []


SETS: dict[int, tuple[str, ...]] = {
    200: (POOL, PROVINCE),
    403: (COUNTY, BY_HOSPITAL, FINANCE, "regulator:360000", "importer:360000", "ops:360000"),
    404: (
        ELSEWHERE, f"hospital:{OTHER_HOSPITAL}", "finance:360500", f"distributor:{DISTRIBUTOR}",
        f"manufacturer:{MAKER}", "finance:360102",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "actor"), [(s, a) for s, actors in SETS.items() for a in actors]
)
def test_only_the_pools_bureau_and_the_province_set_inputs(
    town: Town, status: int, actor: str
) -> None:
    assert town.client(actor).put(path(2029), json=INPUTS).status_code == status
    # Who may not is told so before the words are read.
    if status != 200:
        assert town.client(actor).put(path(2029), json={"varieties": 7}).status_code == status


def test_who_reads_inputs_and_results(town: Town, year: int) -> None:
    town.put(path(year), INPUTS, POOL)
    calculate(town, year)
    sees = {
        BY_HOSPITAL: 1, f"hospital:{OTHER_HOSPITAL}": 0, POOL: 1, COUNTY: 1, ELSEWHERE: 0,
        PROVINCE: 1, FINANCE: 1, "finance:360500": 0, "finance:360102": 0, "regulator:360000": 1,
    }  # fmt: skip
    for actor, number in sees.items():
        found = town.get(f"/settlement/v1/retentions?year={year}", actor)["items"]
        assert len(found) == number, actor
        inputs = town.client(actor).get(path(year)).status_code
        assert inputs == (200 if number else 404), actor
    for actor in (f"distributor:{DISTRIBUTOR}", f"manufacturer:{MAKER}"):
        assert town.client(actor).get("/settlement/v1/retentions").status_code == 403
        assert town.client(actor).get(path(year)).status_code == 404


def test_who_may_have_it_calculated(town: Town, year: int) -> None:
    town.put(path(year), INPUTS, POOL)
    assert fault(calculate(town, year, COUNTY)) == (403, "forbidden")
    assert fault(calculate(town, year, COUNTY, hospital_id=None)) == (403, "forbidden")
    assert fault(calculate(town, year, ELSEWHERE)) == (404, "not_found")
    assert fault(calculate(town, year, BY_HOSPITAL)) == (403, "forbidden")
    assert fault(calculate(town, year, FINANCE)) == (403, "forbidden")
    assert fault(calculate(town, year, preview="yes")) == (422, "malformed")


def test_results_come_in_pages(town: Town) -> None:
    years = [next(_years) for _ in range(3)]
    for year in years:
        town.put(path(year), INPUTS, POOL)
        calculate(town, year)
    seen, after = [], ""
    while True:
        found = town.get(f"/settlement/v1/retentions?hospital_id={HOSPITAL}&limit=2{after}", POOL)
        seen += [one["year"] for one in found["items"]]
        if found["next"] is None:
            break
        after = f"&after={found['next']}"
    assert set(years) <= set(seen)
    assert seen == sorted(set(seen))
    bad = town.client(POOL).get("/settlement/v1/retentions?after=x")
    assert fault(bad) == (422, "malformed")
