"""The life of one order as its two sides would report it, believable and late in all the usual ways.

A script knows nothing of verdicts: what it says after its order was refused, or its line became void,
is refused in turn, and that is part of the history. Instants hug the deadlines on purpose: exactly
due, one second later, one second more than 24 h late.
"""

import copy
import random
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.calendar import end_of, local_day, start_of, working_day_after
from tests.oracle.province import PRICES, Province
from tests.oracle.wording import Move, Pen

H, D, S = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
EXCUSES = ["product_suspended", "no_agreement", "wrong_product", "hospital_request"]
REASONS = [*EXCUSES, "out_of_stock", "price"]


class Script:
    """One order: its pen, its lines, its deadlines, and the moves written so far."""

    def __init__(
        self, rng: random.Random, land: Province, serial: int, sent: datetime, importer: bool
    ) -> None:
        self.rng, self.land, self.sent = rng, land, sent
        self.hospital = rng.choice(list(land.hospitals))
        self.distributor = rng.choice(land.distributors)
        self.order_id = f"{self.hospital}-{sent.year}-{serial:06d}"
        self.pen = Pen(rng, self.order_id, self.hospital, self.distributor, importer)
        self.back_entered = rng.random() < 0.05
        far = land.hospitals[self.hospital]
        days = 5 if far["remote"] and far["level"] == "primary" else 3
        self.due = end_of(working_day_after(local_day(sent), days))
        self.rows = [self.line(land, n) for n in range(1, rng.randint(1, 3) + 1)]
        self.diligent = self.distributor == land.distributors[0] and rng.random() < 0.9
        self.refused: list[str] = []
        self.deliveries = 0

    def line(self, land: Province, serial: int) -> dict[str, Any]:
        """A line of a product at, or now and then above, its usual price."""
        product = self.rng.choices(land.products, [60, 50, 40, 40, 2, 25])[0]
        price = PRICES.get(product, "5")
        row = {
            "line_id": f"L{serial}",
            "product_id": product,
            "quantity": self.rng.choice(["100", "12.5", "7", "1000", "0.3333"]),
            "unit_price": "999.9999" if self.rng.random() < 0.06 else price,
        }
        if self.rng.random() < 0.3:
            wishes = [self.sent + 2 * H, self.sent + 9 * H, self.due + 2 * D, self.due + 9 * D]
            row["required_by"] = self.pen.time(self.rng.choice(wishes))
        return row

    def play(self) -> list[Move]:
        """Everything that is ever said about the order."""
        self.place()
        if self.diligent:
            self.smooth()
            return self.pen.moves
        self.answer()
        self.cancel()
        for _ in range(self.rng.choices([0, 1, 2], [2, 5, 3])[0]):
            self.deliver()
        return self.pen.moves

    def place(self) -> None:
        """The order, sometimes an emergency, sometimes entered long after it happened."""
        data = {
            "order_id": self.order_id,
            "hospital_id": self.hospital,
            "distributor_id": self.distributor,
            "lines": self.rows,
        }
        if self.rng.random() < 0.15:
            data["emergency"] = True
            self.due = self.sent + D
        if self.back_entered:
            data["back_entered"] = True
        before = self.rng.choices([0 * H, 5 * S, 24 * H, 24 * H + S, 5 * D], [80, 10, 4, 3, 3])[0]
        if not self.pen.importer and before > D:
            self.back_entered = True
        self.pen.say("hospital", "order.placed", data, self.sent, self.sent - before)

    def smooth(self) -> None:
        """As it should be: all accepted, all there within the day, all proven, all received."""
        base = {"order_id": self.order_id}
        self.pen.say("distributor", "order.answered", base, self.sent + 2 * H)
        loads = [
            {"line_id": row["line_id"], "quantity": row["quantity"], "lot_number": "批0"}
            | {"expires_on": "2028-12-31"}
            for row in self.rows
        ]
        delivery = {**base, "delivery_id": "D1"}
        self.pen.say(
            "distributor", "delivery.dispatched", {**delivery, "lines": loads}, self.sent + 3 * H
        )
        proof = {"kind": "signed", "reference": "YD-1"}
        self.pen.say(
            "distributor", "delivery.arrived", {**delivery, "proof": proof}, self.sent + 9 * H
        )
        rows = [
            {"line_id": row["line_id"], "accepted": row["quantity"], "rejected": "0"}
            for row in self.rows
        ]
        receipt = {**delivery, "receipt_id": "RD1", "lines": rows}
        self.pen.say("hospital", "delivery.received", receipt, self.sent + 10 * H)
        self.pen.aftermath("RD1", rows, self.sent + 10 * H)

    def answer(self) -> None:
        """All at once, line by line, in two goes, or never; in time, at the due, after it."""
        waits = [H, 3 * H, 20 * H, 47 * H, 48 * H, 48 * H + S, 55 * H, 7 * D - S, 7 * D]
        at = self.sent + self.rng.choices(waits, [20, 15, 15, 8, 12, 10, 10, 2, 3])[0]
        manner = self.rng.choices(["all", "each", "two", "never"], [35, 35, 15, 15])[0]
        products = [row["product_id"] for row in self.rows]
        if any(self.land.will_be_off(one, self.sent + 47 * H) for one in products):
            at, manner = self.sent + 47 * H, "each"
        data: dict[str, Any] = {"order_id": self.order_id}
        if manner == "all":
            self.pen.say("distributor", "order.answered", data, at)
        elif manner == "each":
            rows = [self.answer_row(row, at) for row in self.rows]
            self.pen.say("distributor", "order.answered", {**data, "lines": rows}, at)
        elif manner == "two":
            first = [self.answer_row(self.rows[0], at)]
            self.pen.say("distributor", "order.answered", {**data, "lines": first}, at)
            self.pen.say("distributor", "order.answered", data, at + self.rng.choice([H, 40 * H]))

    def answer_row(self, line: dict[str, Any], at: datetime) -> dict[str, Any]:
        """An acceptance with or without a promise, or a refusal with or without an excuse."""
        row: dict[str, Any] = {"line_id": line["line_id"], "answer": "accepted"}
        off = self.land.will_be_off(line["product_id"], at)
        if self.rng.random() < (0.9 if off else 0.4):
            self.refused.append(line["line_id"])
            row["answer"] = "refused"
            reasons = EXCUSES[:1] if off else REASONS
            if self.back_entered:
                reasons = ["out_of_stock"]
            row["reason_code"] = self.rng.choices(reasons, [4, 3, 3, 3, 1, 1][: len(reasons)])[0]
        elif self.rng.random() < 0.6:
            row["promised_at"] = self.pen.time(at + 2 * D)
        return row

    def cancel(self) -> None:
        """The hospital thinks again, often about what was refused."""
        if self.rng.random() > (0.6 if self.refused else 0.2):
            return
        waits = [self.sent + wait for wait in (H / 2, 26 * H, 48 * H, 48 * H + S, 6 * D, 8 * D)]
        at = self.rng.choice([*waits, self.due, self.due + S])
        data = {"order_id": self.order_id, "reason": "不再需要"}
        if self.refused or self.rng.random() < 0.6:
            named = self.refused or [self.rows[0]["line_id"]]
            data["line_ids"] = named  # type: ignore[assignment]
        self.pen.say("hospital", "order.cancelled", data, at)

    def deliver(self) -> None:
        """One delivery: what goes out, when it arrives, what the hospital says of it."""
        self.deliveries += 1
        delivery_id = f"D{self.deliveries}"
        rows = self.loads()
        if not rows:
            return
        waits = [2 * H, 10 * H, D, 2 * D, 4 * D, 7 * D - S, 7 * D, 7 * D + H, 9 * D]
        left = self.sent + self.rng.choices(waits, [20, 20, 20, 15, 8, 4, 4, 4, 5])[0]
        told_late = self.rng.choices([0 * H, 3 * H, 24 * H, 24 * H + S, 50 * H], [70, 12, 6, 6, 6])
        data = {"delivery_id": delivery_id, "order_id": self.order_id, "lines": rows}
        self.pen.say("distributor", "delivery.dispatched", data, left, left - told_late[0])
        goal = self.rng.choice([self.due - H, self.due, self.due + S, left + 5 * H, left + 2 * D])
        there = max(goal, left + H / 2)
        if self.rng.random() < 0.8:
            self.arrive(delivery_id, left, there)
        if self.rng.random() < 0.8:
            self.receive(delivery_id, rows, there)

    def loads(self) -> list[dict[str, Any]]:
        """Full, partial, over, in two lots; mostly, but not always, without the refused lines."""
        rows = []
        for row in self.rows:
            if row["line_id"] in self.refused and self.rng.random() < 0.75:
                continue
            share = self.rng.choices(["full", "part", "over", "lots"], [60, 15, 8, 17])[0]
            sizes = {"full": [row["quantity"]], "part": ["0.25"], "over": ["1000.5"]}
            for lot, quantity in enumerate(sizes.get(share, [row["quantity"], "0.0001"])):
                load = {"line_id": row["line_id"], "quantity": quantity, "lot_number": f"批{lot}"}
                rows.append(load | {"expires_on": "2028-12-31"})
        return rows

    def arrive(self, delivery_id: str, left: datetime, there: datetime) -> None:
        """The handing over, with or without proof, told at once, late, or before the dispatch."""
        data: dict[str, Any] = {"delivery_id": delivery_id, "order_id": self.order_id}
        if self.rng.random() < 0.6:
            kind = self.rng.choice(["signed", "scanned", "carrier"])
            data["proof"] = {"kind": kind, "reference": f"YD-{self.rng.randint(1, 999)}"}
        late = self.rng.choices([0 * H, H, 24 * H, 24 * H + S, 3 * D], [60, 15, 8, 9, 8])[0]
        if self.rng.random() < 0.06:
            self.pen.say("distributor", "delivery.arrived", data, left - H, left - H)
            self.pen.again(there + late)
        else:
            self.pen.say("distributor", "delivery.arrived", data, there + late, there)

    def receive(self, delivery_id: str, rows: list[dict[str, Any]], there: datetime) -> None:
        """The hospital's receipt: exact or not, prompt or many working days late."""
        receipt_id = f"R{delivery_id}"
        signed = there + self.rng.choice([0 * H, H, 20 * H])
        grace = end_of(working_day_after(local_day(there), 3))
        told = self.rng.choices([signed, grace, grace + S, grace + 9 * D], [70, 12, 10, 8])[0]
        data: dict[str, Any] = {"receipt_id": receipt_id, "delivery_id": delivery_id}
        data |= {"order_id": self.order_id, "lines": self.pen.receipt_rows(rows)}
        if self.rng.random() < 0.5:
            claims = [there, there - 2 * H, self.due, self.due + S, start_of(local_day(there))]
            data["arrived_at"] = self.pen.time(min(self.rng.choice(claims), signed))
        told = max(told, signed)
        if self.rng.random() < 0.12:
            wrong = copy.deepcopy(data) | {"receipt_id": receipt_id + "x"}
            wrong["lines"][-1]["rejected"] = "0.0007"
            wrong["lines"] = wrong["lines"][self.rng.randint(0, 1) :] or wrong["lines"]
            self.pen.say("hospital", "delivery.received", wrong, told, signed)
        self.pen.say("hospital", "delivery.received", data, told, signed)
        self.pen.aftermath(receipt_id, data["lines"], told)
