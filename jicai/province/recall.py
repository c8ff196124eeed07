"""A recall (召回): what one supplier brought in January comes back whole in February.

The pair then has more returns than receipts in a month, so its statement asks for nothing and is
carried forward; what it buys in March makes up for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from jicai.province.catalogue import products
from jicai.province.companies import distributors, supplier_of
from jicai.province.days import at
from jicai.province.delivering import SHELF_LIFE
from jicai.province.facts import Json, Line, Moment, Order
from jicai.province.ordering import placing
from jicai.province.places import hospitals

HOSPITAL = "H36050200001"
PRODUCT = "D019"
QUANTITY, AGAIN = 300, 420
ORDERED, RECALLED, ORDERED_AGAIN = date(2026, 1, 20), date(2026, 2, 9), date(2026, 3, 2)
LAST = date(2026, 3, 5)


def recall() -> Iterator[Moment]:
    """Ordered, paid for, recalled (全部退货), ordered again."""
    first, again = _order(ORDERED, QUANTITY), _order(ORDERED_AGAIN, AGAIN)
    yield from _bought(first)
    yield from _returned(first)
    yield from _bought(again)


def _order(day: date, quantity: int) -> Order:
    hospital = next(one for one in hospitals() if one.id == HOSPITAL)
    product = next(one for one in products() if one.id == PRODUCT)
    return Order(
        order_id=f"{hospital.id}-{day:%Y%m%d}-ZH",
        hospital=hospital,
        distributor=supplier_of(hospital, product.id, distributors()),
        sent_at=at(day, 9),
        lines=(Line("1", product, quantity, product.price, True),),
    )


def _bought(order: Order) -> Iterator[Moment]:
    """From the order to its invoice in three days."""
    [line] = order.lines
    day = order.sent_at.date()
    quantity: Json = {"line_id": line.line_id, "quantity": str(line.quantity)}
    delivery: Json = {"delivery_id": f"{order.order_id}-D1"}
    receipt: Json = {"receipt_id": f"{order.order_id}-R1"}
    lot = {"lot_number": f"{PRODUCT}25111", "expires_on": (day + SHELF_LIFE).isoformat()}
    proof = {"proof": {"kind": "signed", "reference": f"POD-{day:%Y%m%d}"}}
    accepted = {"line_id": line.line_id, "accepted": str(line.quantity), "rejected": "0"}
    yield placing(order)
    yield order.by_distributor("order.answered", "answered", _on(day, 0, 11), {})
    dispatched = {**delivery, "lines": [{**quantity, **lot}]}
    yield order.by_distributor("delivery.dispatched", "dispatched", _on(day, 0, 16), dispatched)
    yield order.by_distributor("delivery.arrived", "arrived", _on(day, 1, 10), delivery | proof)
    received = {**receipt, **delivery, "lines": [accepted]}
    yield order.by_hospital("delivery.received", "received", _on(day, 1, 14), received)
    priced = [{**quantity, "unit_price": line.unit_price}]
    invoice = {**receipt, "invoice_id": f"{order.order_id}-F", "kind": "sale", "lines": priced}
    invoice["invoice_number"] = f"2636{day:%Y%m%d}00000001"
    yield order.by_distributor("invoice.registered", "invoiced", _on(day, 2, 10), invoice)


def _returned(order: Order) -> Iterator[Moment]:
    """All of it, confirmed the next day, with its credit note (红字发票)."""
    [line] = order.lines
    quantity: Json = {"line_id": line.line_id, "quantity": str(line.quantity)}
    receipt: Json = {"receipt_id": f"{order.order_id}-R1"}
    own: Json = {"return_id": f"{order.order_id}-T"}
    requested = {**own, **receipt, "lines": [quantity], "reason": "冷链温度记录异常, 企业召回"}
    yield order.by_hospital("return.requested", "return", _on(RECALLED, 0, 10), requested)
    answered = {**own, "confirmed": True}
    yield order.by_distributor("return.answered", "return-answered", _on(RECALLED, 1, 10), answered)
    priced = [{**quantity, "unit_price": line.unit_price}]
    credit = {**receipt, **own, "invoice_id": f"{order.order_id}-TF", "kind": "credit"}
    credit |= {"invoice_number": f"2636{RECALLED:%Y%m%d}00000001", "lines": priced}
    yield order.by_distributor("invoice.registered", "credited", _on(RECALLED, 2, 10), credit)


def _on(day: date, later: int, hour: int) -> datetime:
    return at(day.replace(day=day.day + later), hour)
