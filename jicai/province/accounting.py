"""After the van has left: the receipt (验收), returns (退货), invoices (发票) and credit notes."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from jicai.province.behaviour import HABITS, REJECTIONS, RETURNS, between, happens
from jicai.province.days import in_office
from jicai.province.delivering import Delivery
from jicai.province.facts import Json, Line, Moment, Order

Accepted = list[tuple[Line, int]]


def after_arrival(rng: Random, order: Order, delivery: Delivery, number: int) -> list[Moment]:
    """Everything that follows one delivery; nothing if the hospital forgets to receive it."""
    habits = HABITS[order.hospital.level]
    if happens(rng, habits.forgets_receipt):
        return []
    when = in_office(delivery.arrived_at + timedelta(hours=between(rng, habits.receives_within)))
    when = when.replace(microsecond=0)
    receipt_id = f"{delivery.delivery_id}-R"
    receipt, accepted = _receipt(rng, order, delivery, receipt_id, number, when)
    moments = [receipt]
    if happens(rng, order.distributor.character.invoices) and accepted:
        invoiced = _later(rng, when, 20, 120)
        moments.append(_invoice(rng, order, accepted, receipt_id, number, invoiced))
    if happens(rng, habits.returns) and accepted:
        moments += _return(rng, order, accepted[0], receipt_id, number, _later(rng, when, 40, 200))
    return moments


def _receipt(
    rng: Random, order: Order, delivery: Delivery, receipt_id: str, number: int, when: datetime
) -> tuple[Moment, Accepted]:
    habits = HABITS[order.hospital.level]
    lines: list[Json] = []
    accepted: Accepted = []
    for line, brought in delivery.quantities:
        rejected = 0
        words: Json = {}
        if happens(rng, habits.rejects):
            rejected = max(brought * rng.choice((1, 2, 10)) // 10, 1)
            words = {"reject_reason": rng.choice(REJECTIONS)}
        quantities = {"accepted": str(brought - rejected), "rejected": str(rejected)}
        lines.append({"line_id": line.line_id, **quantities, **words})
        if brought > rejected:
            accepted.append((line, brought - rejected))
    data: Json = {"receipt_id": receipt_id, "delivery_id": delivery.delivery_id, "lines": lines}
    if happens(rng, habits.states_arrival):
        data["arrived_at"] = delivery.arrived_at.isoformat(timespec="seconds")
    return order.by_hospital("delivery.received", f"received-{number}", when, data), accepted


def _invoice(
    rng: Random, order: Order, accepted: Accepted, receipt_id: str, number: int, when: datetime
) -> Moment:
    lines = [_invoice_line(line, quantity) for line, quantity in accepted]
    if happens(rng, order.distributor.character.invoices_wrongly):
        lines[0]["quantity"] = str(accepted[0][1] + 1)
    data: Json = {
        "invoice_id": f"{receipt_id}-F",
        "invoice_number": f"2636{rng.randrange(10**16):016d}",
        "receipt_id": receipt_id,
        "lines": lines,
        "kind": "sale",
    }
    return order.by_distributor("invoice.registered", f"invoiced-{number}", when, data)


def _return(
    rng: Random,
    order: Order,
    goods: tuple[Line, int],
    receipt_id: str,
    number: int,
    when: datetime,
) -> list[Moment]:
    """A return, its confirmation or refusal, and the credit note (红字发票) for a confirmed one."""
    line, accepted = goods
    quantity = max(accepted // 5, 1)
    return_id = f"{receipt_id}-T"
    requested: Json = {
        "return_id": return_id,
        "receipt_id": receipt_id,
        "lines": [{"line_id": line.line_id, "quantity": str(quantity)}],
        "reason": rng.choice(RETURNS),
    }
    confirmed = happens(rng, 0.8)
    answered: Json = {"return_id": return_id, "confirmed": confirmed}
    if not confirmed:
        answered["reason"] = "超过约定退货期限"
    answered_at = _later(rng, when, 4, 70)
    name = f"return-{number}"
    moments = [
        order.by_hospital("return.requested", name, when, requested),
        order.by_distributor("return.answered", f"{name}-answered", answered_at, answered),
    ]
    if confirmed:
        credit: Json = {
            "invoice_id": f"{return_id}-F",
            "invoice_number": f"2636{rng.randrange(10**16):016d}",
            "receipt_id": receipt_id,
            "lines": [_invoice_line(line, quantity)],
            "kind": "credit",
            "return_id": return_id,
        }
        credited_at = _later(rng, answered_at, 20, 90)
        moments.append(
            order.by_distributor("invoice.registered", f"{name}-credited", credited_at, credit)
        )
    return moments


def _invoice_line(line: Line, quantity: int) -> Json:
    return {"line_id": line.line_id, "quantity": str(quantity), "unit_price": line.unit_price}


def _later(rng: Random, moment: datetime, low: float, high: float) -> datetime:
    """Some office hours later."""
    return in_office(moment + timedelta(hours=rng.uniform(low, high))).replace(microsecond=0)
