"""The retained surplus: the golden example, and section 10 sentence by sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.settling.desk import BASE, request
from tests.oracle.settling.refusals import Answer
from tests.oracle.settling.retention import FACTORS
from tests.oracle.settling.sources import Unsaid
from tests.oracle.settling.tale import Tale
from tests.oracle.settling.town import BUREAU, FAR, FINANCE, HOSPITAL, PROVINCE, D, H, day

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "retention.json"
GOLDEN, UNREPORTED = json.loads(VECTORS.read_text("utf-8"))["cases"]
FIGURES = ("budget_fen", "spend_fen", "base_fen", "retained_fen")


def inputs(*varieties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The factors of the golden example over these varieties."""
    body = {name: GOLDEN[name] for name in FACTORS}
    return body | {"varieties": list(varieties)} | more


def variety(name: str = "GP", **more: Any) -> dict[str, Any]:
    """The golden variety; what is None is left out."""
    golden = {k: v for k, v in GOLDEN.items() if k not in (*FACTORS, *FIGURES)}
    body = {"generic_name": name} | golden | more
    return {key: value for key, value in body.items() if value is not None}


def put(tale: Tale, body: Any, hospital: str = H, actor: str = BUREAU, batch: str = "B") -> Answer:
    """The inputs of 2026."""
    path = f"{BASE}/retention-inputs/{batch}/2026/{hospital}"
    return request(tale.office, tale.office.now, actor, "PUT", path, body)


def calculate(tale: Tale, actor: str = BUREAU, **more: Any) -> list[dict[str, Any]]:
    """The items of a calculation for 2026."""
    said = {"batch_id": "B", "year": 2026} | more
    return list(tale.done(tale.office.now, actor, "/retentions:calculate", said)["items"])


def figures(item: dict[str, Any]) -> list[list[int]]:
    """The four figures of each variety."""
    return [[row[name] for name in FIGURES] for row in item["varieties"]]


def test_the_golden_example_holds() -> None:
    tale = Tale()
    assert put(tale, inputs(variety())).status == 200
    [item] = calculate(tale, hospital_id=H)
    assert figures(item) == [[GOLDEN[name] for name in FIGURES]]
    assert (item["hospital_id"], item["retained_fen"]) == (H, GOLDEN["retained_fen"])


def test_an_unreported_variety_pays_0_whether_0_or_nowhere_to_be_found() -> None:
    tale = Tale()
    reported = UNREPORTED["reported_quantity"]
    put(tale, inputs(variety(reported_quantity=reported), variety(reported_quantity=None)))
    [item] = calculate(tale, hospital_id=H)
    assert [row[3] for row in figures(item)] == [UNREPORTED["retained_fen"]] * 2
    assert item["retained_fen"] == 0


def test_use_above_the_agreed_quantity_costs_no_surplus_and_a_loss_pays_nothing() -> None:
    tale = Tale()
    put(tale, inputs(variety(selected_quantity="900000"), variety(pre_price="0.01")))
    [item] = calculate(tale, hospital_id=H)
    assert figures(item)[0] == [GOLDEN[name] for name in FIGURES]
    assert figures(item)[1][2:] == [0, 0]


def test_each_figure_is_rounded_half_up_from_the_exact_value_and_rows_add_up_to_the_total() -> None:
    tale = Tale()
    tiny = variety(reported_quantity="1", pre_price="0.0313", selected_quantity="0.0000")
    tiny |= {"non_selected": []}
    body = inputs(tiny, tiny, fund_ratio="1", insured_share="1", assessment="0.5")
    put(tale, body)
    [item] = calculate(tale, hospital_id=H)
    # 3.13 fen and half of it: 1.565, and not half of 3.
    assert figures(item) == [[3, 0, 3, 2]] * 2
    assert item["retained_fen"] == 4


def test_what_a_variety_leaves_out_comes_from_reports_agreements_and_receipts() -> None:
    tale = Tale()
    world = tale.office.orders.world
    report = {"batch_id": "B", "hospital_id": H, "generic_name": "GP"}
    world.put(day(2), "demand-reports/1", report | {"reported_quantity": "2000"})
    order = tale.goods(day(3), ("P", "700", "10"))
    tale.take_back(day(4), order, "P", "100")
    tale.goods(day(5), ("P", "200", "10"), order="2")
    put(tale, inputs({"generic_name": "GP", "pre_price": "20"}))
    [item] = calculate(tale, hospital_id=H)
    # (2 000 x 20 - min(900, 1 000) x 10.50) x 0.48
    assert figures(item)[0][:3] == [1920000, 453600, 1466400]


