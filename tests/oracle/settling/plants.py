"""Orders planted in every season, for turns that chance takes too seldom.

The provincial hospital sends back in April most of what it bought in March and buys little in May: its
April is negative, is carried into a May that is negative too, and that into a June that pays. A clerk of
the city's hospital finds in March's statement a line together with its return.
"""

import random
from datetime import datetime, timedelta

from tests.oracle.settling.hand import DAY, Hand
from tests.oracle.settling.land import HOSPITALS, PAYEES
from tests.oracle.wording import Move

BOUGHT = ((5, "40"), (42, "1"), (70, "3"), (100, "100"))
"""Days after the beginning, and how much of P-1 the provincial hospital takes."""


def planted(rng: random.Random, first: datetime) -> list[Move]:
    """The moves of all of them."""
    moves: list[Move] = []
    for serial, (day, quantity) in enumerate(BOUGHT, start=9001):
        order = bought(rng, serial, first + day * DAY, HOSPITALS[3], PAYEES[1], quantity)
        if serial == 9001:
            order.at += 40 * DAY
            sent_back(order, "30")
        moves += order.moves
    for serial in range(9101, 9104):
        order = bought(rng, serial, first + 3 * DAY, HOSPITALS[1], PAYEES[2], "12.5")
        order.at += timedelta(hours=12)
        sent_back(order, "2")
        moves += order.moves
    return moves


def bought(
    rng: random.Random, serial: int, at: datetime, hospital: str, payee: str, quantity: str
) -> Hand:
    """An order of one line that goes as it should."""
    order = Hand(rng, serial, at)
    order.hospital, order.payee, order.lines = hospital, payee, {"L1": "P-1"}
    order.order_id = f"{hospital}-{serial:04d}"
    order.place()
    load = {"line_id": "L1", "quantity": quantity, "lot_number": "1", "expires_on": "2028-01-01"}
    order.say("delivery.dispatched", {"delivery_id": "D1", "lines": [load]})
    row = {"line_id": "L1", "accepted": quantity, "rejected": "0"}
    order.say(
        "delivery.received", {"receipt_id": "R1", "delivery_id": "D1", "lines": [row]}, side="H"
    )
    order.bill("R1", "L1", quantity, "10.50")
    return order


def sent_back(order: Hand, quantity: str) -> None:
    """A part comes back and is taken."""
    rows = [{"line_id": "L1", "quantity": quantity}]
    said = {"return_id": "T1", "receipt_id": "R1", "lines": rows, "reason": "近效期"}
    order.say("return.requested", said, side="H")
    order.say("return.answered", {"return_id": "T1", "confirmed": True})
