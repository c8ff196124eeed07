"""Reference data with its change instants: what an order event would have found when recorded.

The test tells the world every accepted PUT with the clock at that moment. Nothing is checked here:
an oracle of histories needs reference data that the product accepted.

Readings
- "In force on the order's day" is the day of *sent* (an importer's `occurred_at`); the batch itself
  is read as known at the true `recorded_at`, for an importer too.
- An empty `divisions` covers nothing. Of two headings of one product in one batch, the first that
  covers the hospital counts. Two batches with one `effective_on`: the greater id (avoid it).
- An agreement is "registered" if one with that hospital, product and distributor is stored when the
  order is recorded; its dates and signatures do not matter.
- The listing "then" of a `product_suspended` refusal is the one known when the refusal was
  recorded, for an importer too.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Body = dict[str, Any]
KINDS = ("organisations", "products", "batches", "agreements", "listings", "demand-reports")


def covers(code: str, division: str) -> bool:
    """Whether a division code covers another: a province or a city covers its subtree."""
    if code.endswith("0000"):
        return division[:2] == code[:2]
    if code.endswith("00"):
        return division[:4] == code[:4]
    return division == code


@dataclass
class World:
    """Every version of every resource, with the instant of its PUT."""

    versions: dict[tuple[str, str], list[tuple[datetime, Body]]] = field(default_factory=dict)

    def put(self, at: datetime, path: str, body: Body) -> None:
        """Remember an accepted PUT; `path` ends in `<kind>/<id>`."""
        kind, key = path.rstrip("/").split("/")[-2:]
        if kind not in KINDS:
            raise ValueError(f"not reference data: {path}")
        self.versions.setdefault((kind, key), []).append((at, body))

    def get(self, at: datetime, kind: str, key: str) -> Body | None:
        """What the resource said at an instant; None before its first PUT."""
        known = [body for since, body in self.versions.get((kind, key), []) if since <= at]
        return known[-1] if known else None

    def all(self, at: datetime, kind: str) -> dict[str, Body]:
        """Every resource of a kind as known at an instant."""
        found = {key: self.get(at, kind, key) for name, key in self.versions if name == kind}
        return {key: body for key, body in found.items() if body is not None}

    def organisation(self, at: datetime, key: str, kind: str) -> Body | None:
        """A registered organisation of that kind."""
        body = self.get(at, "organisations", key)
        return body if body and kind in body["kinds"] else None

    def off_sale(self, at: datetime, product_id: str) -> bool:
        """Whether the listing is suspended or delisted; no listing is fine."""
        listing = self.get(at, "listings", product_id)
        return listing is not None and listing["status"] in ("suspended", "delisted")

    def agreed(self, at: datetime, hospital: str, product: str, distributor: str) -> bool:
        """Whether an agreement of the three is registered."""
        wanted = (hospital, product, distributor)
        return any(
            (body["hospital_id"], body["product_id"], body["distributor_id"]) == wanted
            for body in self.all(at, "agreements").values()
        )

    def role(self, at: datetime, day: date, product: str, division: str) -> Body:
        """Supplier role, batch and selected price of a product for a division on a day."""
        batches = sorted(
            self.all(at, "batches").items(),
            key=lambda item: (item[1]["effective_on"], item[0]),
            reverse=True,
        )
        for heading in ("main", "backup"):
            for batch_id, batch in batches:
                if not batch["effective_on"] <= day.isoformat() <= batch["ends_on"]:
                    continue
                for entry in batch.get(heading, []):
                    here = any(covers(code, division) for code in entry["divisions"])
                    if entry["product_id"] == product and here:
                        price = Decimal(entry["selected_price"]) if heading == "main" else None
                        return {
                            "supplier_role": heading,
                            "batch_id": batch_id,
                            "selected_price": price,
                        }
        return {"supplier_role": "none", "batch_id": None, "selected_price": None}
