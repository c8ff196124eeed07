"""A small town to play in: a hospital, a distributor, a maker and a product, registered."""

from __future__ import annotations

from typing import Any

import httpx2

from shared.kernel.codes import check_digit_uscc
from shared.testing.sandbox import Sandbox


def uscc(first17: str) -> str:
    return first17 + check_digit_uscc(first17)


HOSPITAL, OTHER_HOSPITAL = "H36010200001", "H36050200009"
DISTRIBUTOR, MAKER = uscc("91360000MA00000D1"), uscc("91360000MA00000M1")
PROVINCE = "bureau:360000"
TICKET = {
    "ticket_id": f"{HOSPITAL}-T1",
    "hospital_id": HOSPITAL,
    "product_id": "P1",
    "addressees": [DISTRIBUTOR, MAKER],
    "category": "late_delivery",
    "description": "三次催单未到货",
    "order_ids": [f"{HOSPITAL}-1"],
    "ward": "儿科",
}


class Town:
    """A sandbox in which a hospital, a distributor, a maker and a product are registered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._clients: dict[str, httpx2.Client] = {}
        for path, body in (
            (f"organisations/{HOSPITAL}", organisation("hospital", "360102")),
            (f"organisations/{DISTRIBUTOR}", organisation("distributor", "360100")),
            (f"organisations/{MAKER}", organisation("manufacturer", "360100")),
            (
                "products/P1",
                {
                    "name": "阿莫西林胶囊", "generic_name": "阿莫西林", "category": "drug",
                    "manufacturer_id": MAKER, "unit": "盒", "units_per_pack": 24,
                },
            ),
            (
                "batches/B1",
                {
                    "name": "第一批", "organiser": "province", "published_on": "2025-11-01",
                    "effective_on": "2025-12-01", "ends_on": "2027-12-31",
                    "main": [
                        {"product_id": "P1", "divisions": ["360000"], "selected_price": "12.505"}
                    ],
                    "backup": [],
                },
            ),
        ):  # fmt: skip
            self.put(f"/orders/v1/{path}", body)

    def client(self, actor: str) -> httpx2.Client:
        if actor not in self._clients:
            self._clients[actor] = self.sandbox.client(actor)
        return self._clients[actor]

    def put(self, path: str, body: Any, actor: str = PROVINCE) -> Any:
        answer = self.client(actor).put(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, actor: str = "ops:360000") -> Any:
        answer = self.client(actor).get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def open(self, ticket: dict[str, Any], actor: str = f"hospital:{HOSPITAL}") -> httpx2.Response:
        return self.client(actor).post("/feedback/v1/tickets", json=ticket)

    def post(self, actor: str, event_id: str, type_: str, **data: Any) -> dict[str, Any]:
        now = self.client(actor).get("/sandbox/v1/clock").json()["now"]
        event = {
            "specversion": "1.0", "id": event_id, "type": type_, "time": now, "data": data,
            "source": f"urn:jicai:{actor.partition(':')[2]}",
        }  # fmt: skip
        answer = self.client(actor).post("/orders/v1/events", json=event)
        assert answer.status_code == 200, answer.text
        return event

    def order(self, order_id: str) -> None:
        self.post(
            f"hospital:{HOSPITAL}", f"{order_id}-placed", "jicai.order.placed.v1",
            order_id=order_id, hospital_id=HOSPITAL, distributor_id=DISTRIBUTOR,
            lines=[
                {"line_id": "1", "product_id": "P1", "quantity": "100", "unit_price": "12.505"},
                {"line_id": "2", "product_id": "P1", "quantity": "1", "unit_price": "12.505"},
            ],
        )  # fmt: skip

    def due_of(self, order_id: str) -> str:
        due: str = self.get(f"/orders/v1/orders/{order_id}")["lines"][0]["delivery_due"]
        return due

    def history_of(self, order_id: str) -> list[str]:
        history = self.get(f"/orders/v1/orders/{order_id}")["history"]
        return [fact["type"].split(".")[2] for fact in history]


def organisation(kind: str, division: str) -> dict[str, Any]:
    return {"kinds": [kind], "name": f"某{kind}", "division": division}
