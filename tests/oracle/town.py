"""The smallest place where an order can be hand-worked: two hospitals, a distributor, two products.

`H` is an ordinary hospital of 360102, `FAR` a remote primary one. `P` is main at 10.50 everywhere and
listed; `Q` is in no batch. An agreement covers (H, P, D). Clock words: `day(8)` is 2026-01-08 00:00.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.orders import Orders, Verdict
from tests.oracle.uscc import make_uscc
from tests.oracle.wire import parse_time
from tests.oracle.world import World

H, FAR = "H36010200001", "H36073500002"
D, OTHER, M = make_uscc(1), make_uscc(2), make_uscc(3)
SENT = parse_time("2026-01-05T09:00:00+08:00")  # a Monday; answer due Wednesday 7th 09:00
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def day(number: int, hour: int = 0) -> datetime:
    """An hour of a day of January 2026."""
    return parse_time(f"2026-01-{number:02d}T{hour:02d}:00:00+08:00")


def town() -> World:
    """The reference data, put long before anything happens."""
    world, at = World(), day(1)
    for key, remote, level in ((H, False, "tertiary"), (FAR, True, "primary")):
        body = {"kinds": ["hospital"], "division": key[1:7], "remote": remote, "level": level}
        world.put(at, f"organisations/{key}", body)
    for key in (D, OTHER):
        world.put(at, f"organisations/{key}", {"kinds": ["distributor"], "division": "360100"})
    world.put(at, f"organisations/{M}", {"kinds": ["manufacturer"], "division": "360100"})
    for key, category in (("P", "drug"), ("Q", "consumable")):
        body = {"category": category, "generic_name": "G", "manufacturer_id": M}
        world.put(at, f"products/{key}", body)
    main = [{"product_id": "P", "divisions": ["360000"], "selected_price": "10.50"}]
    dates = {"effective_on": "2026-01-01", "ends_on": "2026-12-31"}
    world.put(at, "batches/B", {**dates, "main": main, "backup": []})
    agreed = {"hospital_id": H, "product_id": "P", "distributor_id": D}
    world.put(at, "agreements/A", agreed)
    world.put(at, "listings/P", {"status": "listed"})
    return world


@dataclass
class Tale:
    """One order told by hand; every call is one POST and returns its verdict."""

    model: Orders = field(default_factory=lambda: Orders(town()))
    hospital: str = H
    order_id: str = f"{H}-1"
    importer: bool = False
    count: int = 0

    def post(
        self, side: str, kind: str, at: datetime, occurred: datetime | None = None, **data: Any
    ) -> Verdict:
        """Post an event of a side at an instant."""
        self.count += 1
        own = self.hospital if side == "hospital" else D
        event = {
            "specversion": "1.0",
            "id": f"{self.order_id}#{self.count}",
            "source": f"urn:jicai:{own}",
            "type": f"jicai.{kind}.v1",
            "time": (occurred or at).isoformat(),
            "data": {"order_id": self.order_id, **data},
        }
        actor = "importer:360000" if self.importer else f"{side}:{own}"
        return self.model.post(at, actor, [event])[0]

    def place(self, at: datetime = SENT, occurred: datetime | None = None, **more: Any) -> Verdict:
        """An order of 100 P (or of the `lines` given)."""
        lines = more.pop("lines", [self.line()])
        data = {"hospital_id": self.hospital, "distributor_id": D, "lines": lines, **more}
        return self.post("hospital", "order.placed", at, occurred, **data)

    @staticmethod
    def line(line_id: str = "L1", **more: Any) -> dict[str, Any]:
        """A line of 100 P at the selected price."""
        base = {"line_id": line_id, "product_id": "P", "quantity": "100", "unit_price": "10.5"}
        return base | more

    def answer(self, at: datetime, answer: str = "accepted", **more: Any) -> Verdict:
        """Answer L1."""
        lines = [{"line_id": "L1", "answer": answer, **more}]
        return self.post("distributor", "order.answered", at, lines=lines)

    def cancel(self, at: datetime, **more: Any) -> Verdict:
        """Cancel L1, or the `line_ids` given."""
        return self.post("hospital", "order.cancelled", at, **({"reason": "x"} | more))

    def send(
        self, at: datetime, quantity: str = "100", delivery: str = "D1", **more: Any
    ) -> Verdict:
        """Dispatch a quantity of L1."""
        load = {
            "line_id": "L1",
            "quantity": quantity,
            "lot_number": "1",
            "expires_on": "2028-01-01",
        }
        lines = [load]
        kind = "delivery.dispatched"
        return self.post("distributor", kind, at, delivery_id=delivery, lines=lines, **more)

    def arrive(self, at: datetime, occurred: datetime | None = None, proof: bool = True) -> Verdict:
        """The arrival of D1, with or without proof."""
        more = {"proof": {"kind": "signed", "reference": "1"}} if proof else {}
        return self.post("distributor", "delivery.arrived", at, occurred, delivery_id="D1", **more)

    def receive(
        self,
        at: datetime,
        occurred: datetime | None = None,
        accepted: str = "100",
        rejected: str = "0",
        reason: str | None = None,
        **more: Any,
    ) -> Verdict:
        """The receipt of D1, which held L1 only."""
        row = {"line_id": "L1", "accepted": accepted, "rejected": rejected}
        row |= {"reject_reason": reason} if reason else {}
        kind, data = "delivery.received", {"receipt_id": "R1", "delivery_id": "D1", "lines": [row]}
        return self.post("hospital", kind, at, occurred, **data, **more)
