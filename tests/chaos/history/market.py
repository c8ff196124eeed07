"""The market of the parties: who buys, who delivers, what is selected at which price (参与各方)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from tests.oracle.uscc import make_uscc

HOSPITALS: Final = tuple(
    f"H{division}{number:05d}"
    for division in ("360102", "360103", "360202", "360735")
    for number in (1, 2, 3)
)
DISTRIBUTORS: Final = tuple(make_uscc(100 + n) for n in range(8))
MAKERS: Final = tuple(make_uscc(200 + n) for n in range(3))
MAIN: Final = ("P1", "P2", "P3", "P4")
PRODUCTS: Final = (*MAIN, "Q1", "N1")
"""Four in the batch's main list, one in its backup list, one in neither."""
PRICE: Final = "10.50"
POOLS: Final = ("360100", "360200", "360700")
Resource = tuple[str, dict[str, Any]]


def registers(today: date) -> list[Resource]:
    """What the province registers before the first order, as paths and bodies."""
    return [
        *(_hospital(number, one) for number, one in enumerate(HOSPITALS)),
        *(_enterprise(one, "distributor") for one in DISTRIBUTORS),
        *(_enterprise(one, "manufacturer") for one in MAKERS),
        *(_product(number, one) for number, one in enumerate(PRODUCTS)),
        _batch(today),
    ]


def _hospital(number: int, hospital: str) -> Resource:
    level = ("tertiary", "secondary", "primary")[number % 3]
    body = {"kinds": ["hospital"], "name": "测试医院", "division": hospital[1:7], "level": level}
    return f"organisations/{hospital}", body


def _enterprise(code: str, kind: str) -> Resource:
    return f"organisations/{code}", {"kinds": [kind], "name": "测试企业", "division": "360100"}


def _product(number: int, product: str) -> Resource:
    return f"products/{product}", {
        "name": "产品", "generic_name": f"通用名{number}", "category": "drug",
        "manufacturer_id": MAKERS[number % len(MAKERS)], "unit": "盒", "units_per_pack": 10,
    }  # fmt: skip


def _batch(today: date) -> Resource:
    selected = [
        {"product_id": one, "divisions": ["360000"], "selected_price": PRICE} for one in MAIN
    ]
    return "batches/B", {
        "name": "第一批", "organiser": "province",
        "published_on": str(today - timedelta(days=200)),
        "effective_on": str(today - timedelta(days=180)),
        "ends_on": str(today + timedelta(days=500)),
        "main": selected, "backup": [{"product_id": "Q1", "divisions": ["360000"]}],
    }  # fmt: skip
