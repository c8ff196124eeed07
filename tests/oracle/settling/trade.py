"""One order as the outside posts it, from placing to the last return, with what goes wrong (收货, 开票, 退货).

Invoices are right, split, short and corrected, too dear and corrected, dated back, late or missing;
returns come in the month and long after it; receipts are dated at the edges of a month; what was said
is said again. Events of one order come in their order; what is late is late for the next draft.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tests.oracle.calendar import local_day, start_of
from tests.oracle.settling.drafting import draft_instant
from tests.oracle.settling.hand import DAY, HOUR, SECOND, Hand
from tests.oracle.settling.land import PRICES
from tests.oracle.wire import shortest
from tests.oracle.wording import Move

Row = tuple[str, str]
"""Line and quantity."""


class Order(Hand):
    """An order that takes its chances."""

    def live(self) -> list[Move]:
        """The whole life of the order."""
        self.place()
        for number in range(1, self.rng.choice([1, 1, 1, 2]) + 1):
            self.wait(0, 2)
            self.deliver(number)
        return list(self.repeated())

    def repeated(self) -> Iterator[Move]:
        """What was said is said again, at once or later; a repeat is a duplicate and nothing more."""
        for move in self.moves:
            yield move
            if self.rng.random() < 0.07:
                yield Move(
                    move.at + self.rng.choice([0, 1, 70]) * 12 * HOUR, move.actor, move.event
                )

    # ── goods ─────────────────────────────────────────────────────────────────────────────────

    def deliver(self, number: int) -> None:
        """A delivery of some of the lines, its receipt, its invoices and its returns."""
        rng, delivery, receipt = self.rng, f"D{number}", f"R{number}"
        sizes = ["1", "3", "0.0005"] if self.small else ["1", "3", "12.5", "40", "100", "0.0005"]
        sent = [(line, rng.choice(sizes)) for line in self.lines]
        load = [
            {"line_id": line, "quantity": q, "lot_number": "1", "expires_on": "2028-01-01"}
            for line, q in sent
        ]
        self.say("delivery.dispatched", {"delivery_id": delivery, "lines": load})
        self.wait(1, 6)
        rows = [{"line_id": line, **self.taken(q)} for line, q in sent]
        data = {"receipt_id": receipt, "delivery_id": delivery, "lines": rows}
        self.say("delivery.received", data, self.when_received(), side="H")
        kept = [(r["line_id"], r["accepted"]) for r in rows if Fraction(r["accepted"]) > 0]
        for row in kept:
            self.invoice(receipt, row)
            if rng.random() < 0.3:
                self.give_back(receipt, row)

    def taken(self, quantity: str) -> dict[str, str]:
        """Mostly all is accepted; sometimes a part, sometimes nothing."""
        chance = self.rng.random()
        if chance < 0.85 or quantity in ("0.0005", "1"):
            return {"accepted": quantity, "rejected": "0"}
        if chance < 0.9:
            return {"accepted": "0", "rejected": quantity}
        return {"accepted": minus(quantity, "0.5"), "rejected": "0.5"}

    def when_received(self) -> datetime:
        """Now, some days ago, or at an edge of the month."""
        edge = start_of(local_day(self.at).replace(day=1))
        near = edge <= self.at < edge + 9 * DAY
        if near and self.rng.random() < 0.6:
            return edge - self.rng.choice([0, 1]) * SECOND
        return self.at - self.rng.choice([0, 0, 0, 1, 30]) * DAY

    # ── invoices ──────────────────────────────────────────────────────────────────────────────

    def invoice(self, receipt: str, row: Row) -> None:
        """One of the ways in which a line is invoiced."""
        line, quantity = row
        fair = PRICES[self.lines[line]]
        dear = shortest_of(Fraction(fair) + Fraction("0.01"))
        cheap = shortest_of(Fraction(fair) * Fraction(9, 10))
        self.wait(0, 3)
        way = self.rng.choices(
            ("right", "split", "short", "corrected", "dear", "eased", "late", "none", "two prices"),
            [40, 8, 5, 8, 6, 8, 12, 5, 8],
        )[0]
        if way == "none":
            return
        if way == "late":
            self.until_draft()
        if way in ("right", "late"):
            self.bill(receipt, line, quantity, self.rng.choice([fair, cheap]))
        elif way == "split" and quantity != "0.0005":
            self.bill(receipt, line, "0.5", fair)
            self.bill(receipt, line, minus(quantity, "0.5"), cheap)
        elif way == "short":
            self.bill(receipt, line, quantity, fair)
            self.bill(receipt, line, "0.0001", fair, kind="credit")
        elif way == "corrected":
            self.bill(receipt, line, quantity, fair)
            self.bill(receipt, line, quantity, fair)
            self.wait(0, 50)
            self.bill(receipt, line, quantity, fair, kind="credit")
        elif way == "dear":
            self.bill(receipt, line, quantity, dear)
        elif way == "eased":
            self.bill(receipt, line, quantity, dear)
            self.wait(0, 50)
            self.bill(receipt, line, quantity, dear, kind="credit")
            self.bill(receipt, line, quantity, fair)
        else:
            # The later one by what is claimed is the one that arrives first.
            self.bill(receipt, line, quantity, cheap, happened=self.at)
            self.bill(receipt, line, quantity, fair, kind="credit")
            self.bill(receipt, line, quantity, dear, happened=self.at - DAY)

    def until_draft(self) -> None:
        """Wait for the next draft: a moment before it, at it, a moment after it, or some days."""
        month = f"{self.at:%Y-%m}"
        before = f"{start_of(local_day(self.at).replace(day=1)) - DAY:%Y-%m}"
        instant = next(d for d in (draft_instant(before), draft_instant(month)) if d > self.at)
        self.at = instant + self.rng.choice([-SECOND, 0 * SECOND, SECOND, 3 * DAY + 9 * HOUR])

    # ── returns ───────────────────────────────────────────────────────────────────────────────

    def give_back(self, receipt: str, row: Row) -> None:
        """A return, answered soon or long after; some are credited by an invoice that names it."""
        line, quantity = row
        self.wait(*self.rng.choice([(0, 4), (20, 70), (20, 70)]))
        back = self.rng.choice([quantity, quantity, "0.0003", minus(quantity, "0.0001")])
        if Fraction(back) <= 0 or Fraction(back) > Fraction(quantity):
            return
        key = f"T{len(self.moves)}"
        rows = [{"line_id": line, "quantity": back}]
        said = {"return_id": key, "receipt_id": receipt, "lines": rows, "reason": "破损"}
        self.say("return.requested", said, side="H")
        self.wait(0, 4)
        if self.rng.random() < 0.1:
            return
        confirmed = self.rng.random() < 0.85
        answer = {"return_id": key, "confirmed": confirmed, "reason": "核实"}
        self.say("return.answered", answer, self.when_received())
        if confirmed and self.rng.random() < 0.5:
            price = PRICES[self.lines[line]]
            self.bill(receipt, line, back, price, kind="credit", return_id=key)


def shortest_of(number: Fraction) -> str:
    """A price of at most four decimals, cut."""
    cut = (number * 10_000).__floor__()
    return f"{cut // 10_000}.{cut % 10_000:04d}"


def minus(quantity: str, less: str) -> str:
    """A quantity less another."""
    return shortest(Decimal(quantity) - Decimal(less))


def trade(rng: random.Random, orders: int, first: datetime, days: int) -> Sequence[Move]:
    """Many orders, their events by the instant at which they are posted.

    Much is bought at first and little later, so that some months bring back more than they take.
    """
    moves: list[Move] = []
    for serial in range(1, orders + 1):
        small = rng.random() < 0.3
        half_days = rng.randrange(days, days * 3) if small else rng.randrange(days)
        moves += Order(rng, serial, first + half_days * 12 * HOUR, small).live()
    return sorted(moves, key=lambda move: move.at)
