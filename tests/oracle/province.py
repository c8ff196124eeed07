"""A small invented province as PUT calls: enough of every kind to make every role and level occur.

What is chosen on purpose: a remote primary hospital and a remote one that is not primary; a
distributor that also manufactures; a product that is main in one place and backup in another; a
batch that begins in the middle of the history; agreements that are missing; a suspended listing.
Changes in mid-history (`later`) are there to prove that an order keeps what held when it was recorded.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.oracle.uscc import make_uscc

Put = tuple[str, dict[str, Any]]
BASE = "/orders/v1"
PRICES = {"P-001": "10.5", "P-002": "0.75", "P-003": "33", "P-004": "120.25", "P-005": "8"}
PLACES = [("360102", "tertiary", False), ("360735", "primary", True), ("360281", "secondary", True)]
MORE_PLACES = [("360100", "primary", False), ("360000", "tertiary", False)]


@dataclass
class Province:
    """Who there is, what there is, and the PUT calls that say so."""

    hospitals: dict[str, dict[str, Any]] = field(default_factory=dict)
    distributors: list[str] = field(default_factory=list)
    manufacturers: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    later: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    unknown_hospital: str = "H36010299999"
    unknown_distributor: str = make_uscc(999)

    def put(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """One more PUT of the beginning."""
        self.puts.append((f"{BASE}/{kind}/{key}", body))

    def will_be_off(self, product: str, at: datetime) -> bool:
        """Whether a change in mid-history has taken the product off sale by then."""
        states = [
            body["status"]
            for since, path, body in self.later
            if since < at and path == f"{BASE}/listings/{product}"
        ]
        return bool(states) and states[-1] != "listed"


def province(rng: random.Random, start: datetime, days: int) -> Province:
    """The province of a seed; `start` is the first order's day, `days` how long orders are sent."""
    made = Province()
    add_organisations(made, rng)
    add_products(made, rng)
    add_batches(made, start.date(), days)
    add_agreements(made, rng)
    for product, status in (("P-001", "listed"), ("P-005", "suspended"), ("P-006", "listed")):
        made.put("listings", product, {"listed_price": "11", "status": status})
    add_changes(made, start, days)
    return made


def add_organisations(made: Province, rng: random.Random) -> None:
    """Three to five hospitals, three distributors, two manufacturers besides."""
    for serial, (division, level, remote) in enumerate(PLACES + MORE_PLACES[: rng.randint(0, 2)]):
        key = f"H{division}{serial + 1:05d}"
        made.hospitals[key] = {
            "kinds": ["hospital"],
            "name": f"第{serial + 1}医院",
            "division": division,
            "level": level,
            "remote": remote,
        }
        made.put("organisations", key, made.hospitals[key])
    for serial in range(1, 6):
        key = make_uscc(serial * 37)
        kinds = [["distributor"], ["distributor"], ["distributor", "manufacturer"]][serial - 1 :]
        kinds_here = kinds[0] if kinds else ["manufacturer"]
        body = {"kinds": kinds_here, "name": f"企业{serial}", "division": "360100"}
        made.put("organisations", key, body)
        if "distributor" in kinds_here:
            made.distributors.append(key)
        if "manufacturer" in kinds_here:
            made.manufacturers.append(key)


def product_body(serial: int, manufacturer: str) -> dict[str, Any]:
    """A product: even serials are consumables."""
    return {
        "name": f"产品{serial}",
        "generic_name": f"通用名{(serial + 1) // 2}",
        "category": "consumable" if serial % 2 == 0 else "drug",
        "manufacturer_id": manufacturer,
        "unit": "盒",
        "units_per_pack": 10,
    }


def add_products(made: Province, rng: random.Random) -> None:
    """Six products over the three manufacturers."""
    for serial in range(1, 7):
        key = f"P-{serial:03d}"
        maker = made.manufacturers[(serial + rng.randint(0, 1)) % len(made.manufacturers)]
        made.products.append(key)
        made.put("products", key, product_body(serial, maker))


def add_batches(made: Province, first: date, days: int) -> None:
    """One batch in force from before the beginning, one that begins in the middle."""

    def main(product: str, divisions: list[str], price: str) -> dict[str, Any]:
        return {"product_id": product, "divisions": divisions, "selected_price": price}

    def batch(effective: date, main_list: list[Any], backup_list: list[Any]) -> dict[str, Any]:
        return {
            "name": "第几批",
            "organiser": "province",
            "published_on": (first - timedelta(days=150)).isoformat(),
            "effective_on": effective.isoformat(),
            "ends_on": (effective + timedelta(days=364)).isoformat(),
            "main": main_list,
            "backup": backup_list,
        }

    early = batch(
        first - timedelta(days=60),
        [main("P-001", ["360000"], "10.50"), main("P-002", ["360100"], "0.75")],
        [
            {"product_id": "P-002", "divisions": ["360200", "360735"]},
            {"product_id": "P-003", "divisions": ["360000"]},
        ],
    )
    late = batch(
        first + timedelta(days=days // 2),
        [main("P-002", ["360102"], "0.70"), main("P-004", ["360700", "360102"], "120")],
        [
            {"product_id": "P-001", "divisions": ["360000"]},
            {"product_id": "P-004", "divisions": ["360000"]},
        ],
    )
    made.put("batches", "B-early", early)
    made.put("batches", "B-late", late)


def agreement(hospital: str, product: str, distributor: str) -> dict[str, Any]:
    """An agreement of the early batch."""
    return {
        "batch_id": "B-early",
        "hospital_id": hospital,
        "product_id": product,
        "distributor_id": distributor,
        "agreed_quantity": "10000",
        "signed": {},
    }


def add_agreements(made: Province, rng: random.Random) -> None:
    """Some hospitals have agreed with some distributors on the early batch's main products."""
    serial = 0
    for hospital in made.hospitals:
        for product in ("P-001", "P-002"):
            for distributor in made.distributors:
                if rng.random() < 0.5:
                    serial += 1
                    body = agreement(hospital, product, distributor)
                    made.put("agreements", f"A-{serial:03d}", body)


def add_changes(made: Province, start: datetime, days: int) -> None:
    """What changes while orders run: a listing, a hospital, a product's maker, an agreement."""

    def change(share: float, kind: str, key: str, body: dict[str, Any]) -> None:
        at = start + timedelta(hours=int(days * 24 * share))
        made.later.append((at, f"{BASE}/{kind}/{key}", body))

    hospital = next(iter(made.hospitals))
    change(0.25, "listings", "P-006", {"listed_price": "11", "status": "delisted"})
    change(0.35, "agreements", "A-900", agreement(hospital, "P-001", made.distributors[0]))
    change(0.40, "listings", "P-006", {"listed_price": "9", "status": "listed"})
    far = {**made.hospitals[hospital], "level": "primary", "remote": True}
    change(0.45, "organisations", hospital, far)
    change(0.50, "listings", "P-001", {"listed_price": "9", "status": "suspended"})
    change(0.55, "products", "P-003", product_body(3, made.manufacturers[-1]))
    change(0.64, "listings", "P-001", {"listed_price": "9", "status": "listed"})
    change(0.90, "listings", "P-001", {"listed_price": "9", "status": "suspended"})
