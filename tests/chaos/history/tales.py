"""One order as its parties live it (订单经过): who says what, one step after another; drawn by seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.chaos.history.market import DISTRIBUTORS, HOSPITALS, PRICE, PRODUCTS

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one party is going to say."""

    by: str
    type: str
    data: Data


@dataclass(slots=True)
class Tale:
    """The steps of one order that are still to come."""

    order_id: str
    steps: list[Step]
    told: int = 0

    def next(self) -> tuple[int, Step] | None:
        """The next step and its number; None at the end."""
        if self.told == len(self.steps):
            return None
        self.told += 1
        return self.told, self.steps[self.told - 1]


def tale(number: int, rng: random.Random) -> Tale:
    """Lines, answers, deliveries, receipts, returns, invoices."""
    hospital, distributor = rng.choice(HOSPITALS), rng.choice(DISTRIBUTORS)
    order_id = f"{hospital}-{number:06d}"
    writer = _Writer(order_id, hospital, distributor, rng)
    return Tale(order_id, list(writer.steps()))


@dataclass(slots=True)
class _Writer:
    order_id: str
    hospital: str
    distributor: str
    rng: random.Random
    lines: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Product and ordered quantity of each line that is still to be delivered."""

    def steps(self) -> Iterator[Step]:
        yield self._placed()
        yield from self._answered()
        yield from self._cancelled()
        halves = 2 if self.rng.random() < 0.2 else 1
        for number in range(1, halves + 1):
            yield from self._delivered(f"D{number}", halves)

    def _says(self, by: str, type_: str, **data: Any) -> Step:
        return Step(by, f"jicai.{type_}.v1", {"order_id": self.order_id, **data})

    def _placed(self) -> Step:
        products = self.rng.sample(PRODUCTS, self.rng.randint(1, 3))
        self.lines = {f"L{n}": (p, 2 * self.rng.randint(5, 50)) for n, p in enumerate(products, 1)}
        lines = [
            {"line_id": n, "product_id": product, "quantity": str(quantity), "unit_price": PRICE}
            for n, (product, quantity) in self.lines.items()
        ]
        return self._says(
            self.hospital, "order.placed", lines=lines,
            hospital_id=self.hospital, distributor_id=self.distributor,
        )  # fmt: skip

    def _answered(self) -> Iterator[Step]:
        if self.rng.random() < 0.1:
            return
        if self.rng.random() < 0.15 and len(self.lines) > 1:
            refused = self.rng.choice(list(self.lines))
            answers = [
                {"line_id": n, "answer": "refused" if n == refused else "accepted"}
                for n in self.lines
            ]
            answers = [
                one | ({"reason_code": "no_stock"} if one["answer"] == "refused" else {})
                for one in answers
            ]
            yield self._says(self.distributor, "order.answered", lines=answers)
            del self.lines[refused]
        else:
            yield self._says(self.distributor, "order.answered")

    def _cancelled(self) -> Iterator[Step]:
        if self.rng.random() < 0.06:
            line = self.rng.choice(list(self.lines))
            yield self._says(self.hospital, "order.cancelled", line_ids=[line], reason="不再需要")
            del self.lines[line]

    def _delivered(self, delivery: str, halves: int) -> Iterator[Step]:
        if not self.lines:
            return
        loads = {n: quantity // halves for n, (_, quantity) in self.lines.items()}
        yield self._says(
            self.distributor, "delivery.dispatched", delivery_id=delivery,
            lines=[
                {"line_id": n, "quantity": str(q), "lot_number": "1", "expires_on": "2099-01-01"}
                for n, q in loads.items()
            ],
        )  # fmt: skip
        proof = {"kind": "signed", "reference": delivery}
        yield self._says(self.distributor, "delivery.arrived", delivery_id=delivery, proof=proof)
        rejected = {n: int(self.rng.random() < 0.1) for n in loads}
        yield self._says(
            self.hospital, "delivery.received", delivery_id=delivery, receipt_id=f"R{delivery}",
            lines=[
                {"line_id": n, "accepted": str(q - rejected[n]), "rejected": str(rejected[n])}
                | ({"reject_reason": "damaged"} if rejected[n] else {})
                for n, q in loads.items()
            ],
        )  # fmt: skip
        accepted = {n: q - rejected[n] for n, q in loads.items()}
        yield self._invoiced("sale", delivery, accepted)
        if self.rng.random() < 0.15:
            yield from self._returned(delivery, next(iter(accepted)))

    def _invoiced(self, kind: str, delivery: str, quantities: dict[str, int], **more: Any) -> Step:
        price = str(Decimal(PRICE) - Decimal(self.rng.randint(0, 20)) / 100)
        return self._says(
            self.distributor, "invoice.registered",
            invoice_id=f"{kind}-{delivery}", invoice_number=f"{self.order_id}-{kind}-{delivery}",
            receipt_id=f"R{delivery}", kind=kind, **more,
            lines=[
                {"line_id": n, "quantity": str(q), "unit_price": price}
                for n, q in quantities.items()
            ],
        )  # fmt: skip

    def _returned(self, delivery: str, line: str) -> Iterator[Step]:
        back = f"B{delivery}"
        yield self._says(
            self.hospital, "return.requested", return_id=back, receipt_id=f"R{delivery}",
            lines=[{"line_id": line, "quantity": "2"}], reason="近效期",
        )  # fmt: skip
        confirmed = self.rng.random() < 0.8
        yield self._says(self.distributor, "return.answered", return_id=back, confirmed=confirmed)
        if confirmed:
            yield self._invoiced("credit", delivery, {line: 2}, return_id=back)
