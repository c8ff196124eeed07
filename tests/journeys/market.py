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
from tests.journeys.goods import OPS, PROVINCE, PUTS, D, H, Json, line, load, taken

_numbers = count(1)


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
