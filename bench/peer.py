"""pyeventsourcing as a peer: one aggregate per order, its events as that library keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Order(Aggregate):
    """An order that remembers the last thing that was said about it."""

    @event("Placed")
    def __init__(self, order_id: str, said: str) -> None:
        self.order_id = order_id
        self.said = said

    @staticmethod
    def create_id(order_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, order_id)

    @event("Told")
    def tell(self, said: str) -> None:
        self.said = said


class Peer:
    """Takes batches of raw events; keeps the aggregates in memory, as its own cache would."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._application: Application[Any] = Application(env=dict(environment))
        self._orders: dict[str, Order] = {}

    def prepare(self, batch: Sequence[bytes]) -> list[tuple[str, str]]:
        """The order's id and the text of each event, outside the measured stretch."""
        return [(msgspec.json.decode(raw)["data"]["order_id"], raw.decode()) for raw in batch]

    def save_all(self, batches: Sequence[Sequence[tuple[str, str]]]) -> None:
        """One save per batch, each event one of another aggregate."""
        for batch in batches:
            touched = []
            for order_id, said in batch:
                order = self._orders.get(order_id)
                if order is None:
                    order = self._orders[order_id] = Order(order_id=order_id, said=said)
                else:
                    order.tell(said)
                touched.append(order)
            self._application.save(*touched)

    def close(self) -> None:
        """Give its connections back."""
        self._application.close()
