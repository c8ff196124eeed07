"""The hand that writes the events of one order, as its two sides post them."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.settling.land import HOSPITALS, PAYEES, PRICES
from tests.oracle.wording import Move, event

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Hand:
    """One order and the hand that writes it; `at` only goes forward."""

    rng: random.Random
    serial: int
    at: datetime
    small: bool = False

    def __post_init__(self) -> None:
        """Who buys what of whom; few payees, so that statements have many lines."""
        self.hospital = self.rng.choices(HOSPITALS, [4, 2, 2, 1])[0]
        self.payee = self.rng.choices(PAYEES, [5, 2, 1])[0]
        self.order_id = f"{self.hospital}-{self.serial:04d}"
        wanted = self.rng.sample(sorted(PRICES), self.rng.choice([1, 2, 2, 3]))
        self.lines = {f"L{n}": product for n, product in enumerate(wanted, start=1)}
        self.moves: list[Move] = []

    def say(
        self, kind: str, data: dict[str, Any], happened: datetime | None = None, side: str = "D"
    ) -> None:
        """Post an event now."""
        own = self.hospital if side == "H" else self.payee
        role = "hospital" if side == "H" else "distributor"
        key = f"{self.order_id}:{len(self.moves) + 1}"
        said = {"order_id": self.order_id, **data}
        time = (happened or self.at).isoformat()
        made = event(f"urn:jicai:{own}", key, kind, time, said)
        self.moves.append(Move(self.at, f"{role}:{own}", made))

    def wait(self, least: int, most: int) -> None:
        """Half-days go by."""
        self.at += self.rng.randint(least, most) * 12 * HOUR

    def place(self) -> None:
        """The hospital orders plenty of each."""
        lines = [
            {"line_id": one, "product_id": p, "quantity": "500", "unit_price": PRICES[p]}
            for one, p in self.lines.items()
        ]
        parties = {"hospital_id": self.hospital, "distributor_id": self.payee}
        self.say("order.placed", {**parties, "lines": lines}, side="H")

    def bill(
        self,
        receipt: str,
        line: str,
        quantity: str,
        price: str,
        kind: str = "sale",
        happened: datetime | None = None,
        **more: str,
    ) -> None:
        """Register an invoice of one row."""
        rows = [{"line_id": line, "quantity": quantity, "unit_price": price}]
        key = f"I{len(self.moves)}"
        said = {"invoice_id": key, "invoice_number": key, "receipt_id": receipt, "kind": kind}
        self.say("invoice.registered", {**said, "lines": rows, **more}, happened)
