"""The reference data that every load refers to: hospitals, companies, products, one batch."""

from __future__ import annotations

import itertools
from typing import Any, Final

import httpx2

from jicai.imports.ids import uscc

IMPORTER: Final = "importer:360000"
HOSPITALS: Final = [f"H360102{n:05d}" for n in range(1, 51)]
DISTRIBUTORS: Final = [uscc(f"bench distributor {n}", "360100") for n in range(24)]
MANUFACTURERS: Final = [uscc(f"bench manufacturer {n}", "360100") for n in range(8)]
PRODUCTS: Final = [f"P{n:04d}" for n in range(200)]
BATCH: Final = "JX2026-01"
_LEVELS: Final = ("primary", "secondary", "tertiary")


def puts() -> list[tuple[str, dict[str, Any]]]:
    """Every PUT as (path, body), in an order in which each finds what it refers to."""
    found: list[tuple[str, dict[str, Any]]] = []
    for n, id_ in enumerate(HOSPITALS):
        body = {"kinds": ["hospital"], "name": f"医院 {n}", "division": "360102"}
        found.append((f"organisations/{id_}", body | {"level": _LEVELS[n % 3]}))
    for kind, ids in (("distributor", DISTRIBUTORS), ("manufacturer", MANUFACTURERS)):
        for n, id_ in enumerate(ids):
            body = {"kinds": [kind], "name": f"企业 {n}", "division": "360100"}
            found.append((f"organisations/{id_}", body))
    found += [(f"products/{id_}", _product(n)) for n, id_ in enumerate(PRODUCTS)]
    found.append((f"batches/{BATCH}", _batch()))
    some = itertools.islice(itertools.product(HOSPITALS[::5], PRODUCTS[:20]), 200)
    for n, (hospital, product) in enumerate(some):
        body = {
            "batch_id": BATCH,
            "hospital_id": hospital,
            "product_id": product,
            "distributor_id": DISTRIBUTORS[n % len(DISTRIBUTORS)],
            "agreed_quantity": "100000",
        }
        found.append((f"agreements/A{n:05d}", body))
    return found


def _product(n: int) -> dict[str, Any]:
    return {
        "name": f"产品 {n}",
        "generic_name": f"通用名 {n}",
        "category": "drug" if n % 4 else "consumable",
        "manufacturer_id": MANUFACTURERS[n % len(MANUFACTURERS)],
        "unit": "盒",
        "units_per_pack": 12,
    }


def _batch() -> dict[str, Any]:
    main, backup = PRODUCTS[:150], PRODUCTS[150:180]
    return {
        "name": "第一批",
        "organiser": "province",
        "published_on": "2025-11-01",
        "effective_on": "2026-01-01",
        "ends_on": "2027-12-31",
        "main": [
            {"product_id": id_, "divisions": ["360000"], "selected_price": "12.50"} for id_ in main
        ],
        "backup": [{"product_id": id_, "divisions": ["360000"]} for id_ in backup],
    }


def register(url: str) -> None:
    """Put everything into a running `orders`."""
    with httpx2.Client(base_url=url, headers={"X-Jicai-Actor": IMPORTER}, timeout=60) as client:
        for path, body in puts():
            client.put(f"/orders/v1/{path}", json=body).raise_for_status()
