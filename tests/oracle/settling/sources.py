"""What a variety leaves out of the inputs of a surplus: found in reports, agreements, receipts.

Readings
- Reported = the demand reports of (batch, hospital, generic name). Agreed = the agreements whose
  `from` (by default the batch's first day) lies in the year.
- Selected = what receipts accepted (returns are not named among the sources, so they take nothing off)
  of lines that are main in this batch, in the agreement year, by the receipt's `occurred_at`: from the
  first to the last day of the agreements found above, or of the batch where there is none and the batch
  begins in that year. Non-selected = the same of lines in role `none`, of any batch, at the
  order's price. Backup lines are in neither (Q9 is open).
- `selected_price` = the price of the one product agreed. Where several could be meant the oracle
  refuses to guess (`Unsaid`): send the price.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.oracle import facts as kinds
from tests.oracle.calendar import local_day
from tests.oracle.settling.office import Office
from tests.oracle.settling.prepayments import selected_price

Year = tuple[str, int, str]
"""Batch, the year in which the agreement year begins, hospital."""


class Unsaid(Exception):
    """The contract does not say which of several values is meant."""


def reported(office: Office, key: Year, name: str) -> Fraction:
    """What the hospital's demand reports say."""
    return sum(
        (
            Fraction(one["reported_quantity"])
            for one in office.orders.world.all(office.now, "demand-reports").values()
            if (one["batch_id"], one["hospital_id"], one["generic_name"]) == (key[0], key[2], name)
        ),
        Fraction(0),
    )


def agreements(office: Office, key: Year, name: str) -> list[dict[str, Any]]:
    """The hospital's agreements on a generic whose year begins in the year asked for, with its days."""
    world, (batch, year, hospital) = office.orders.world, key
    body = world.get(office.now, "batches", batch) or {"effective_on": "", "ends_on": ""}
    dated = [
        {
            **one,
            "from": one.get("from") or body["effective_on"],
            "to": one.get("to") or body["ends_on"],
        }
        for one in world.all(office.now, "agreements").values()
        if (one["batch_id"], one["hospital_id"]) == (batch, hospital)
        and generic(office, one["product_id"]) == name
    ]
    return [one for one in dated if one["from"][:4] == str(year)]


def agreed(office: Office, key: Year, name: str) -> Fraction:
    """What the hospital has agreed to buy in that year."""
    found = agreements(office, key, name)
    return sum((Fraction(one["agreed_quantity"]) for one in found), Fraction(0))


def price(office: Office, key: Year, name: str) -> Fraction:
    """The selected price of what it has agreed to buy, where there is one."""
    prices = {
        selected_price(office, key[0], one["product_id"], key[2])
        for one in agreements(office, key, name)
    }
    if len(prices) > 1:
        raise Unsaid(f"{name} was agreed at several prices")
    return prices.pop() if prices else Fraction(0)


def selected(office: Office, key: Year, name: str) -> Fraction:
    """How much of the batch's selected product the hospital took."""
    return sum((quantity for quantity, _ in used(office, key, name, "main")), Fraction(0))


def used(office: Office, key: Year, name: str, role: str) -> Sequence[tuple[Fraction, Fraction]]:
    """Quantity accepted and price ordered of each receipt line of a role in the agreement year."""
    batch, _, hospital = key
    first, last = days_of(office, key, name)
    found = []
    for fact in office.orders.facts:
        if fact.type != kinds.RECEIVED or not (
            first <= local_day(fact.occurred_at).isoformat() <= last
        ):
            continue
        order = office.orders.story(fact.order_id)
        for row in fact.data["lines"]:
            line = order.lines[row["line_id"]]
            ours = role == "none" or line.known["batch_id"] == batch
            named = line.known["generic_name"] == name and line.known["supplier_role"] == role
            if order.placed.data["hospital_id"] == hospital and ours and named:
                found.append((Fraction(row["accepted"]), Fraction(line.row["unit_price"])))
    return found


def days_of(office: Office, key: Year, name: str) -> tuple[str, str]:
    """The first and the last day of the agreement year; an empty span where there is none."""
    found = agreements(office, key, name)
    body = office.orders.world.get(office.now, "batches", key[0])
    if not found and body and body["effective_on"][:4] == str(key[1]):
        return body["effective_on"], body["ends_on"]
    return min((one["from"] for one in found), default="z"), max(
        (one["to"] for one in found), default=""
    )


def generic(office: Office, product: str) -> str:
    """The generic name of a product."""
    return str((office.orders.world.get(office.now, "products", product) or {})["generic_name"])
