"""A small market over HTTP: two hospitals, two distributors, four products, and one order's tale.

`Market` speaks as any actor and remembers no answers. `Tale` tells one order with a fresh id, each
call one POST with one event; its keyword arguments replace members of `data`, and `by`, `id`, `time`
and `source` say who sends it and how. Nothing here knows the product's code.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx2

from shared.testing.sandbox import Sandbox
from tests.oracle.uscc import make_uscc

Json = dict[str, Any]

H, H2, FAR = "H36010200001", "H36010200002", "H36073500003"
D, D2 = make_uscc(1), make_uscc(2)
M, M2 = make_uscc(3), make_uscc(4)
HOSPITAL, DISTRIBUTOR = f"hospital:{H}", f"distributor:{D}"
PROVINCE, IMPORTER, OPS = "bureau:360000", "importer:360000", "ops:360000"
START = "2026-01-05T09:00:00+08:00"

_numbers = count(1)


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


class Market:
    """A sandbox with the reference data above, and one client per actor."""

    def __init__(self, sandbox: Sandbox, *, fill: bool = True) -> None:
        self.sandbox = sandbox
        self._clients: dict[str | None, httpx2.Client] = {}
        for path, body in PUTS if fill else []:
            answer = self[PROVINCE].put(f"/orders/v1/{path}", json=body)
            assert answer.status_code == 200, answer.text

    def __getitem__(self, actor: str | None) -> httpx2.Client:
        if actor not in self._clients:
            self._clients[actor] = self.sandbox.client(actor)
        return self._clients[actor]

    @property
    def now(self) -> str:
        text: str = self[None].get("/sandbox/v1/clock").json()["now"]
        return text

    def post(self, actor: str, *events: Any, **parameters: str) -> httpx2.Response:
        """A batch, whatever becomes of it."""
        return self[actor].post("/orders/v1/events", json=list(events), params=parameters)

    def results(self, actor: str, *events: Any, **parameters: str) -> list[Json]:
        """The results of a batch."""
        answer = self.post(actor, *events, **parameters)
        assert answer.status_code in (200, 207, 422), answer.text
        results: list[Json] = answer.json()["results"]
        assert len(results) == len(events)
        return results

    def tale(self, hospital: str = H, distributor: str = D) -> Tale:
        """An order that nobody has placed yet."""
        return Tale(self, hospital, distributor)

    def placed(self, hospital: str = H, distributor: str = D, **data: Any) -> Tale:
        """An order that stands."""
        tale = self.tale(hospital, distributor)
        assert tale.place(**data)["status"] == "accepted"
        return tale


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


class Tale:
    """One order from its placing to its invoices."""

    def __init__(self, market: Market, hospital: str = H, distributor: str = D) -> None:
        self.market = market
        self.hospital, self.distributor = hospital, distributor
        self.order_id = f"{hospital}-{next(_numbers)}"
        self._count = count(1)

    def event(self, kind: str, side: str, data: Json, **envelope: Any) -> Json:
        """An event of one side; `None` in `data` or the envelope leaves a member out."""
        own = self.hospital if side == "hospital" else self.distributor
        made = {
            "specversion": "1.0",
            "id": f"{self.order_id}#{next(self._count)}",
            "source": f"urn:jicai:{own}",
            "type": f"jicai.{kind}.v1",
            "time": envelope.pop("time", None) or self.market.now,
            "data": {k: v for k, v in {"order_id": self.order_id, **data}.items() if v is not None},
            **envelope,
        }
        return {name: value for name, value in made.items() if value is not None}

    def placing(self, **data: Any) -> Json:
        base = {"hospital_id": self.hospital, "distributor_id": self.distributor}
        return self._made("order.placed", "hospital", base | {"lines": [line()]}, data)

    def answering(self, **data: Any) -> Json:
        return self._made("order.answered", "distributor", {}, data)

    def cancelling(self, **data: Any) -> Json:
        return self._made("order.cancelled", "hospital", {"reason": "不再需要"}, data)

    def dispatching(self, delivery: str = "D1", **data: Any) -> Json:
        base = {"delivery_id": delivery, "lines": [load()]}
        return self._made("delivery.dispatched", "distributor", base, data)

    def arriving(self, delivery: str = "D1", **data: Any) -> Json:
        return self._made("delivery.arrived", "distributor", {"delivery_id": delivery}, data)

    def receiving(self, receipt: str = "R1", delivery: str = "D1", **data: Any) -> Json:
        base = {"receipt_id": receipt, "delivery_id": delivery, "lines": [taken()]}
        return self._made("delivery.received", "hospital", base, data)

    def returning(self, back: str = "T1", receipt: str = "R1", **data: Any) -> Json:
        lines = [{"line_id": "L1", "quantity": "10"}]
        base = {"return_id": back, "receipt_id": receipt, "lines": lines, "reason": "近效期"}
        return self._made("return.requested", "hospital", base, data)

    def settling_return(self, back: str = "T1", confirmed: bool = True, **data: Any) -> Json:
        base = {"return_id": back, "confirmed": confirmed}
        return self._made("return.answered", "distributor", base, data)

    def invoicing(self, invoice: str = "I1", receipt: str = "R1", **data: Any) -> Json:
        lines = [{"line_id": "L1", "quantity": "100", "unit_price": "10.5"}]
        base = {"invoice_id": invoice, "invoice_number": "044001900111", "receipt_id": receipt}
        base |= {"lines": lines, "kind": "sale"}
        return self._made("invoice.registered", "distributor", base, data)

    def _made(self, kind: str, side: str, base: Json, data: Json) -> Json:
        envelope = {k: data.pop(k) for k in ("id", "time", "source", "subject") if k in data}
        return self.event(kind, side, base | data, **envelope)

    def send(self, event: Json, by: str | None = None) -> Json:
        """Post one event, as its own side unless said otherwise."""
        organisation = event["source"].split(":")[2]
        own = f"{'hospital' if organisation[0] == 'H' else 'distributor'}:{organisation}"
        return self.market.results(by or own, event)[0]

    def place(self, by: str | None = None, **data: Any) -> Json:
        return self.send(self.placing(**data), by)

    def answer(self, by: str | None = None, **data: Any) -> Json:
        return self.send(self.answering(**data), by)

    def cancel(self, by: str | None = None, **data: Any) -> Json:
        return self.send(self.cancelling(**data), by)

    def dispatch(self, delivery: str = "D1", by: str | None = None, **data: Any) -> Json:
        return self.send(self.dispatching(delivery, **data), by)

    def arrive(self, delivery: str = "D1", by: str | None = None, **data: Any) -> Json:
        return self.send(self.arriving(delivery, **data), by)

    def receive(self, receipt: str = "R1", delivery: str = "D1", **data: Any) -> Json:
        return self.send(self.receiving(receipt, delivery, **data))

    def view(self, actor: str = OPS) -> Json:
        """The order as this actor reads it."""
        answer = self.market[actor].get(f"/orders/v1/orders/{self.order_id}")
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document
