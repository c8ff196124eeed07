"""The load: CloudEvents of about 450 bytes, orders of three lines, five stages each.

A lane is what one client sends, batch after batch. A full batch of 500 holds one event of each of
500 orders: 100 are placed in it, 100 answered, dispatched, arrived, received. No two events of a
batch touch the same stream, which is the worst case for a program that keeps a state per order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from bench.town import DISTRIBUTORS, HOSPITALS, IMPORTER, PRODUCTS
from shared.kernel.clock import BEIJING

GROUP = 100
STAGES = 5
REASONS = ("no_stock", "no_agreement", "hospital_request")
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=45)


@dataclass(slots=True)
class Lane:
    """One client's orders, from `first` on; gives batches for ever."""

    name: str
    random: Random
    group: int = GROUP
    """So many orders begin in each batch."""
    _open: list[list[list[bytes]]] = field(default_factory=list)
    _placed: int = 0

    def batch(self) -> list[bytes]:
        """The next batch; the first four are not full, for nothing stands to be answered yet."""
        self._open.append([self._order() for _ in range(self.group)])
        events = []
        for age, group in enumerate(reversed(self._open)):
            events += [order[age] for order in group]
        self._open = self._open[-(STAGES - 1) :]
        return events

    def _order(self) -> list[bytes]:
        self._placed += 1
        random = self.random
        hospital = random.choice(HOSPITALS)
        order_id = f"{hospital}-{self.name}-{self._placed:06d}"
        sent = _START + timedelta(minutes=self._placed % 40_000, seconds=random.randrange(60))
        return [event.encode() for event in _events(random, hospital, order_id, sent)]


def _events(random: Random, hospital: str, order_id: str, sent: datetime) -> list[str]:
    """The five events of one order; some lines are refused, late, rejected or withdrawn."""
    distributor = random.choice(DISTRIBUTORS)
    quantities = [random.randrange(1, 200) * 10 for _ in range(3)]
    products = random.sample(PRODUCTS, 3)
    delivery = f"D-{order_id[13:]}"
    lines = ",".join(
        f'{{"line_id":"{n}","product_id":"{p}","quantity":"{q}","unit_price":"12.50"}}'
        for n, (p, q) in enumerate(zip(products, quantities, strict=True), 1)
    )
    placed = (
        f'"order_id":"{order_id}","hospital_id":"{hospital}","distributor_id":"{distributor}",'
        + ('"back_entered":true,' if random.random() < 0.03 else "")
        + f'"lines":[{lines}]'
    )
    kept = [1, 2, 3]
    hour = timedelta(hours=1)
    if random.random() < 0.03:
        second, source = "order.cancelled", hospital
        kept = [1, 2]
        answered = f'"order_id":"{order_id}","line_ids":["3"],"reason":"not needed"'
    else:
        second, source = "order.answered", distributor
        answered = f'"order_id":"{order_id}","lines":[{_answers(random, kept)}]'
    dispatched = ",".join(
        f'{{"line_id":"{n}","quantity":"{quantities[n - 1]}","lot_number":"L{n}0417",'
        '"expires_on":"2028-06-30"}'
        for n in kept
    )
    received = ",".join(_receipt(random, n, quantities[n - 1]) for n in kept)
    arrival = sent + random.choice((20, 40, 60, 90, 200)) * hour
    named = f'"delivery_id":"{delivery}","order_id":"{order_id}"'
    return [
        _event(random, "order.placed", hospital, sent, placed),
        _event(random, second, source, sent + random.choice((1, 5, 20, 50)) * hour, answered),
        _event(random, "delivery.dispatched", distributor, sent + 10 * hour,
               f'{named},"lines":[{dispatched}]'),
        _event(random, "delivery.arrived", distributor, arrival,
               f'{named},"proof":{{"kind":"signed","reference":"POD-{order_id}"}}'),
        _event(random, "delivery.received", hospital, arrival + 2 * hour,
               f'"receipt_id":"R-{order_id[13:]}",{named},"lines":[{received}]'),
    ]  # fmt: skip


def _answers(random: Random, kept: list[int]) -> str:
    return ",".join(
        f'{{"line_id":"{n}","answer":"accepted"}}'
        if random.random() < 0.95
        else f'{{"line_id":"{n}","answer":"refused","reason_code":"{random.choice(REASONS)}"}}'
        for n in kept
    )


def _receipt(random: Random, line: int, quantity: int) -> str:
    if random.random() < 0.04:
        return (
            f'{{"line_id":"{line}","accepted":"{quantity - 5}","rejected":"5",'
            '"reject_reason":"damaged"}'
        )
    return f'{{"line_id":"{line}","accepted":"{quantity}","rejected":"0"}}'


def _event(random: Random, type_: str, source: str, at: datetime, data: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"{random.getrandbits(128):032x}",'
        f'"source":"urn:jicai:{source}:erp","type":"jicai.{type_}.v1",'
        f'"time":"{at.astimezone(BEIJING).isoformat()}","datacontenttype":"application/json",'
        f'"data":{{{data}}}}}'
    )


def lanes(count: int, seed: str, group: int = GROUP) -> list[Lane]:
    """So many clients' lanes; another seed names other orders."""
    return [Lane(f"{seed}{n}", Random(f"{seed}/{n}"), group) for n in range(count)]


def request(events: list[bytes]) -> bytes:
    """One HTTP request with these events as a batch."""
    body = b"[" + b",".join(events) + b"]"
    return (
        b"POST /orders/v1/events HTTP/1.1\r\nHost: bench\r\n"
        b"Content-Type: application/cloudevents-batch+json\r\n"
        b"X-Jicai-Actor: %b\r\nContent-Length: %d\r\n\r\n"
    ) % (IMPORTER.encode(), len(body)) + body


def write_requests(path: str, its_lanes: list[Lane], batches: int) -> int:
    """Write the next so many batches of each lane for the load generator; returns the events."""
    count = 0
    found: list[list[tuple[int, bytes]]] = []
    for lane in its_lanes:
        mine = []
        for _ in range(batches):
            events = lane.batch()
            count += len(events)
            mine.append((len(events), request(events)))
        found.append(mine)
    Path(path).write_bytes(msgspec.msgpack.encode(found))
    return count
