"""A place where months are settled: four hospitals of three pools, three payees, five products.

What is chosen on purpose: two batches and two makers that cross, so that each scope of a suspension
covers other lines; prices whose amounts must be rounded; a product that is backup and one that is in no
batch; a hospital that has agreed on nothing, so that any prepayment is enough for it.
"""

from typing import Any

from tests.oracle.uscc import make_uscc

Put = tuple[str, dict[str, Any]]
BASE = "/orders/v1"
HOSPITALS = ("H36010200001", "H36010000001", "H36020000001", "H36000000001")
PAYEES = tuple(make_uscc(serial) for serial in (11, 12, 13))
MAKERS = tuple(make_uscc(serial) for serial in (21, 22))
PRICES = {"P-1": "10.50", "P-2": "0.3350", "P-3": "33.3333", "P-4": "7", "P-5": "2"}
"""What an order states; of the first three it is the selected price."""
BATCHES = {"B-1": ("P-1", "P-2"), "B-2": ("P-3",)}
MAKER = {"P-1": 0, "P-2": 1, "P-3": 0, "P-4": 1, "P-5": 1}


def puts() -> list[Put]:
    """All reference data, to be put before anything happens."""
    found: list[Put] = []

    def put(kind: str, key: str, **body: Any) -> None:
        found.append((f"{BASE}/{kind}/{key}", body))

    for key in HOSPITALS:
        said = {"kinds": ["hospital"], "division": key[1:7], "level": "tertiary"}
        put("organisations", key, name=f"医院{key[-11:-5]}", remote=False, **said)
    for kind, keys in (("distributor", PAYEES), ("manufacturer", MAKERS)):
        for key in keys:
            put("organisations", key, kinds=[kind], name=f"企业{key[-4:]}", division="360100")
    for key in PRICES:
        put("products", key, **product(key))
    for key, products in BATCHES.items():
        main = [
            {"product_id": one, "divisions": ["360000"], "selected_price": PRICES[one]}
            for one in products
        ]
        backup = [{"product_id": "P-5", "divisions": ["360000"]}] if key == "B-2" else []
        put("batches", key, **batch(), main=main, backup=backup)
    for serial, (hospital, batch_id, product_id, quantity) in enumerate(agreed()):
        parties = {"hospital_id": hospital, "product_id": product_id, "distributor_id": PAYEES[0]}
        body = {"batch_id": batch_id, "agreed_quantity": quantity, "signed": {}}
        put("agreements", f"A-{serial}", **parties, **body)
    return found


def product(key: str) -> dict[str, Any]:
    """A drug of its maker."""
    return {
        "name": f"产品{key}",
        "generic_name": f"通用名{key}",
        "category": "drug",
        "manufacturer_id": MAKERS[MAKER[key]],
        "unit": "盒",
        "units_per_pack": 10,
    }


def batch() -> dict[str, Any]:
    """A batch in force for the whole of 2026."""
    return {
        "name": "第几批",
        "organiser": "province",
        "published_on": "2025-10-01",
        "effective_on": "2026-01-01",
        "ends_on": "2026-12-31",
    }


def agreed() -> list[tuple[str, str, str, str]]:
    """Hospital, batch, product, quantity; the last hospital has agreed on nothing."""
    first, second, third, _ = HOSPITALS
    return [
        (first, "B-1", "P-1", "1000"),
        (first, "B-1", "P-2", "333.3333"),
        (first, "B-2", "P-3", "77"),
        (second, "B-1", "P-2", "5001"),
        (third, "B-2", "P-3", "101"),
    ]
