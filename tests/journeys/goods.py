"""The reference data of a small market, and rows as events carry them."""

from __future__ import annotations

from typing import Any

from tests.oracle.uscc import make_uscc

Json = dict[str, Any]

H, H2, FAR = "H36010200001", "H36010200002", "H36073500003"
D, D2 = make_uscc(1), make_uscc(2)
M, M2 = make_uscc(3), make_uscc(4)
HOSPITAL, DISTRIBUTOR = f"hospital:{H}", f"distributor:{D}"
PROVINCE, IMPORTER, OPS = "bureau:360000", "importer:360000", "ops:360000"
START = "2026-01-05T09:00:00+08:00"


def organisation(kinds: list[str], division: str, **more: Any) -> Json:
    return {"kinds": kinds, "name": "测试机构", "division": division, **more}


def product(maker: str, category: str = "drug") -> Json:
    return {
        "name": "产品",
        "generic_name": "通用名",
        "category": category,
        "manufacturer_id": maker,
        "unit": "盒",
        "units_per_pack": 10,
    }


PUTS: list[tuple[str, Json]] = [
    (f"organisations/{H}", organisation(["hospital"], "360102", level="tertiary")),
    (f"organisations/{H2}", organisation(["hospital"], "360102", level="secondary")),
    (f"organisations/{FAR}", organisation(["hospital"], "360735", level="primary", remote=True)),
    (f"organisations/{D}", organisation(["distributor"], "360100")),
    (f"organisations/{D2}", organisation(["distributor"], "360700")),
    (f"organisations/{M}", organisation(["manufacturer"], "360100")),
    (f"organisations/{M2}", organisation(["manufacturer"], "360700")),
    ("products/P", product(M)),
    ("products/Q", product(M2, "consumable")),
    ("products/OFF", product(M)),
    ("products/GONE", product(M)),
    ("listings/P", {"listed_price": "11", "status": "listed"}),
    ("listings/OFF", {"listed_price": "11", "status": "suspended"}),
    ("listings/GONE", {"listed_price": "11", "status": "delisted"}),
    (
        "batches/B",
        {
            "name": "第一批",
            "organiser": "province",
            "published_on": "2025-11-01",
            "effective_on": "2026-01-01",
            "ends_on": "2026-12-31",
            "main": [{"product_id": "P", "divisions": ["360000"], "selected_price": "10.50"}],
            "backup": [],
        },
    ),
    (
        "agreements/A",
        {
            "batch_id": "B",
            "hospital_id": H,
            "product_id": "P",
            "distributor_id": D,
            "agreed_quantity": "10000",
            "signed": {},
        },
    ),
]


def line(line_id: str = "L1", **more: Any) -> Json:
    """An ordered line of 100 P."""
    return {
        "line_id": line_id,
        "product_id": "P",
        "quantity": "100",
        "unit_price": "10.5",
        **more,
    }


def load(line_id: str = "L1", quantity: str = "100", lot: str = "1") -> Json:
    """A dispatched line."""
    return {
        "line_id": line_id,
        "quantity": quantity,
        "lot_number": lot,
        "expires_on": "2028-01-01",
    }


def taken(line_id: str = "L1", accepted: str = "100", rejected: str = "0", **more: Any) -> Json:
    """A received line."""
    return {"line_id": line_id, "accepted": accepted, "rejected": rejected, **more}
