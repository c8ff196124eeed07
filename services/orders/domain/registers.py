"""What orders refer to (基础信息): the registers as values, and the role of a supplier in a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.events.forms import Category, Level, SupplierRole
from shared.kernel.codes import subtree_prefix


@dataclass(slots=True)
class Organisation:
    """A hospital, distributor or manufacturer (机构)."""

    id: str
    kinds: frozenset[str]
    division: str
    level: Level | None
    remote: bool


@dataclass(slots=True)
class Product:
    """A medicine or consumable (产品)."""

    id: str
    generic_name: str
    category: Category
    manufacturer_id: str


@dataclass(slots=True)
class Role:
    """The place of a product in a batch (主供或备供); `areas` are the prefixes of its divisions."""

    batch_id: str
    role: SupplierRole
    effective_on: date
    ends_on: date
    areas: tuple[str, ...]
    selected_price: int | None

    def serves(self, division: str, day: date) -> bool:
        """Whether it is in force there on that day."""
        return self.effective_on <= day <= self.ends_on and division.startswith(self.areas)


@dataclass(slots=True)
class Registers:
    """All registers that placing an order looks into; refreshed by whoever loads them."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    listings: dict[str, str] = field(default_factory=dict)
    batches: dict[str, list[tuple[str, Role]]] = field(default_factory=dict)
    roles: dict[str, list[Role]] = field(default_factory=dict)

    def has(self, organisation_id: str, kind: str) -> bool:
        """Whether an organisation is registered as this kind."""
        organisation = self.organisations.get(organisation_id)
        return organisation is not None and kind in organisation.kinds

    def is_suspended(self, product_id: str) -> bool:
        """Whether the product's listing is suspended or delisted now (暂停挂网、撤网)."""
        return self.listings.get(product_id) in ("suspended", "delisted")

    def put_batch(self, batch_id: str, roles: Iterable[tuple[str, Role]]) -> None:
        """Replace one batch."""
        for product_id, _ in self.batches.get(batch_id, ()):
            self.roles[product_id] = [r for r in self.roles[product_id] if r.batch_id != batch_id]
        self.batches[batch_id] = list(roles)
        for product_id, role in self.batches[batch_id]:
            self.roles.setdefault(product_id, []).append(role)

    def role_of(self, product_id: str, division: str, day: date) -> Role | None:
        """The product's role for a hospital in `division` on `day`, as known now.

        Main before backup, then the latest `effective_on`; the batch id settles a tie.
        """
        fitting = [role for role in self.roles.get(product_id, ()) if role.serves(division, day)]
        return max(fitting, key=_rank, default=None)


def _rank(role: Role) -> tuple[bool, date, str]:
    return (role.role == "main", role.effective_on, role.batch_id)


def batch_roles(batch_id: str, body: dict[str, Any], price: Any) -> list[tuple[str, Role]]:
    """The roles that a batch's body gives; `price` reads a price text."""
    roles = []
    headings: tuple[SupplierRole, ...] = ("main", "backup")
    for heading in headings:
        for entry in body.get(heading, ()):
            roles.append(
                (
                    entry["product_id"],
                    Role(
                        batch_id=batch_id,
                        role=heading,
                        effective_on=date.fromisoformat(body["effective_on"]),
                        ends_on=date.fromisoformat(body["ends_on"]),
                        areas=tuple(map(subtree_prefix, entry["divisions"])),
                        selected_price=price(entry["selected_price"])
                        if heading == "main"
                        else None,
                    ),
                )
            )
    return roles
