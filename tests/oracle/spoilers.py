"""How a copied event is spoilt: each spoiler aims at one rejection code and may miss it.

A spoiler changes the event in place. `off_sale`, `too_much`, `to_cancel` and the like depend on what the
order has become by then; the model, not the spoiler, says what the verdict is.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.province import Province
from tests.oracle.wording import written

Event = dict[str, Any]


@dataclass
class Mess:
    """What a spoiler may use: chance, the province, and how many were made before."""

    rng: random.Random
    land: Province
    made: int = 0


def new_order(mess: Mess, event: Event, now: datetime) -> None:
    """Make a copied placed event an order of its own, happening now."""
    event["data"]["order_id"] = f"{event['data']['hospital_id']}-x{mess.made}"
    event["time"] = written(mess.rng, now)
    for row in event["data"]["lines"]:
        row.pop("required_by", None)


def malformed_order(mess: Mess, event: Event, now: datetime) -> None:
    new_order(mess, event, now)
    row = event["data"]["lines"][0]
    twice = [row, copy.deepcopy(row)]
    spoil = mess.rng.choice(
        [
            lambda: row.update(quantity=mess.rng.choice(["0", "1.23456", "-1", 5, "", "1e3"])),
            lambda: row.update(unit_price=mess.rng.choice(["-0.01", "0.00001", None, 1])),
            lambda: event["data"].update(lines=mess.rng.choice([[], None, twice])),
            lambda: event.update(time=now.date().isoformat()),
            lambda: event.update(type="jicai.order.dreamt.v1"),
            lambda: event.pop("specversion"),
            lambda: event.pop("time"),
            lambda: event["data"].update(order_id="X" + event["data"]["order_id"]),
            lambda: event["data"].update(emergency="yes"),
        ]
    )
    spoil()


def wished_before(mess: Mess, event: Event, now: datetime) -> None:
    new_order(mess, event, now)
    early = now - timedelta(seconds=mess.rng.choice([0, 1, 86400]))
    event["data"]["lines"][-1]["required_by"] = written(mess.rng, early)


def unknown_party(mess: Mess, event: Event, now: datetime) -> None:
    new_order(mess, event, now)
    if mess.rng.random() < 0.6:
        makers = [one for one in mess.land.manufacturers if one not in mess.land.distributors]
        parties = [mess.land.unknown_distributor, *makers]
        event["data"]["distributor_id"] = mess.rng.choice(parties)
    if mess.rng.random() < 0.6:
        event["data"]["lines"][-1]["product_id"] = "P-404"


def off_sale(mess: Mess, event: Event, now: datetime) -> None:
    new_order(mess, event, now)
    event["data"]["lines"][-1]["product_id"] = mess.rng.choice(["P-005", "P-005", "P-006"])


def future(mess: Mess, event: Event, now: datetime) -> None:
    ahead = timedelta(minutes=5, seconds=mess.rng.choice([0, 1, 3600]))
    event["time"] = written(mess.rng, now + ahead)


def as_it_is(mess: Mess, event: Event, now: datetime) -> None:
    """Said a second time under a new id: something exists, arrived, was answered already."""


def unknown_order(mess: Mess, event: Event, now: datetime) -> None:
    event["data"]["order_id"] = event["data"]["order_id"][:12] + f"-none{mess.made}"


def new_ids(mess: Mess, event: Event, now: datetime) -> None:
    """A new thing of the same kind: a second receipt, return, invoice, dispatch."""
    own = {"dispatched": "delivery", "received": "receipt", "requested": "return"}
    own |= {"registered": "invoice"}
    member = own[event["type"].split(".")[2]] + "_id"
    event["data"][member] = f"N{mess.made}"


def wrong_part(mess: Mess, event: Event, now: datetime) -> None:
    """What the event hangs on does not exist."""
    data = event["data"]
    for member in ("delivery_id", "receipt_id", "return_id"):
        if member in data and mess.rng.random() < 0.7:
            data[member] = f"none{mess.made}"


def wrong_line(mess: Mess, event: Event, now: datetime) -> None:
    """The last line is one that the order does not have."""
    data = event["data"]
    if data.get("lines"):
        data["lines"][-1]["line_id"] = "L99"
    elif "reason" in data:
        data["line_ids"] = ["L1", "L99"]
    else:
        data["lines"] = [{"line_id": "L99", "answer": "accepted"}]


def wrong_sum(mess: Mess, event: Event, now: datetime) -> None:
    """A receipt that does not add up, or leaves a line out."""
    new_ids(mess, event, now)
    rows = event["data"]["lines"]
    if len(rows) > 1 and mess.rng.random() < 0.5:
        rows.pop()
    else:
        rows[-1]["accepted"] = "77777"


def too_much(mess: Mess, event: Event, now: datetime) -> None:
    new_ids(mess, event, now)
    event["data"]["lines"][0]["quantity"] = mess.rng.choice(["88888", "7", "0.0001"])


def to_cancel(mess: Mess, event: Event, now: datetime) -> None:
    """Cancel an order in whatever state it is by now."""
    event["type"] = "jicai.order.cancelled.v1"
    data = {"order_id": event["data"]["order_id"], "reason": "又不要了"}
    if mess.rng.random() < 0.6:
        data["line_ids"] = ["L1"]
    event["data"] = data


SPOILERS: list[tuple[str, Callable[[Mess, Event, datetime], None]]] = [
    *[("order.placed", malformed_order)] * 3,
    ("order.placed", wished_before),
    *[("order.placed", unknown_party)] * 2,
    ("order.placed", off_sale),
    ("order.placed", as_it_is),
    ("order.placed", to_cancel),
    ("", future),
    ("order.answered", as_it_is),
    ("order.answered", unknown_order),
    ("order.answered", wrong_line),
    ("order.cancelled", as_it_is),
    ("order.cancelled", wrong_line),
    ("delivery.dispatched", as_it_is),
    ("delivery.dispatched", new_ids),
    ("delivery.dispatched", wrong_line),
    ("delivery.arrived", as_it_is),
    ("delivery.arrived", wrong_part),
    ("delivery.received", as_it_is),
    ("delivery.received", new_ids),
    ("delivery.received", wrong_sum),
    ("delivery.received", wrong_part),
    ("return.requested", too_much),
    ("return.requested", wrong_part),
    ("return.answered", as_it_is),
    ("return.answered", wrong_part),
    ("invoice.registered", as_it_is),
    ("invoice.registered", wrong_part),
]
