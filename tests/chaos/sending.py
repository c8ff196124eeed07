"""A sender that never gives up: every id is made before it is sent, what was not answered is sent again.

It migrates the history of many orders, so that their deadlines have long passed and every figure
can be counted by hand. Each batch begins some orders and takes the others one step further.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from tests.chaos.installation import Server
from tests.journeys.goods import D2, FAR, H2, IMPORTER, PUTS, D, H

BEGUN_PER_BATCH: Final = 5
Event = dict[str, Any]
HOURS: Final = timedelta(hours=1)


def register(orders: Server) -> None:
    """The market's registers, their batch in force now."""
    today = datetime.now(UTC).date()
    dates = {
        "published_on": str(today - timedelta(days=200)),
        "effective_on": str(today - timedelta(days=180)),
        "ends_on": str(today + timedelta(days=180)),
    }
    with orders.client("bureau:360000") as client:
        for path, body in PUTS:
            body = body | dates if path.startswith("batches/") else body
            answer = client.put(f"/orders/v1/{path}", json=body)
            assert answer.status_code == 200, answer.text


def tale(number: int, began: datetime) -> list[Event]:
    """One order's events in the order they are sent; its number says how it goes."""
    hospital, distributor = (H, H2, FAR)[number % 3], (D, D2)[number % 2]
    order_id = f"{hospital}-{number}"
    sent = began + number * timedelta(minutes=1)

    def event(kind: str, by: str, hours: float, **data: Any) -> Event:
        return {
            "specversion": "1.0", "id": f"{order_id}-{kind}", "source": f"urn:jicai:{by}",
            "type": f"jicai.{kind}.v1", "time": (sent + hours * HOURS).isoformat(),
            "data": {"order_id": order_id, **data},
        }  # fmt: skip

    line = {
        "line_id": "1", "product_id": "PQ"[number % 2], "quantity": "10", "unit_price": "1",
        "required_by": (sent + 72 * HOURS).isoformat(),
    }  # fmt: skip
    load = {"line_id": "1", "quantity": "10", "lot_number": "1", "expires_on": "2099-01-01"}
    parties = {"hospital_id": hospital, "distributor_id": distributor, "lines": [line]}
    events = [event("order.placed", hospital, 0, **parties)]
    if answered(number):
        events.append(event("order.answered", distributor, 60 if late(number) else 5))
    delivery = {"delivery_id": "1"}
    proof = {"kind": "signed", "reference": "1"}
    arrived = 100 if on_time(number) is False else 40
    events += [
        event("delivery.dispatched", distributor, 20, **delivery, lines=[load]),
        event("delivery.arrived", distributor, arrived, **delivery, proof=proof),
        event("delivery.received", hospital, arrived + 3, **delivery, receipt_id="1",
              lines=[{"line_id": "1", "accepted": "10", "rejected": "0"}]),
    ]  # fmt: skip
    return events


def answered(number: int) -> bool:
    """Every eleventh order is never answered."""
    return number % 11 != 0


def late(number: int) -> bool:
    """Every seventh answer comes after its due."""
    return number % 7 == 0


def on_time(number: int) -> bool:
    """Every fifth order arrives after its due."""
    return number % 5 != 0


class Sender:
    """A thread that posts batch after batch until it is told to end; then it ends every order begun."""

    def __init__(self, orders: Server, *, pause: float = 0.1) -> None:
        self._orders, self._pause = orders, pause
        self._began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._under_way: list[list[Event]] = []
        self.begun = 0
        self.accepted: list[Event] = []
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def finish(self) -> None:
        """Begin no more orders, end those begun, and raise what went wrong on the way."""
        self._ending.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "the sender was never answered"
        if self.failure is not None:
            raise self.failure

    @property
    def orders(self) -> range:
        """The numbers of all orders begun."""
        return range(self.begun)

    def _run(self) -> None:
        try:
            with self._orders.client(IMPORTER) as client:
                while not self._ending.wait(self._pause):
                    self._begin()
                    self._post(client, self._next_steps())
                while self._under_way:
                    self._post(client, self._next_steps())
        except BaseException as error:
            self.failure = error

    def _begin(self) -> None:
        for _ in range(BEGUN_PER_BATCH):
            self._under_way.append(tale(self.begun, self._began))
            self.begun += 1

    def _next_steps(self) -> list[Event]:
        batch = [steps.pop(0) for steps in self._under_way]
        self._under_way = [steps for steps in self._under_way if steps]
        return batch

    def _post(self, client: httpx2.Client, batch: list[Event]) -> None:
        """The same batch until it is answered; a second answer may say duplicate, nothing else."""
        for _ in range(300):
            try:
                answer = client.post("/orders/v1/events", json=batch)
            except httpx2.TransportError:
                self._ending.wait(0.1)
                continue
            if answer.status_code == 503:
                self._ending.wait(0.1)
                continue
            assert answer.status_code == 200, answer.text
            self.accepted += batch
            return
        raise AssertionError("never answered")


@contextmanager
def sending(orders: Server, *, pause: float = 0.1) -> Iterator[Sender]:
    """Facts come in all the while; the test finishes them, or they end with it."""
    register(orders)
    sender = Sender(orders, pause=pause)
    sender.start()
    try:
        yield sender
    finally:
        sender.finish()
