"""Retained surplus reckoned from what others reported, agreed and received, on both buses."""

from __future__ import annotations

from typing import Any

from shared.testing.sandbox import Sandbox
from tests.journeys.small_town import DISTRIBUTOR, HOSPITAL, MAKER, Town

POOL, BY_HOSPITAL = "bureau:360100", f"hospital:{HOSPITAL}"
GENERIC = "阿莫西林"
LEAN = {
    "assessment": "0.40", "accuracy": "1", "fund_ratio": "0.60", "insured_share": "0.80",
    "varieties": [{"generic_name": GENERIC, "pre_price": "30"}],
}  # fmt: skip


def previewed(town: Town, year: int) -> dict[str, Any]:
    """The one variety of a preview on the lean inputs."""
    town.put(f"/settlement/v1/retention-inputs/B1/{year}/{HOSPITAL}", LEAN, POOL)
    answer = town.client(POOL).post(
        "/settlement/v1/retentions:calculate",
        json={"batch_id": "B1", "year": year, "hospital_id": HOSPITAL, "preview": True},
    )
    assert answer.status_code == 200, answer.text
    [one] = answer.json()["items"]
    [variety] = one["varieties"]
    return dict(variety)


def register(town: Town) -> None:
    """A rival product of the same generic, an agreement of 2026, and what was reported."""
    town.put("/orders/v1/products/P9", {
        "name": "原研", "generic_name": GENERIC, "category": "drug",
        "manufacturer_id": MAKER, "unit": "盒", "units_per_pack": 24,
    })  # fmt: skip
    town.put("/orders/v1/agreements/A1", {
        "batch_id": "B1", "hospital_id": HOSPITAL, "product_id": "P1",
        "distributor_id": DISTRIBUTOR, "agreed_quantity": "70", "signed": {},
        "from": "2026-01-01", "to": "2026-12-31",
    })  # fmt: skip
    town.put("/orders/v1/demand-reports/R1", {
        "batch_id": "B1", "hospital_id": HOSPITAL, "generic_name": GENERIC,
        "reported_quantity": "100", "last_year_quantity": "90", "signed_off_by": "药事会",
    })  # fmt: skip


def receive(town: Town, order_id: str, product: str, quantity: str, price: str) -> None:
    """An order, delivered and accepted."""
    distributor = f"distributor:{DISTRIBUTOR}"
    town.post(
        BY_HOSPITAL, f"{order_id}-placed", "jicai.order.placed.v1", order_id=order_id,
        hospital_id=HOSPITAL, distributor_id=DISTRIBUTOR,
        lines=[{"line_id": "1", "product_id": product, "quantity": quantity, "unit_price": price}],
    )  # fmt: skip
    town.post(
        distributor, f"{order_id}-sent", "jicai.delivery.dispatched.v1", delivery_id="D1",
        order_id=order_id,
        lines=[
            {"line_id": "1", "quantity": quantity, "lot_number": "L", "expires_on": "2028-01-01"}
        ],
    )  # fmt: skip
    town.post(
        BY_HOSPITAL, f"{order_id}-received", "jicai.delivery.received.v1", receipt_id="R1",
        delivery_id="D1", order_id=order_id,
        lines=[{"line_id": "1", "accepted": quantity, "rejected": "0"}],
    )  # fmt: skip


def test_what_is_left_out_comes_from_reports_agreements_and_receipts(sandbox: Sandbox) -> None:
    town = Town(sandbox)
    register(town)
    sandbox.settle()
    receive(town, f"{HOSPITAL}-r1", "P1", "90", "12.505")
    receive(town, f"{HOSPITAL}-r2", "P9", "10", "20")
    sandbox.settle()
    variety = previewed(town, 2026)
    factors = variety["factors"]
    assert (factors["reported_quantity"], factors["agreed_quantity"]) == ("100", "70")
    assert (factors["selected_quantity"], factors["selected_price"]) == ("90", "12.505")
    assert factors["non_selected"] == [{"quantity": "10", "price": "20"}]
    # budget 100 x 30 x 0.48 = 1440; spend (70 x 12.505 + 10 x 20) x 0.48 = 516.168 yuan
    assert (variety["budget_fen"], variety["spend_fen"]) == (144_000, 51_617)
    assert variety["retained_fen"] == 36_953  # (1440 - 516.168) x 0.40 = 369.5328
    # The agreement year decides: nothing that was agreed or received in 2026 counts after it.
    later = previewed(town, 2027)["factors"]
    assert (later["agreed_quantity"], later["selected_quantity"]) == ("0", "0")
    assert later["non_selected"] == []