def test_use_counts_in_the_agreement_year_by_the_day_of_the_receipt() -> None:
    tale = Tale()
    agreed = {"batch_id": "B", "hospital_id": H, "product_id": "P", "distributor_id": D}
    world = tale.office.orders.world
    dates = {"from": "2026-03-04", "to": "2026-03-05"}
    world.put(day(2), "agreements/A", agreed | {"agreed_quantity": "1000"} | dates)
    for number, (at, quantity) in enumerate([(3, "1"), (4, "2"), (5, "4"), (6, "8")]):
        tale.goods(day(at), ("P", quantity, "10"), order=str(number))
    put(tale, inputs({"generic_name": "GP", "pre_price": "20", "reported_quantity": "10"}))
    [item] = calculate(tale, hospital_id=H)
    # (2 + 4) x 10.50 x 0.48
    assert figures(item)[0][1] == 3024


def test_what_was_bought_of_no_list_counts_at_the_price_ordered() -> None:
    tale = Tale()
    tale.goods(day(3), ("R", "10", "9"), price="9")
    put(tale, inputs({"generic_name": "GR", "pre_price": "20", "reported_quantity": "10"}))
    [item] = calculate(tale, hospital_id=H)
    assert figures(item)[0][:2] == [9600, 4320]


def test_where_the_contract_leaves_the_price_open_the_oracle_does_not_guess() -> None:
    tale = Tale()
    agreed = {"batch_id": "B", "hospital_id": H, "product_id": "P2", "distributor_id": D}
    world = tale.office.orders.world
    world.put(day(2), "products/P2", {"generic_name": "GP"})
    world.put(day(2), "agreements/2", agreed | {"agreed_quantity": "1"})
    put(tale, inputs(variety(selected_price=None)))
    with pytest.raises(Unsaid):
        calculate(tale, hospital_id=H)


def test_a_real_run_posts_once_and_inputs_changed_after_it_change_nothing() -> None:
    tale = Tale()
    put(tale, inputs(variety()))
    assert calculate(tale, hospital_id=H, preview=True)
    assert tale.get("/entries")["items"] == []
    first = calculate(tale, hospital_id=H)
    put(tale, inputs(variety(pre_price="9")))
    assert calculate(tale, hospital_id=H) == first
    [entry] = tale.get("/entries")["items"]
    told = [(row["account"], row["debit_fen"], row["credit_fen"]) for row in entry["postings"]]
    fen = GOLDEN["retained_fen"]
    assert told == [("retention:360100:expense", fen, 0), (f"retention:{H}:payable", 0, fen)]


def test_a_preview_follows_the_inputs_until_the_real_run() -> None:
    tale = Tale()
    put(tale, inputs(variety()))
    before = calculate(tale, hospital_id=H, preview=True)
    put(tale, inputs(variety(pre_price="9")))
    assert calculate(tale, hospital_id=H, preview=True) != before


def test_without_a_hospital_all_of_the_pool_are_calculated() -> None:
    tale = Tale()
    for hospital, actor in ((H, BUREAU), (FAR, "bureau:360200")):
        put(tale, inputs(variety()), hospital, actor)
    assert [item["hospital_id"] for item in calculate(tale)] == [H]
    assert [item["hospital_id"] for item in calculate(tale, "bureau:360200")] == [FAR]
    assert [item["hospital_id"] for item in calculate(tale, PROVINCE)] == [H, FAR]
    said = {"batch_id": "B", "year": 2026}
    assert tale.fault(day(3), "bureau:360102", "/retentions:calculate", said)[0] == 403


def test_the_bureau_of_the_pool_says_and_calculates() -> None:
    tale = Tale()
    body = inputs(variety())
    for actor, status in (
        (HOSPITAL, 403),
        (FINANCE, 403),
        ("bureau:360102", 403),
        ("bureau:360200", 404),
    ):
        assert put(tale, body, actor=actor).status == status
        said = {"batch_id": "B", "year": 2026, "hospital_id": H}
        assert tale.fault(day(3), actor, "/retentions:calculate", said)[0] == (
            403 if status == 403 else 404
        )
    said = {"batch_id": "B", "year": 2026, "hospital_id": H}
    assert tale.fault(day(3), BUREAU, "/retentions:calculate", said)[0] == 422
    assert put(tale, body, actor=PROVINCE).status == 200


@pytest.mark.parametrize(
    "wrong", [{"assessment": "0.51"}, {"accuracy": "1.1"}, {"fund_ratio": 1}, {"varieties": None}]
)
def test_an_assessment_above_a_half_is_refused_and_so_is_a_factor_that_is_none(
    wrong: dict[str, Any],
) -> None:
    assert put(Tale(), inputs(variety()) | wrong).status == 422
    assert put(Tale(), inputs(variety(), assessment="0.50")).status == 200
